//! A server that speaks the wire formats of `OpenAI` and Anthropic.
//!
//! What it answers follows from the request: a model of [`models`] fails in its own way; a request with tools, and no
//! result of one yet, is asked to call the first; any other gets [`ANSWER`]. Streams come in pieces of seven bytes, so
//! that no event and no character arrives whole.

mod anthropic;
mod openai;
mod responses;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the model says.
pub(crate) const ANSWER: &str = "It is 22 °C in Rome.";
/// The arguments with which the model calls a tool.
pub(crate) const ARGUMENTS: &str = r#"{"city":"Rome"}"#;

/// Models that fail.
pub(crate) mod models {
    /// 401 with the provider's error.
    pub(crate) const UNAUTHORIZED: &str = "unauthorized";
    /// 429 with the provider's error.
    pub(crate) const RATE_LIMITED: &str = "rate-limited";
    /// 500 with a page of HTML, as a proxy has it.
    pub(crate) const BROKEN: &str = "broken";
    /// A stream whose connection breaks off in its middle.
    pub(crate) const BREAKS_OFF: &str = "breaks-off";
    /// A stream that says in its middle that it failed.
    pub(crate) const FAILS_MIDWAY: &str = "fails-midway";
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// Null where it is no JSON.
    pub(crate) body: Value,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

type Requests = Arc<Mutex<Vec<Received>>>;

/// The server, on a port of its own.
pub(crate) struct LlmServer {
    /// Without a path: `OpenAI`'s clients want `/v1` after it.
    pub(crate) url: String,
    requests: Requests,
}

impl LlmServer {
    pub(crate) async fn start() -> Self {
        choose_tls();
        let requests = Requests::default();
        let router = Router::new().fallback(answer).with_state(requests.clone());
        let listener = TcpListener::bind(crate::harness::any_port()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, requests }
    }

    /// The base of `OpenAI`'s API, as its clients are given it.
    pub(crate) fn openai(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }
}

/// Clients are built for TLS, of which there are several kinds, and none of them used here.
pub(crate) fn choose_tls() {
    // another test was first
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whatever comes before it, the end of the path is the API.
async fn answer(
    State(requests): State<Requests>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    requests.lock().unwrap().push(Received {
        method: method.clone(),
        uri: uri.clone(),
        headers,
        body: body.clone(),
    });
    let path = uri.path();
    let anthropic = path.ends_with("/messages");
    if let Some(failure) = failure(text(&body, "model"), anthropic) {
        return failure;
    }
    if path.ends_with("/chat/completions") {
        openai::chat(&body)
    } else if path.ends_with("/completions") {
        openai::completions(&body)
    } else if path.ends_with("/embeddings") {
        openai::embeddings(&body)
    } else if path.ends_with("/responses") {
        responses::responses(&body)
    } else if anthropic {
        anthropic::messages(&body)
    } else {
        Response::new(Body::from("a page"))
    }
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap_or_default()
}

fn failure(model: &str, anthropic: bool) -> Option<Response> {
    let (status, kind, message) = match model {
        models::UNAUTHORIZED if anthropic => (401, "authentication_error", "invalid x-api-key"),
        models::UNAUTHORIZED => (401, "invalid_request_error", "Incorrect API key provided."),
        models::RATE_LIMITED => (429, "rate_limit_error", "Rate limit reached."),
        models::BROKEN => {
            let page = Body::from("<html><body>Bad gateway</body></html>");
            return Some(with_status(500, "text/html", page));
        }
        _ => return None,
    };
    let body = if anthropic {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
    } else {
        json!({"error": {"message": message, "type": kind, "param": null, "code": "some_code"}})
    };
    let body = Body::from(body.to_string());
    Some(with_status(status, "application/json", body))
}

fn with_status(status: u16, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let content_type = content_type.parse().unwrap();
    response.headers_mut().insert("content-type", content_type);
    response
}

fn json_response(body: &Value) -> Response {
    with_status(200, "application/json", Body::from(body.to_string()))
}

fn sse_response(body: &Value, events: &str) -> Response {
    let breaks_off = text(body, "model") == models::BREAKS_OFF;
    let events = events.as_bytes();
    let most = if breaks_off {
        events.len() / 2
    } else {
        events.len()
    };
    let pieces: Vec<_> = events[..most]
        .chunks(7)
        .map(Bytes::copy_from_slice)
        .collect();
    let pieces = stream::iter(pieces).map(Ok::<_, Infallible>);
    let body = if breaks_off {
        // the task that sends has to send what there is before it hears of the failure
        let failure = stream::once(async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            Err(std::io::Error::other("it breaks off"))
        });
        Body::from_stream(
            pieces
                .map(|piece| Ok(piece.unwrap_or_default()))
                .chain(failure),
        )
    } else {
        Body::from_stream(pieces)
    };
    with_status(200, "text/event-stream; charset=utf-8", body)
}

/// The answer in the pieces in which it is streamed.
fn words() -> impl Iterator<Item = &'static str> {
    ANSWER.split_inclusive(' ')
}

/// The arguments in the pieces in which they are streamed.
fn argument_pieces() -> [&'static str; 3] {
    ["", &ARGUMENTS[..5], &ARGUMENTS[5..]]
}
