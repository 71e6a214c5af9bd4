async fn plan(goal: &str, budget: u32) -> impl Display {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::agent(
        "planner",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("goal", &goal).record(i);
                ::arize_runtime::__private::arg("budget", &budget).record(i);
            },
        )
        .run(async move { budget })
        .outcome(|o| o.value().record())
        .await;
}
