async fn book(session: &str, user: u32) -> Booking {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "book",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("session", &session).typed(i);
                ::arize_runtime::__private::arg("user", &user).typed(i);
            },
        )
        .attributes(|a| {
            a.scope(&Scope::new().session_id(session).tags(["beta"]));
            a.user_id(&user);
        })
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Booking>();
            }
            agency(session).book().await
        })
        .outcome(|o| o.value().record())
        .await;
}
