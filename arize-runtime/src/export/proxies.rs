//! Answers of proxies and load balancers, which know no gRPC.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Error};

/// A channel on which every answer with another HTTP status than 200 is empty.
///
/// tonic reads the status of such an answer only where no body comes before its end; of a page with
/// a body it tells that the first byte is wrong, and a 503 becomes an `INTERNAL` that nobody tries again.
#[derive(Debug, Clone)]
pub(super) struct WithoutPages(pub(super) Channel);

impl GrpcService<Body> for WithoutPages {
    type ResponseBody = Body;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        GrpcService::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = GrpcService::call(&mut self.0, request);
        Box::pin(async move {
            let response = response.await?;
            Ok(match response.status() {
                StatusCode::OK => response,
                _ => response.map(|_page| Body::empty()),
            })
        })
    }
}
