//! rig over an HTTP client that is traced itself: one LLM span of each call.

use std::future::Future;

use arize_runtime::HttpClientLayer;
use bytes::Bytes;
use http::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use rig_core::completion::CompletionRequest;
use rig_core::http_client::{
    Error, HttpClientExt, LazyBody, MultipartForm, Result, StreamingResponse,
};
use rig_core::providers::openai::OpenAIConfig;

use super::{Library, spans, tree};
use crate::harness::{PARENT, named};
use crate::llm_server::{ANSWER, choose_tls};

/// rig's transport.
struct Traced(ClientWithMiddleware);

impl HttpClientExt for Traced {
    fn send<T, U>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        T: Into<Bytes> + Send,
        U: From<Bytes> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let request = self.0.request(parts.method, parts.uri.to_string());
        let sent = request.headers(parts.headers).body(body.into()).send();
        async move {
            let answer = sent.await.map_err(Error::instance)?;
            let head = Response::builder().status(answer.status());
            let body: LazyBody<U> = Box::pin(async move {
                let bytes = answer.bytes().await.map_err(Error::instance)?;
                Ok(U::from(bytes))
            });
            head.body(body).map_err(Error::Protocol)
        }
    }

    // a chat has no files, and this one is not streamed
    fn send_multipart<U>(
        &self,
        _: Request<MultipartForm>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        U: From<Bytes> + Send + 'static,
    {
        std::future::pending()
    }

    fn send_streaming<T: Into<Bytes> + Send>(
        &self,
        _: Request<T>,
    ) -> impl Future<Output = Result<StreamingResponse>> + Send {
        std::future::pending()
    }
}

pub(super) async fn chat(url: &str, question: &str) {
    choose_tls();
    let client = ClientBuilder::new(reqwest::Client::new()).with(HttpClientLayer::new());
    let config = OpenAIConfig::new("hunter2").with_base_url(url);
    let model = config.connect(Traced(client.build())).chat("gpt-5");
    let answer = model.call(CompletionRequest::new(question)).await.unwrap();
    assert_eq!(answer.text(), ANSWER);
}

#[tokio::test]
async fn a_call_of_rig_over_a_traced_client_is_one_llm_span() {
    let spans = spans(Library::RigOverTracedClient, |arize| arize).await;
    assert_eq!(
        tree(&spans, PARENT, 0),
        "\
run_agent [CHAIN]
  ask_model [TOOL]
    chat [LLM]
      POST [-]
  not of a model [-]
"
    );
    let request = named(&spans, "POST");
    assert!(request.attr("http.response.status_code").is_some());
    assert!(!format!("{request:?}").contains("weather?"));
}
