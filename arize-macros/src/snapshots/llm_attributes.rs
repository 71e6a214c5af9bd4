async fn complete(chat: &Chat, turn: u32, prompt: &str) -> Completion {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::llm(
            "complete",
        )
        .without_automatic_input();
    return ::arize_runtime::__private::start_without(&__ARIZE_SPAN)
        .attributes(|a| {
            a.session_id(&chat.session);
            a.metadata(&json!({ "turn" : turn + 1 }));
            a.tags(&["beta"]);
            a.attribute("chat.turn", &turn);
            a.attribute("model", &chat.model);
        })
        .input(&prompt)
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Completion>();
            }
            chat.complete(prompt).await
        })
        .outcome(|o| o.value().record())
        .await;
}
