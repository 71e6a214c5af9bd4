async fn invoke(request: http::Request<Bytes>) -> Result<Response<Bytes>, AppError> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "invoke",
    );
    return ::arize_runtime::__private::request(&request)
        .body()
        .handle(&__ARIZE_SPAN, &request)
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<
                    Result<Response<Bytes>, AppError>,
                >();
            }
            respond(request).await
        })
        .outcome(|o| o.value().body().respond())
        .await;
}
