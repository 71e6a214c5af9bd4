fn is_harmless(question: &str) -> bool {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::guardrail(
        "is_harmless",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                i.bare(::arize_runtime::__private::arg("question", &question));
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<bool>();
            }
            match () {
                () => !question.contains("password"),
            }
        })
        .outcome(|o| (o.value().record(), o.error().record()));
}
