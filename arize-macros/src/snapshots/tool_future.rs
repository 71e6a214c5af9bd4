fn find(&self, city: &str) -> impl Future<Output = Result<Rows, Error>> + use<> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "find",
    );
    let __call = ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("city", &city).typed(i);
            },
        )
        .future(move || {
            let request = self.client.get(city);
            async move { request.send().await }
        });
    return async move { __call.outcome(|o| o.value().record()).await };
}
