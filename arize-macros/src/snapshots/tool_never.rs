fn stop() -> ! {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
        "stop",
    );
    ::arize_runtime::__private::start_without(&__ARIZE_SPAN)
        .call(move || { std::process::exit(1) })
        .outcome(|_| ())
}
