pub async fn handle(headers: &HeaderMap, body: &Value) -> Value {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "handle",
    );
    return ::arize_runtime::__private::body(&*body)
        .handle(&__ARIZE_SPAN, &*headers)
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Value>();
            }
            answer(body).await
        })
        .outcome(|o| o.value().body().respond())
        .await;
}
