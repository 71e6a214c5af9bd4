async fn invoke(
    headers: HeaderMap,
    __arg1: Json<AgentRequest<Trip>>,
) -> Result<Json<Answer>, AppError> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "run_agent",
    );
    let __call = ::arize_runtime::__private::body(&*__arg1)
        .handle(&__ARIZE_SPAN, &headers);
    let Json(request) = __arg1;
    return __call
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<
                    Result<Json<Answer>, AppError>,
                >();
            }
            let flights = search_flights(&request.input.from, &request.input.to).await?;
            Ok(Json(answer(flights)))
        })
        .outcome_with(|o| o.value().body().at(|answer| &answer.text).get().record())
        .await;
}
