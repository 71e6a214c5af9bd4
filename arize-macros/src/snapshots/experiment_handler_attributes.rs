async fn invoke(headers: HeaderMap, __arg1: Json<AgentRequest<Trip>>) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "invoke",
    );
    let __call = ::arize_runtime::__private::body(&*__arg1)
        .handle(&__ARIZE_SPAN, &headers);
    let Json(request) = __arg1;
    return __call
        .attributes(|a| {
            a.user_id(&request.input.user);
            a.all(Attributes::new().agent_name(&request.input.agent));
        })
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<String>();
            }
            plan(request).await
        })
        .outcome(|o| o.value().body().respond())
        .await;
}
