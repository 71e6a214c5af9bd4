pub fn find<T: Serialize>(
    &mut self,
    client: &Client,
    query: Query,
    key: &str,
    extra: Vec<T>,
) -> Option<&mut Row> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
            "lookup",
        )
        .description("Looks up.");
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::debug_arg("query", &query).typed(i);
                ::arize_runtime::__private::redacted_arg("key", &key).typed(i);
                ::arize_runtime::__private::generic_arg("extra", &extra).typed(i);
            },
        )
        .call(move || -> Option<&mut Row> { client.find(query, key) })
        .outcome(|o| o.value().record());
}
