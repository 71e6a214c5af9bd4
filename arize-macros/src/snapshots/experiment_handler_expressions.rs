async fn invoke(
    &self,
    request: Request<Bytes>,
    __arize_arg1: Extension<Trip>,
) -> impl IntoResponse {
    static __ARIZE_SPAN: crate::arize::__private::SpanSpec = crate::arize::__private::SpanSpec::chain(
            "invoke",
        )
        .project_name("trips")
        .without_automatic_input();
    let Extension(trip) = __arize_arg1;
    crate::arize::__private::handle(
            &__ARIZE_SPAN,
            &request.headers(),
            crate::arize::__private::body(&request.body()).read(),
        )
        .input(&trip.goal)
        .run(async move { respond(request).await })
        .outcome(|o| o.error().record())
        .await
}
