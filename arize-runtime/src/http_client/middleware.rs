//! The same for `reqwest-middleware`.

use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::{HttpClientLayer, call, layer};

#[async_trait::async_trait]
impl Middleware for HttpClientLayer {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let call = call::start(&mut request, &self.propagation);
        layer::answered(call, next.run(request, extensions)).await
    }
}
