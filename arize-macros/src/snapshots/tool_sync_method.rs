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
                i.parameter(
                    ::arize_runtime::__private::debug_arg("query", &query).typed(),
                );
                i.parameter(
                    ::arize_runtime::__private::redacted_arg("key", &key).typed(),
                );
                i.parameter(
                    ::arize_runtime::__private::generic_arg("extra", &extra).typed(),
                );
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<Option<&mut Row>>();
            }
            match () {
                () => client.find(query, key),
            }
        })
        .outcome(|o| (o.value().record(), o.error().record()));
}
