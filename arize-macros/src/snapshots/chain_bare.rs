async fn plan(goal: String) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "plan",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("goal", &goal).bare(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<String>();
            }
            goal
        })
        .outcome(|o| o.value().record())
        .await;
}
