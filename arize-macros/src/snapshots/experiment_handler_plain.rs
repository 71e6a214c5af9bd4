pub async fn handle(headers: &HeaderMap, body: &Value) -> Value {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "handle",
    );
    ::arize_runtime::__private::handle(
            &__ARIZE_SPAN,
            &*headers,
            ::arize_runtime::__private::body(&*body).read(),
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Value>();
            }
            answer(body).await
        })
        .outcome(|o| (o.value().body().respond(), o.error().record()))
        .await
}
