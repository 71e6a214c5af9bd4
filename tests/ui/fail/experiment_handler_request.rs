use arize_runtime::experiment_handler;

struct Trip;

/// The body is still to be received.
#[experiment_handler]
async fn streaming(request: axum::extract::Request) -> String {
    request.uri().to_string()
}

/// Such as a message that only prost can write.
#[experiment_handler]
async fn message(request: tonic::Request<Trip>) -> String {
    format!("{:?}", request.metadata())
}

/// Of another framework.
struct Request;

#[experiment_handler]
async fn other(request: Request) -> String {
    let Request = request;
    String::new()
}

fn main() {}
