fn complete(prompt: &str) -> Completion {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::llm(
        "complete",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("prompt", &prompt).record(i);
            },
        )
        .call(move || -> Completion { model(prompt) })
        .outcome(|o| o.value().record());
}
