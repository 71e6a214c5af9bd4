async fn rank(client: &Client, query: &str, documents: Vec<Document>) -> Vec<Document> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::reranker(
        "rank",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("query", &query).record(i);
                ::arize_runtime::__private::arg("documents", &documents).record(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Vec<Document>>();
            }
            client.rank(query, documents).await
        })
        .outcome(|o| o.value().record())
        .await;
}
