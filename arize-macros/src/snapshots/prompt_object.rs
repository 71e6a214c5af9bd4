fn render(city: &str) -> String {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::prompt(
        "render",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                i.arg(::arize_runtime::__private::arg("city", &city));
            },
        )
        .call(move || {
            if false {
                return ::arize_runtime::__private::infer::<String>();
            }
            match () {
                () => format!("Plan a trip to {city}."),
            }
        })
        .outcome(|o| (o.value().record(), o.error().record()));
}
