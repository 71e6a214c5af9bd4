fn render(city: &str) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::prompt(
        "render",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("city", &city).record(i);
            },
        )
        .call(move || -> String { format!("Plan a trip to {city}.") })
        .outcome(|o| o.value().record());
}
