fn is_harmless(question: &str) -> bool {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::guardrail(
        "is_harmless",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("question", &question).bare(i);
            },
        )
        .call(move || -> bool { !question.contains("password") })
        .outcome(|o| o.value().record());
}
