pub async fn find<'a>(
    client: &'a Client,
    city: &'a str,
    filter: Filter,
    #[cfg(feature = "stars")]
    stars: Option<u8>,
) -> Rows {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
            "find",
        )
        .description("Finds hotels.");
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("city", &city).typed(i);
                ::arize_runtime::__private::debug_arg("filter", &filter).typed(i);
                #[cfg(feature = "stars")]
                ::arize_runtime::__private::arg("stars", &stars).typed(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Rows>();
            }
            client.find(city, filter).await
        })
        .outcome(|o| o.value().record())
        .await;
}
///What an LLM is told of the tool `find`.
#[must_use]
pub fn find_definition() -> ::arize_runtime::__private::ToolDefinition {
    return ::arize_runtime::__private::define(
        "find",
        ::core::option::Option::Some("Finds hotels."),
        |p| {
            ::arize_runtime::__private::parameter::<&'_ str>("city").add(p);
            #[cfg(feature = "stars")]
            ::arize_runtime::__private::parameter::<Option<u8>>("stars").add(p);
        },
    );
}
