fn rows(query: String) -> BoxStream<'static, Row> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "rows",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                i.parameter(::arize_runtime::__private::arg("query", &query).typed());
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<BoxStream<'static, Row>>();
            }
            match () {
                () => table(query).boxed(),
            }
        })
        .stream(|o| o.error().record())
        .hold(|o| (o.value().at(|row| &row.name).get().record(), o.error().record()));
}
