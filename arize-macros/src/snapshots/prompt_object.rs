fn render(city: &str) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::prompt(
        "render",
    );
    ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("city", &city).record(i);
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<String>();
            }
            format!("Plan a trip to {city}.")
        })
        .outcome(|o| (o.value().record(), o.error().record()))
}
