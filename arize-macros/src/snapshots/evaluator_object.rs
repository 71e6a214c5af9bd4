fn score(answer: &str, expected: &str) -> f64 {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::evaluator(
        "score",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("answer", &answer).record(i);
                ::arize_runtime::__private::arg("expected", &expected).record(i);
            },
        )
        .call(move || -> f64 { compare(answer, expected) })
        .outcome(|o| o.value().record());
}
