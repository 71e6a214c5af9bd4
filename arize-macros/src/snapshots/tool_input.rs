fn find(query: Query) -> Rows {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
            "find",
        )
        .parameters("{\"type\":\"object\"}")
        .without_automatic_input();
    return ::arize_runtime::__private::start_without(&__ARIZE_SPAN)
        .input(&query.text)
        .call(move || -> Rows { rows(query) })
        .outcome(|o| o.value().skip());
}
