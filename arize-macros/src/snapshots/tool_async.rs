/// Search flights between two airports.
async fn search_flights(from: &str, to: &str) -> Result<Vec<Flight>, FlightError> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
            "search_flights",
        )
        .description("Search flights between two airports.");
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("from", &from).typed(i);
                ::arize_runtime::__private::arg("to", &to).typed(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<
                    Result<Vec<Flight>, FlightError>,
                >();
            }
            let response = http_request(from, to).await?;
            Ok(response.flights)
        })
        .outcome(|o| o.value().record())
        .await;
}
