//! Functions where nothing is in scope: `#![no_implicit_prelude]`.

mod functions {
    #![no_implicit_prelude]

    use ::arize_runtime::{
        agent, attributes::Llm, chain, decision, embedding, evaluator, experiment_handler,
        guardrail, llm, prompt, reranker, retriever, tool,
    };
    use ::async_trait::async_trait;
    use ::axum::http::HeaderMap;
    use ::futures_util::future::BoxFuture;
    use ::futures_util::stream::{self, BoxStream};
    use ::std::boxed::Box;
    use ::std::fmt::Error;
    use ::std::future::Future;
    use ::std::option::Option::{self, Some};
    use ::std::result::Result::{self, Ok};
    use ::std::string::String;
    use ::tokio::task::yield_now;

    pub(super) struct Steps(pub(super) u32);

    impl Steps {
        #[chain(session_id = text, attributes("a.length" = text.len()))]
        pub(super) fn chain(&self, text: &str) -> String {
            ::std::format!("{text}{}", self.0)
        }

        #[agent(scope = ::arize_runtime::Scope::new().user_id("u"))]
        pub(super) async fn agent(&mut self, _goal: u32, (a, b): (u32, u32)) -> Option<u32> {
            yield_now().await;
            self.0 += 1;
            Some(a + b)
        }
    }

    #[async_trait]
    pub(super) trait Search {
        async fn search(&self, query: &str) -> Result<u32, Error>;
    }

    #[async_trait]
    impl Search for Steps {
        #[tool(debug(query), attributes = ::arize_runtime::attributes::Tool::new().id("1"))]
        async fn search(&self, query: &str) -> Result<u32, Error> {
            yield_now().await;
            if query.is_empty() {
                return ::std::result::Result::Err(Error);
            }
            Ok(1)
        }
    }

    #[llm(stream, attributes = Llm::new().model("m"))]
    pub(super) fn llm(prompt: &'static str) -> BoxStream<'static, &'static str> {
        Box::pin(stream::iter([prompt]))
    }

    #[retriever]
    pub(super) fn retriever(query: u32) -> BoxFuture<'static, u32> {
        let found = query + 1;
        Box::pin(async move { found })
    }

    #[reranker]
    pub(super) fn reranker(n: u32) -> impl Future<Output = u32> {
        let ranked = n;
        async move { ranked }
    }

    #[embedding(input = text.len(), output = |value| value[0])]
    pub(super) fn embedding(text: &str) -> [usize; 1] {
        [text.len()]
    }

    #[guardrail(skip_all, skip_output)]
    pub(super) fn guardrail(_text: &str) -> bool {
        true
    }

    #[evaluator(redact(answer))]
    pub(super) fn evaluator(answer: &str) -> usize {
        answer.len()
    }

    #[prompt]
    pub(super) fn prompt() {}

    #[decision]
    pub(super) async fn decision(stop: bool) -> ! {
        yield_now().await;
        ::std::panic!("{stop}")
    }

    #[experiment_handler(flush)]
    pub(super) async fn handler(_headers: HeaderMap, body: String) -> Result<String, Error> {
        yield_now().await;
        Ok(body)
    }
}

use arize_runtime::testing::capture;
use axum::http::HeaderMap;
use functions::Search as _;
use futures_util::{FutureExt as _, StreamExt as _};

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let mut steps = functions::Steps(0);
    let all = async {
        assert_eq!(steps.chain("a"), "a0");
        assert_eq!(steps.agent(1, (2, 3)).await, Some(5));
        assert!(steps.search("").await.is_err());
        assert_eq!(functions::llm("hi").count().await, 1);
        assert_eq!(
            functions::retriever(1).await + functions::reranker(2).await,
            4
        );
        assert_eq!(functions::embedding("abc"), [3]);
        assert!(functions::guardrail("x") && functions::evaluator("x") == 1);
        functions::prompt();
        let decided = std::panic::AssertUnwindSafe(functions::decision(true));
        assert!(decided.catch_unwind().await.is_err());
        let answer = functions::handler(HeaderMap::new(), "q".to_owned()).await;
        assert_eq!(answer.as_deref(), Ok("q"));
    };
    capture.scope(all).await;
    assert_eq!(capture.spans().len(), 12);
    assert_eq!(capture.span("agent").text("user.id"), Some("u"));
    assert_eq!(capture.span("llm").output(), Some("hi"));
    assert_eq!(capture.span("decision").error(), Some("panic: true"));
}
