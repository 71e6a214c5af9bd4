fn distance(__arg0: (f64, f64), __arg1: Point) -> f64 {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "distance",
    );
    let __call = ::arize_runtime::__private::start(
        &__ARIZE_SPAN,
        |i| {
            ::arize_runtime::__private::arg("arg0", &__arg0).typed(i);
            ::arize_runtime::__private::arg("arg1", &__arg1).typed(i);
        },
    );
    let (x, y) = __arg0;
    let Point { z, .. } = __arg1;
    return __call.call(move || -> f64 { x + y + z }).outcome(|o| o.value().record());
}
