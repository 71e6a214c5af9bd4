fn score(answer: &str, expected: &str) -> f64 {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::evaluator(
        "score",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                i.arg(::arize_runtime::__private::arg("answer", &answer));
                i.arg(::arize_runtime::__private::arg("expected", &expected));
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<f64>();
            }
            match () {
                () => compare(answer, expected),
            }
        })
        .outcome(|o| (o.value().record(), o.error().record()));
}
