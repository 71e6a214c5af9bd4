async fn embed(text: &str) -> Vec<f32> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::embedding(
        "embed",
    );
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("text", &text).bare(i);
            },
        )
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Vec<f32>>();
            }
            model.embed(text).await
        })
        .outcome(|o| o.value().skip())
        .await;
}
