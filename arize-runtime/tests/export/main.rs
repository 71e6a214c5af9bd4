//! The export pipeline over real sockets: what arrives, what is counted, and what a flush says.

/// Makes two tests of each: what holds over gRPC holds over HTTP.
macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod grpc {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::Wire::Grpc).await;
            })+
        }
        mod http {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::Wire::Http).await;
            })+
        }
    };
}

mod answers;
mod counts;
mod delivery;
mod faults;
mod flushes;
mod isolation;
mod lifecycle;
mod overload;
mod protocols;
mod restarts;
mod retries;
mod safety;
mod too_large;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::{Command, Output};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use arize_local::{Answer, Fault, Receiver};
use arize_runtime::{
    Arize, InstallError, Loss, Protocol, RegisterWithRouting, Routing, register_with_routing,
    set_routing_context,
};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};

const SPACE: &str = "U3BhY2U6MTIzOmFiYw==";
const LONG: Duration = Duration::from_secs(20);

/// What a test exports over.
#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Grpc,
    Http,
}

impl Wire {
    async fn receiver(self) -> Receiver {
        self.receiver_at("127.0.0.1:0".parse().expect("an address"))
            .await
    }

    async fn receiver_at(self, address: SocketAddr) -> Receiver {
        let any = "127.0.0.1:0".parse().expect("an address");
        let (grpc, http) = match self {
            Self::Grpc => (address, any),
            Self::Http => (any, address),
        };
        let receiver = Receiver::bind(grpc).await.expect("a free port");
        receiver.with_http(http).await.expect("a free port")
    }

    fn address(self, receiver: &Receiver) -> SocketAddr {
        match self {
            Self::Grpc => receiver.local_addr(),
            Self::Http => receiver.http_addr().expect("it is open"),
        }
    }

    fn registration(self, receiver: &Receiver) -> RegisterWithRouting {
        self.registration_at(self.address(receiver))
    }

    fn registration_at(self, address: SocketAddr) -> RegisterWithRouting {
        let protocol = match self {
            Self::Grpc => Protocol::Grpc,
            Self::Http => Protocol::HttpProtobuf,
        };
        registration(format!("http://{address}")).protocol(protocol)
    }

    fn pipeline(self, receiver: &Receiver) -> Arize {
        self.registration(receiver)
            .build()
            .expect("a good configuration")
    }

    /// The same refusal in the words of each.
    fn code(self, grpc: &'static str, http: &'static str) -> &'static str {
        match self {
            Self::Grpc => grpc,
            Self::Http => http,
        }
    }
}

async fn receiver() -> Receiver {
    Wire::Grpc.receiver().await
}

/// A registration that reads nothing from the environment and sends nothing by itself.
fn registration(endpoint: String) -> RegisterWithRouting {
    register_with_routing()
        .with_environment(|_| None)
        .endpoint(endpoint)
        .api_key("test-key")
        .batch_delay(Duration::from_secs(3600))
}

fn pipeline(receiver: &Receiver) -> Arize {
    registration(receiver.endpoint())
        .build()
        .expect("a good configuration")
}

fn span(arize: &Arize, space: &str, attributes: impl IntoIterator<Item = KeyValue>) {
    let routing = Routing::new(space, "project").expect("a good route");
    set_routing_context(routing, || {
        let mut span = arize.tracer_provider().tracer("test").start("a span");
        span.set_attributes(attributes);
        span.end();
    });
}

fn spans(arize: &Arize, space: &str, n: usize) {
    (0..n).for_each(|_| span(arize, space, []));
}

/// Whether this process runs the named test alone. If not, runs it so and gives what it printed.
fn alone(test: &str, variables: &[(&str, &str)]) -> Result<(), Output> {
    let mut this = Command::new(std::env::current_exe().expect("a path"));
    alone_by(this.envs(variables.iter().copied()), test)
}

/// [`alone`], started by a command that this executable and its arguments are for.
fn alone_by(this: &mut Command, test: &str) -> Result<(), Output> {
    if std::env::var_os("ARIZE_TEST_ALONE").is_some() {
        return Ok(());
    }
    let output = this
        .args(["--exact", test, "--nocapture"])
        .env("ARIZE_TEST_ALONE", "1")
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Err(output)
}

fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|found| found.trim().starts_with(name)).count()
}

/// An executor that has nothing of tokio.
fn foreign_block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future
            .as_mut()
            .poll(&mut TaskContext::from_waker(Waker::noop()))
        {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
