fn next_step(goal: &str) -> Step {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::decision(
        "next_step",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("goal", &goal).record(i);
            },
        )
        .call(move || -> Step { policy(goal) })
        .outcome(|o| o.value().record());
}
