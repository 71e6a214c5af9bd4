async fn invoke(request: Request<Bytes>) -> Response<String> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "invoke",
    );
    return ::arize_runtime::__private::request(&request)
        .body()
        .handle(&__ARIZE_SPAN, &request)
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Response<String>>();
            }
            answer(request).await
        })
        .outcome(|o| o.value().body().respond())
        .flush()
        .await;
}
