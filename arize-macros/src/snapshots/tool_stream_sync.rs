fn rows(query: String) -> BoxStream<'static, Row> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "rows",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("query", &query).typed(i);
            },
        )
        .call(move || -> BoxStream<'static, Row> { table(query).boxed() })
        .stream(|o| o.value().leave())
        .hold(|o| o.value().at(|row| &row.name).get().record());
}
