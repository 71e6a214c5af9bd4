//! A Lambda function as users write it, with `lambda_http`'s own runtime loop. `suite/lambda_http.rs` starts it.

use std::time::Duration;

use arize_runtime::{AgentRequest, experiment_handler, register_with_routing};
use frameworks::{Trip, plan};
use lambda_http::{Body, Error, Request, RequestPayloadExt as _, Response, service_fn};

#[experiment_handler(name = "run_agent", flush)]
async fn invoke(request: Request) -> Result<Response<Body>, Error> {
    let request: Option<AgentRequest<Trip>> = request.payload()?;
    let request = request.ok_or("the request has no body")?;
    let answer = plan(&request.input.goal).await?;
    Ok(Response::new(serde_json::to_string(&answer)?.into()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // an hour, so that spans leave where the handler says and nowhere else, as in a process that is frozen
    let delay = Duration::from_secs(3600);
    let _arize = register_with_routing().batch_delay(delay).install()?;
    lambda_http::run(service_fn(invoke)).await
}
