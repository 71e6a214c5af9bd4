fn invoke<'a>(
    &'a self,
    request: Request<Trip>,
) -> BoxFuture<'a, Result<Response<Answer>, Status>> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "invoke",
    );
    let __call = ::arize_runtime::__private::NoBody
        .handle(&__ARIZE_SPAN, &request)
        .future(move || {
            if false {
                return ::arize_runtime::__private::infer::<
                    BoxFuture<'a, Result<Response<Answer>, Status>>,
                >();
            }
            Box::pin(async move { self.answer(request).await })
        });
    ::std::boxed::Box::pin(async move {
        __call.outcome(|o| (o.value().body().respond(), o.error().record())).await
    })
}
