//! tonic 0.14: metadata are the headers. `arize-local` calls over HTTP, so a front passes its requests on.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use arize_runtime::experiment_handler;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use frameworks::plan;
use http::uri::PathAndQuery;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::experiment::{Pipeline, any_port, failure, judge};
use crate::front;

/// As `prost-build` makes it, with `serde`'s derives added by `type_attribute`.
#[derive(Clone, PartialEq, prost::Message, Deserialize, Serialize)]
struct TripRequest {
    #[prost(message, optional, tag = "1")]
    input: Option<Trip>,
    #[prost(message, optional, tag = "2")]
    arize_metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize, Serialize)]
struct Trip {
    #[prost(string, tag = "1")]
    goal: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize, Serialize)]
struct Metadata {
    #[prost(string, tag = "1")]
    space_id: String,
    #[prost(string, tag = "2")]
    project_name: String,
}

/// As `prost-build` makes it: nothing can be shown of it.
#[derive(Clone, PartialEq, prost::Message)]
struct TripReply {
    #[prost(string, tag = "1")]
    text: String,
}

/// As `tonic-build` makes it.
#[tonic::async_trait]
trait Agent: Send + Sync {
    async fn typed(&self, request: Request<TripRequest>) -> Result<Response<TripReply>, Status>;
    async fn routed_by_metadata(
        &self,
        request: Request<TripRequest>,
    ) -> Result<Response<TripReply>, Status>;
}

struct TripAgent;

#[tonic::async_trait]
impl Agent for TripAgent {
    #[experiment_handler(name = "run_agent", output = |reply| &reply.text)]
    async fn typed(&self, request: Request<TripRequest>) -> Result<Response<TripReply>, Status> {
        self.answer(request.into_inner()).await
    }

    async fn routed_by_metadata(
        &self,
        request: Request<TripRequest>,
    ) -> Result<Response<TripReply>, Status> {
        self.inherent(request).await
    }
}

impl TripAgent {
    #[experiment_handler(
        name = "run_agent",
        body = none,
        input = &request.get_ref().input.as_ref().map(|input| &input.goal),
        output = |reply| &reply.text
    )]
    async fn inherent(&self, request: Request<TripRequest>) -> Result<Response<TripReply>, Status> {
        self.answer(request.into_inner()).await
    }

    async fn answer(&self, request: TripRequest) -> Result<Response<TripReply>, Status> {
        let input = request.input.unwrap_or_default();
        let answer = plan(&input.goal).await;
        let text = answer
            .map_err(|error| Status::internal(error.to_string()))?
            .text;
        Ok(Response::new(TripReply { text }))
    }
}

/// What `tonic-build` makes of a service with two methods.
#[derive(Clone)]
struct TripService {
    agent: Arc<dyn Agent>,
    context: Context,
}

impl NamedService for TripService {
    const NAME: &'static str = "trips.Agent";
}

/// One method.
struct Method {
    service: TripService,
    path: String,
}

impl UnaryService<TripRequest> for Method {
    type Response = TripReply;
    type Future = BoxFuture<Response<TripReply>, Status>;

    fn call(&mut self, request: Request<TripRequest>) -> Self::Future {
        let TripService { agent, context } = self.service.clone();
        let typed = self.path.ends_with("/Typed");
        let call = async move {
            if typed {
                agent.typed(request).await
            } else {
                agent.routed_by_metadata(request).await
            }
        };
        Box::pin(call.with_context(context))
    }
}

impl Service<http::Request<Body>> for TripService {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let service = self.clone();
        let codec = ProstCodec::<TripReply, TripRequest>::default();
        Box::pin(async move {
            Ok(Grpc::new(codec)
                .unary(Method { service, path }, request)
                .await)
        })
    }
}

/// Makes a gRPC call of what `arize-local` posts: headers become metadata, the JSON a message.
async fn pass_on(
    State(channel): State<Channel>,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut request = Request::new(serde_json::from_value::<TripRequest>(body).unwrap());
    let passed = ["traceparent", "tracestate", "baggage"];
    let mut metadata = HeaderMap::new();
    for (name, value) in headers
        .iter()
        .filter(|(name, _)| passed.contains(&name.as_str()))
    {
        metadata.append(name, value.clone());
    }
    *request.metadata_mut() = MetadataMap::from_headers(metadata);
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::try_from(format!("/{}/{method}", TripService::NAME)).unwrap();
    let codec = ProstCodec::<TripRequest, TripReply>::default();
    match client.unary(request, path, codec).await {
        Ok(reply) => {
            let text = reply.into_inner().text;
            (StatusCode::OK, Json(serde_json::json!({ "text": text })))
        }
        Err(status) => {
            assert_eq!(status.code(), Code::Internal);
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                Json(status.message().into()),
            )
        }
    }
}

async fn serve(context: Context) -> String {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = TripService {
        agent: Arc::new(TripAgent),
        context,
    };
    let server = Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let channel = Endpoint::try_from(url).unwrap().connect_lazy();
    let router = Router::new().route("/{method}", post(pass_on));
    front::serve(router.with_state(channel)).await
}

#[tokio::test]
async fn handlers_of_tonic() {
    let pipeline = Pipeline::start().await;
    let url = serve(pipeline.context()).await;
    for method in ["Typed", "RoutedByMetadata"] {
        let method = format!("{url}/{method}");
        judge(&method, &pipeline.receiver).await;
        let failed = failure(&method, &pipeline.receiver).await;
        assert_eq!(failed, "Internal: no way leads there");
    }
}
