fn find<'a>(
    &'a self,
    __arg0: (City, City),
) -> Pin<Box<dyn Future<Output = Rows> + Send + 'a>> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "find",
    );
    return ::std::boxed::Box::pin(async move {
        let __call = ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("arg0", &__arg0).typed(i);
            },
        );
        let (from, to) = __arg0;
        __call
            .run(async move {
                if false {
                    return ::arize_runtime::__private::infer::<Rows>();
                }
                self.client.get(from, to).await
            })
            .outcome(|o| o.value().skip())
            .await
    });
}
