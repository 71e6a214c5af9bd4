async fn shout(word: &str) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "shout",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("word", &word).typed(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<String>();
            }
            match () {
                () => {
                    use std::fmt::Write as _;
                    write(word).await
                }
            }
        })
        .outcome(|o| o.value().record())
        .await;
}
