fn complete(prompt: &str) -> Completion {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::llm(
        "complete",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                i.arg(::arize_runtime::__private::arg("prompt", &prompt));
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<Completion>();
            }
            match () {
                () => model(prompt),
            }
        })
        .outcome(|o| (o.value().record(), o.error().record()));
}
