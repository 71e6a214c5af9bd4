async fn find(query: &str) -> Vec<Document> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::retriever(
        "find",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("query", &query).bare(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Vec<Document>>();
            }
            index.search(query).await
        })
        .outcome(|o| o.value().record())
        .await;
}
