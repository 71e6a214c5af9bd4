fn invoke<'a>(
    &'a self,
    request: Request<Trip>,
) -> BoxFuture<'a, Result<Response<Answer>, Status>> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "invoke",
    );
    return ::std::boxed::Box::pin(async move {
        ::arize_runtime::__private::NoBody
            .handle(&__ARIZE_SPAN, &request)
            .run(async move {
                if false {
                    return ::arize_runtime::__private::infer::<
                        Result<Response<Answer>, Status>,
                    >();
                }
                self.answer(request).await
            })
            .outcome(|o| o.value().body().respond())
            .await
    });
}
