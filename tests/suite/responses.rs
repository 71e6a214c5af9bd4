//! What a handler's span records of requests and responses that have their body inside.

use arize_local::{Span, StatusCode as SpanStatus};
use arize_runtime::{AgentRequest, experiment_handler};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use opentelemetry::context::FutureExt as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::harness::{PARENT, Pipeline, TRACEPARENT, route};

const BODY: &str =
    r#"{"input": "Lisbon", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;

fn request<B>(body: B) -> Request<B> {
    let request = Request::post("/invoke").header("traceparent", TRACEPARENT);
    request.body(body).unwrap()
}

/// The span of one call, which is the request's child and goes where its body says.
async fn span(call: impl Future) -> Span {
    let pipeline = Pipeline::start(&[]).await;
    call.with_context(pipeline.context()).await;
    let mut spans = pipeline.spans().await;
    let span = spans.remove(0);
    assert_eq!(spans, []);
    assert_eq!(span.parent_span_id.as_deref(), Some(PARENT));
    assert_eq!(route(&span), ("s", "s", "p"));
    assert_eq!(span.attr_str("input.value"), Some("Lisbon"));
    span
}

#[tokio::test]
async fn a_request_alone_has_headers_and_body() {
    #[experiment_handler]
    async fn bytes(request: Request<Bytes>) -> usize {
        request.body().len()
    }
    #[experiment_handler]
    async fn boxed(request: &Request<Box<[u8]>>) -> usize {
        request.body().len()
    }
    #[experiment_handler]
    async fn text(request: Request<String>) -> usize {
        request.body().len()
    }
    #[experiment_handler]
    async fn value(request: Request<Value>) -> bool {
        request.body().is_object()
    }
    #[experiment_handler]
    async fn typed(request: Request<AgentRequest<String>>) -> String {
        request.into_body().input
    }
    #[derive(Serialize)]
    struct Own {
        input: &'static str,
        arize_metadata: Value,
    }
    #[experiment_handler]
    async fn message(request: tonic::Request<Own>) -> &'static str {
        request.into_inner().input
    }
    span(bytes(request(Bytes::from(BODY)))).await;
    span(boxed(&request(BODY.as_bytes().into()))).await;
    span(text(request(BODY.to_owned()))).await;
    span(value(request(serde_json::from_str(BODY).unwrap()))).await;
    span(typed(request(serde_json::from_str(BODY).unwrap()))).await;
    let mut own = tonic::Request::new(Own {
        input: "Lisbon",
        arize_metadata: json!({"space_id": "s", "project_name": "p"}),
    });
    let traceparent = TRACEPARENT.parse().unwrap();
    own.metadata_mut().insert("traceparent", traceparent);
    span(message(own)).await;
}

#[tokio::test]
async fn a_response_records_a_body_that_is_text() {
    #[experiment_handler(body = request.body())]
    async fn invoke(request: Request<&str>, body: Bytes) -> Response<Bytes> {
        Response::new(body)
    }
    for (body, recorded) in [
        (&br#"{"text": "x"}"#[..], Some(r#"{"text": "x"}"#)),
        (br#""a string""#, Some("a string")),
        (b"plain {words", Some("plain {words")),
        (b"\xff\xfe", None),
    ] {
        let call = invoke(request(BODY), Bytes::from_static(body));
        assert_eq!(span(call).await.attr_str("output.value"), recorded);
    }
}

#[tokio::test]
async fn a_response_with_5xx_is_an_error_whatever_is_recorded_of_it() {
    fn unavailable(body: String) -> Response<String> {
        let response = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
        response.body(body).unwrap()
    }
    #[experiment_handler]
    async fn shown(request: Request<String>) -> Response<String> {
        unavailable("busy".to_owned())
    }
    #[experiment_handler(output = |body| body.len() + 1)]
    async fn closure(request: Request<String>) -> Response<String> {
        unavailable("busy".to_owned())
    }
    #[experiment_handler(output = none)]
    async fn hidden(request: Request<String>) -> Response<String> {
        unavailable("busy".to_owned())
    }
    let body = || request(BODY.to_owned());
    for (span, output) in [
        (span(shown(body())).await, Some("busy")),
        (span(closure(body())).await, Some("5")),
        (span(hidden(body())).await, None),
    ] {
        assert_eq!(span.status.code, SpanStatus::Error);
        assert_eq!(span.status.message, "503: Service Unavailable");
        assert_eq!(span.attr_str("output.value"), output);
    }
}

#[tokio::test]
async fn a_grpc_status_is_told_by_its_code() {
    #[experiment_handler]
    async fn invoke(request: Request<String>) -> Result<tonic::Response<String>, tonic::Status> {
        match request.headers().len() {
            1 => Ok(tonic::Response::new("a trip".to_owned())),
            2 => Err(tonic::Status::not_found("no such city")),
            _ => Err(tonic::Status::new(tonic::Code::Internal, "")),
        }
    }
    let call = async |more: usize| {
        let mut request = request(BODY.to_owned());
        for _ in 0..more {
            request
                .headers_mut()
                .append("x", http::HeaderValue::from_static("y"));
        }
        span(invoke(request)).await
    };
    let found = call(0).await;
    assert_eq!(found.attr_str("output.value"), Some("a trip"));
    assert_eq!(call(1).await.status.message, "NotFound: no such city");
    assert_eq!(call(2).await.status.message, "Internal");
}

#[tokio::test]
async fn bytes_that_cannot_be_had_are_not_recorded() {
    struct Hostile;
    impl AsRef<[u8]> for Hostile {
        fn as_ref(&self) -> &[u8] {
            panic!("no")
        }
    }
    #[experiment_handler(input = "Lisbon")]
    async fn invoke(request: Request<Hostile>) -> Response<Hostile> {
        Response::new(request.into_body())
    }
    let mut request = request(Hostile);
    let baggage = "arize.space_id=s,arize.project_name=p".parse().unwrap();
    request.headers_mut().insert("baggage", baggage);
    let span = span(invoke(request)).await;
    assert_eq!(span.status.code, SpanStatus::Ok);
    assert_eq!(span.attr_str("output.value"), None);
}
