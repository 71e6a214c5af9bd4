//! An agent as people write it by hand: axum, `opentelemetry` and Arize's advice, without any crate of ours.
//!
//! It is right, but for one pitfall if a test asks for that.

mod telemetry;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::{
    FutureExt, Span as _, SpanKind, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use telemetry::{Route, baggage, parent, provider};

/// What the agent does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pitfall {
    None,
    /// No pitfall: where a request names no route, the agent has one of its own.
    OwnRoute,
    /// Starts its own trace for every request.
    NoExtraction,
    /// Gives the CHAIN the extracted context, and with it loses the route.
    ContextOverride,
    /// Starts its tools without the route.
    ToolsOutside,
    IgnoresMetadata,
    IgnoresBaggage,
    /// As the propagator of OpenTelemetry for Rust does.
    CutsAtEquals,
    FirstBaggageLine,
    /// As the documented handler does.
    CrashesAtNull,
    /// As the documented handler does: `md.get("project_name", "my-agent")`.
    DefaultProject,
    /// Keeps the first route for ever.
    RemembersRoute,
    /// Keeps the route of the last request where all can see it.
    SharedRoute,
    ExportsUnsampled,
    RefusesMalformed,
    /// Takes the parent's span id although the trace id is malformed.
    TakesHalfMalformed,
    /// The web framework's span comes between.
    ServerSpan,
    WrongNames,
    WrappedOnly,
    /// Answers in plain text, after an error in some library.
    FailsAlways,
}

struct Agent {
    pitfall: Pitfall,
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    remembered: Mutex<Option<Route>>,
}

/// Serves the agent on a free port, exporting to what `endpoint` will say; gives its URL.
pub(crate) async fn serve(pitfall: Pitfall, endpoint: watch::Receiver<Option<String>>) -> String {
    let provider = provider(endpoint, pitfall == Pitfall::ExportsUnsampled);
    let agent = Agent {
        pitfall,
        tracer: provider.tracer("plain-agent"),
        provider,
        remembered: Mutex::default(),
    };
    let app = Router::new()
        .route("/invoke", post(invoke))
        .with_state(Arc::new(agent));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/invoke", listener.local_addr().expect("is bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

type Answer = Result<Json<Value>, (StatusCode, String)>;

async fn invoke(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let pitfall = agent.pitfall;
    let metadata = &body["arize_metadata"];
    if pitfall == Pitfall::FailsAlways {
        return Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "no key for the model".to_owned(),
        ));
    }
    if pitfall == Pitfall::CrashesAtNull && body.get("arize_metadata") == Some(&Value::Null) {
        let error = "'NoneType' object has no attribute 'get'";
        return Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_owned()));
    }
    if pitfall == Pitfall::WrappedOnly && body.get("input").is_none() {
        return Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            "missing field `input`".to_owned(),
        ));
    }
    let parent = match parent(&headers, pitfall) {
        Ok(_) if pitfall == Pitfall::NoExtraction => Context::new(),
        Ok(parent) => parent,
        Err(error) => return Err((StatusCode::BAD_REQUEST, error)),
    };
    let goal = body.get("input").unwrap_or(&body)["goal"].clone();
    let route = agent.route(metadata, &headers);
    let context = agent.chain(&parent, route, &goal);
    let text = agent.run(&goal).with_context(context.clone()).await;
    context
        .span()
        .set_attribute(KeyValue::new("output.value", text.clone()));
    context.span().end();
    Ok(Json(json!({"text": text})))
}

impl Agent {
    /// The route of a request, each half for itself; none where a half is missing.
    fn route(&self, metadata: &Value, headers: &HeaderMap) -> Option<Route> {
        let baggage = baggage(headers, self.pitfall);
        let resolve = |field: &str| {
            let in_metadata = (self.pitfall != Pitfall::IgnoresMetadata)
                .then(|| metadata[field].as_str())
                .flatten();
            let in_baggage = (self.pitfall != Pitfall::IgnoresBaggage)
                .then(|| baggage.get(&format!("arize.{field}")).map(String::as_str))
                .flatten();
            let by_default = (self.pitfall == Pitfall::DefaultProject
                && field == "project_name"
                && metadata.is_object())
            .then_some("my-agent");
            in_metadata
                .or(by_default)
                .or(in_baggage)
                .filter(|value| !value.trim().is_empty())
                .map(str::to_owned)
        };
        let route = resolve("space_id")
            .zip(resolve("project_name"))
            .map(|(space_id, project)| Route { space_id, project });
        let own = || Route {
            space_id: "own".to_owned(),
            project: "own".to_owned(),
        };
        let route = route.or_else(|| (self.pitfall == Pitfall::OwnRoute).then(own));
        let mut remembered = self.remembered.lock().expect("nobody panics");
        match self.pitfall {
            Pitfall::RemembersRoute => {
                if remembered.is_none() {
                    *remembered = route;
                }
                remembered.clone()
            }
            Pitfall::SharedRoute => {
                remembered.clone_from(&route);
                route
            }
            _ => route,
        }
    }

    /// Starts the CHAIN span and gives the context for what is under it.
    fn chain(&self, parent: &Context, route: Option<Route>, goal: &Value) -> Context {
        let routed = route.map_or_else(|| parent.clone(), |route| parent.with_value(route));
        let above = match self.pitfall {
            Pitfall::ServerSpan => {
                let server = self
                    .tracer
                    .span_builder("POST /invoke")
                    .with_kind(SpanKind::Server);
                routed.with_span(server.start_with_context(&self.tracer, &routed))
            }
            Pitfall::ContextOverride => parent.clone(),
            _ => routed.clone(),
        };
        let mut chain = self.tracer.start_with_context("run_agent", &above);
        chain.set_attribute(KeyValue::new("openinference.span.kind", "CHAIN"));
        chain.set_attribute(KeyValue::new("input.value", goal.to_string()));
        match self.pitfall {
            Pitfall::ToolsOutside => parent.with_span(chain),
            Pitfall::ServerSpan => above.with_span(chain),
            _ => routed.with_span(chain),
        }
    }

    async fn run(&self, goal: &Value) -> String {
        let flights = self.span("search_flights", "TOOL");
        flights
            .span()
            .set_attribute(KeyValue::new("tool.name", "search_flights"));
        tokio::time::sleep(Duration::from_millis(30)).await;
        flights.span().end();
        let plan = self.span("plan", "LLM");
        let model = if self.pitfall == Pitfall::WrongNames {
            "llm.model.name"
        } else {
            "llm.model_name"
        };
        plan.span().set_attribute(KeyValue::new(model, "a-model"));
        plan.span().end();
        format!("a trip for {goal}")
    }

    fn span(&self, name: &'static str, kind: &'static str) -> Context {
        let mut context = Context::current();
        if self.pitfall == Pitfall::SharedRoute {
            let shared = self.remembered.lock().expect("nobody panics").clone();
            context = shared.map_or(context.clone(), |route| context.with_value(route));
        }
        let mut span = self.tracer.start_with_context(name, &context);
        span.set_attribute(KeyValue::new("openinference.span.kind", kind));
        span.set_attribute(KeyValue::new("input.value", "in"));
        span.set_attribute(KeyValue::new("output.value", "out"));
        context.with_span(span)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Its threads end with the test; what they still have is nobody's.
        let _ = self
            .provider
            .shutdown_with_timeout(Duration::from_millis(1));
    }
}
