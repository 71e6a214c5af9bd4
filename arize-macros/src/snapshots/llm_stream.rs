async fn complete(
    &self,
    prompt: &str,
) -> Result<impl Stream<Item = Result<String, Error>>, Error> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::llm(
        "complete",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("prompt", &prompt).record(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Result<_, Error>>();
            }
            self.client.stream(prompt).await
        })
        .stream(|o| o.value().leave())
        .await
        .hold(|o: ::arize_runtime::__private::Outcome<'_, Result<String, Error>>| {
            o.value().record()
        });
}
