async fn invoke(
    headers: HeaderMap,
    __arize_arg1: Json<AgentRequest<Trip>>,
) -> Result<Json<Answer>, AppError> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "run_agent",
    );
    let __arize_call = ::arize_runtime::__private::handle(
        &__ARIZE_SPAN,
        &headers,
        ::arize_runtime::__private::body(&*__arize_arg1).read(),
    );
    let Json(request) = __arize_arg1;
    __arize_call
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<
                    Result<Json<Answer>, AppError>,
                >();
            }
            let flights = search_flights(&request.input.from, &request.input.to).await?;
            Ok(Json(answer(flights)))
        })
        .outcome(|o| (
            o.value().body().at(|answer| &answer.text).value().record(),
            o.error().record(),
        ))
        .await
}
