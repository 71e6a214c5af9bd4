async fn invoke(
    &self,
    request: Request<Bytes>,
    __arg1: Extension<Trip>,
) -> impl IntoResponse {
    static __ARIZE_SPAN: crate::arize::__private::SpanSpec = crate::arize::__private::SpanSpec::chain(
            "invoke",
        )
        .project_name("trips")
        .without_automatic_input();
    let Extension(trip) = __arg1;
    return crate::arize::__private::body(&request.body())
        .handle(&__ARIZE_SPAN, &request.headers())
        .input(&trip.goal)
        .run(async move { respond(request).await })
        .outcome(|o| o.value().body().skip())
        .await;
}
