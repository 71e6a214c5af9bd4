//! Spans that pass through a collector that is not ours, on their way to the receiver. What is asserted here is
//! what `arize-runtime/docs/collector.md` says of it; `bash .ci/run collector` runs it.

use arize_local::{ExportRequest, Receiver, Span};
use arize_runtime::{
    AgentRequest, Compression, Protocol, RegisterWithRouting, experiment_handler, register, tool,
};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::context::FutureExt as _;
use serde_json::Value;

use crate::harness::{
    self, PARENT, SOON, TRACE, TRACEPARENT, any_port, named, registration, route, serve,
};
use crate::rotel::Rotel;

#[tool]
async fn search_flights(to: &str) -> Vec<String> {
    vec![format!("to {to} at 07:40"), "übermorgen ✈".to_owned()]
}

#[derive(Debug)]
struct SoldOut;

#[tool]
async fn book_hotel(stars: u8) -> Result<u8, SoldOut> {
    if stars > 5 { Ok(stars) } else { Err(SoldOut) }
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Json<usize> {
    let flights = search_flights(&request.input).await;
    Json(flights.len() + book_hotel(4).await.map_or(0, usize::from))
}

fn body(space: &str) -> String {
    format!(
        r#"{{"input": "LIS", "arize_metadata": {{"space_id": "{space}", "project_name": "project of {space}", "run_id": "r1"}}}}"#
    )
}

/// What arrives of a request for each of these spaces, `configured` to send where it likes.
async fn arriving(
    receiver: &Receiver,
    spaces: &[&str],
    configured: impl FnOnce(RegisterWithRouting) -> RegisterWithRouting,
) -> Vec<Span> {
    let arize = configured(registration(
        receiver,
        &[("ARIZE_API_KEY", "the agent's key")],
    ));
    let arize = arize.build().unwrap();
    let before = receiver.spans().len();
    let url = serve(
        Router::new().route("/invoke", post(invoke)),
        arize.context(),
    )
    .await;
    for space in spaces {
        harness::post(&url, &[("traceparent", TRACEPARENT)], body(space)).await;
    }
    let sent = 3 * spaces.len();
    arize.shutdown(SOON).await.unwrap();
    let stats = arize.stats();
    assert_eq!((stats.ended, stats.exported), (sent as u64, sent as u64));
    let spans = receiver
        .wait_until(SOON, |spans| spans.len() >= before + sent)
        .await;
    receiver.settled().await;
    assert_eq!(receiver.spans().len(), before + sent, "each once");
    spans[before..].to_vec()
}

/// All that is known of a span but what differs from call to call.
fn contents(span: &Span) -> Value {
    let mut json = span.to_json();
    let fields = json.as_object_mut().unwrap();
    for field in [
        "span_id",
        "parent_span_id",
        "start_unix_nano",
        "end_unix_nano",
        "space_header",
    ] {
        assert!(fields.remove(field).is_some());
    }
    for event in fields["events"].as_array_mut().unwrap() {
        event["time_unix_nano"].take();
    }
    json
}

fn in_space(spans: &[Span], space: &str) -> Vec<Span> {
    let of_it = |span: &&Span| span.attr_str("arize.space_id") == Some(space);
    spans.iter().filter(of_it).cloned().collect()
}

/// The tree is that of `direct`, and so is everything in it.
fn assert_the_same(spans: &[Span], direct: &[Span], project: &str) {
    assert_eq!(spans.len(), 3);
    let chain = named(spans, "run_agent");
    assert_eq!(chain.trace_id, TRACE);
    assert_eq!(chain.parent_span_id.as_deref(), Some(PARENT));
    for name in ["search_flights", "book_hotel"] {
        assert_eq!(
            named(spans, name).parent_span_id.as_ref(),
            Some(&chain.span_id)
        );
    }
    for span in spans {
        assert_eq!(contents(span), contents(named(direct, &span.name)));
        let resource = |key: &str| span.resource.iter().find(|(name, _)| name == key);
        let of_resource = resource("openinference.project.name").and_then(|(_, it)| it.as_str());
        assert_eq!(of_resource, Some(project));
        assert_eq!(span.attr_str("arize.project.name"), Some(project));
    }
}

/// The space of a collector that has one; the `=` has to pass its command line.
const SPACE: &str = "U3BhY2U6OQ==";

const FIXED: [&str; 2] = [
    "--otlp-exporter-custom-headers",
    "space_id=U3BhY2U6OQ==,arize-space-id=U3BhY2U6OQ==,api_key=the collector's key",
];

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn spans_arrive_whole_over_both_protocols_and_with_gzip() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let rotel = Rotel::start(&receiver.endpoint(), &[]).await;
    let direct = arriving(&receiver, &["a", "b"], |it| it).await;
    for (endpoint, protocol) in [
        (rotel.ports.grpc(), Protocol::Grpc),
        (rotel.ports.http(), Protocol::HttpProtobuf),
    ] {
        for compression in [Compression::None, Compression::Gzip] {
            let spans = arriving(&receiver, &["a", "b"], |it| {
                let it = it.endpoint(endpoint.clone()).protocol(protocol);
                it.compression(compression)
            })
            .await;
            for space in ["a", "b"] {
                let (spans, direct) = (in_space(&spans, space), in_space(&direct, space));
                assert_the_same(&spans, &direct, &format!("project of {space}"));
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn no_header_of_ours_passes_and_those_of_the_collector_are_fixed() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let bare = Rotel::start(&receiver.endpoint(), &[]).await;
    let fixed = Rotel::start(&receiver.endpoint(), &FIXED).await;
    let named = |request: &ExportRequest| {
        [
            "space_id",
            "arize-space-id",
            "api_key",
            "authorization",
            "arize-interface",
        ]
        .map(|name| request.header(name).map(str::to_owned))
    };
    for (rotel, of_collector) in [(&bare, None), (&fixed, Some(SPACE))] {
        let before = receiver.requests().len();
        let spans = arriving(&receiver, &["a", "b"], |it| it.endpoint(rotel.ports.grpc())).await;
        for request in &receiver.requests()[before..] {
            let key = of_collector.map(|_| "the collector's key".to_owned());
            let space = of_collector.map(str::to_owned);
            assert_eq!(named(request), [space.clone(), space, key, None, None]);
        }
        // what a collector could route by is on every span
        for space in ["a", "b"] {
            let spans = in_space(&spans, space);
            assert_eq!(spans.len(), 3);
            for span in spans {
                let project = format!("project of {space}");
                assert_eq!(
                    route(&span),
                    (of_collector.unwrap_or_default(), space, &*project)
                );
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn one_space_passes_where_the_collector_has_its_headers() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let rotel = Rotel::start(&receiver.endpoint(), &FIXED).await;
    let arize = register()
        .with_environment(|_| None)
        .endpoint(rotel.ports.grpc())
        .space_id(SPACE)
        .project_name("p")
        .build()
        .unwrap();
    search_flights("LIS").with_context(arize.context()).await;
    arize.shutdown(SOON).await.unwrap();
    let spans = receiver.wait_until(SOON, |spans| !spans.is_empty()).await;
    assert_eq!(route(&spans[0]), (SPACE, SPACE, "p"));
}
