//! What configuration keeps safe: which spaces are sent to, and what is on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arize_runtime::Compression;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

over_both! {
    gzip_makes_requests_smaller,
    a_predicate_allows_what_it_says_besides_the_ids,
}

async fn a_predicate_allows_what_it_says_besides_the_ids(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .allow_spaces([SPACE])
        .allow_spaces_if(|space_id| space_id.starts_with("team-"))
        .build()
        .expect("a good configuration");
    for space in [SPACE, "team-blue", "stranger", "Team-", "team-red"] {
        span(&arize, space, []);
    }
    arize.shutdown(LONG).await.expect("the allowed are sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (3, 2));
    let mut spaces: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| request.header("space_id").expect("a space").to_owned())
        .collect();
    spaces.sort();
    assert_eq!(spaces, [SPACE, "team-blue", "team-red"]);
}

#[tokio::test]
async fn a_predicate_that_panics_denies_and_the_agent_goes_on() {
    const TEST: &str = "safety::a_predicate_that_panics_denies_and_the_agent_goes_on";
    if let Err(output) = alone(TEST, &[]) {
        let told = String::from_utf8_lossy(&output.stderr);
        let lines = told.lines();
        let ours = lines.filter(|line| line.contains("`.allow_spaces_if(..)` panicked"));
        assert_eq!(ours.count(), 1, "{told}");
        return;
    }
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .allow_spaces_if(|space_id| match space_id {
            "odd" => panic!("a predicate of the user's"),
            _ => true,
        })
        .build()
        .expect("a good configuration");
    spans(&arize, "odd", 3);
    spans(&arize, SPACE, 1);
    arize.shutdown(LONG).await.expect("what is allowed is sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (1, 3));
}

/// A predicate that asks an instrumented client would be asked of that client's spans, without an end.
#[tokio::test]
async fn a_predicate_that_makes_spans_comes_to_an_end() {
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::{Arc, OnceLock};
    let receiver = receiver().await;
    let inside = Arc::new(OnceLock::<SdkTracerProvider>::new());
    let arize = registration(receiver.endpoint())
        .allow_spaces_if({
            let inside = inside.clone();
            move |_| {
                let routing = Routing::new(SPACE, "project").expect("a good route");
                let tracer = inside.get().expect("it is set").tracer("a client");
                set_routing_context(routing, || tracer.start("a request").end());
                true
            }
        })
        .build()
        .expect("a good configuration");
    let provider = arize.tracer_provider().clone();
    inside.set(provider).expect("once");
    spans(&arize, SPACE, 2);
    arize.shutdown(LONG).await.expect("what is allowed is sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (2, 2));
}

/// Passes connections on to a receiver and counts the bytes of requests.
struct Counted {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    async fn before(receiver: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it");
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = bytes.clone();
        tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                let counted = counted.clone();
                tokio::spawn(async move {
                    let collector = TcpStream::connect(receiver).await?;
                    let (mut requests, mut to_agent) = agent.into_split();
                    let (mut answers, mut to_collector) = collector.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut answers, &mut to_agent).await });
                    let mut buffer = vec![0; 65_536];
                    loop {
                        let n = requests.read(&mut buffer).await?;
                        if n == 0 {
                            return to_collector.shutdown().await;
                        }
                        counted.fetch_add(n as u64, Relaxed);
                        to_collector.write_all(&buffer[..n]).await?;
                    }
                });
            }
        });
        Self { address, bytes }
    }
}

/// A call of a model, as agents record it: 2 KB or so, in words by chance, which compress less than sentences do.
fn conversation(n: usize) -> [KeyValue; 4] {
    let words: Vec<&str> = include_str!("../../README.md").split_whitespace().collect();
    let mut random = n as u64;
    let mut text = |length: usize| {
        let mut word = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            words[usize::try_from(random >> 33).expect("31 bits") % words.len()]
        };
        (0..length).map(|_| word()).collect::<Vec<_>>().join(" ")
    };
    [
        KeyValue::new("openinference.span.kind", "LLM"),
        KeyValue::new("llm.model_name", "a-model"),
        KeyValue::new("input.value", text(250)),
        KeyValue::new("output.value", text(50)),
    ]
}

/// Sends `n` spans; the bytes of their requests and what they were encoded with.
async fn sent(wire: Wire, n: usize, compressed: Registered) -> (u64, Option<String>) {
    let receiver = wire.receiver().await;
    let counted = Counted::before(wire.address(&receiver)).await;
    let arize = compressed(wire.registration_at(counted.address))
        .build()
        .expect("a good configuration");
    for i in 0..n {
        span(&arize, SPACE, conversation(i));
    }
    arize.shutdown(LONG).await.expect("everything is sent");
    let arrived = receiver.spans();
    assert_eq!(arrived.len(), n);
    for (i, span) in arrived.iter().enumerate() {
        for attribute in conversation(i) {
            let expected = attribute.value.as_str();
            assert_eq!(span.attr_str(attribute.key.as_str()), Some(&*expected));
        }
    }
    let header = match wire {
        Wire::Grpc => "grpc-encoding",
        Wire::Http => "content-encoding",
    };
    let encoding = receiver.requests()[0].header(header).map(str::to_owned);
    (counted.bytes.load(Relaxed), encoding)
}

type Registered = fn(RegisterWithRouting) -> RegisterWithRouting;

async fn gzip_makes_requests_smaller(wire: Wire) {
    let (plain, encoding) = sent(wire, 200, |registration| registration).await;
    assert_eq!(encoding, None);
    let by_code: Registered = |registration| registration.compression(Compression::Gzip);
    let by_environment: Registered = |registration| {
        registration.with_environment(|name| {
            (name == "OTEL_EXPORTER_OTLP_COMPRESSION").then(|| "gzip".to_owned())
        })
    };
    for compressed in [by_code, by_environment] {
        let (bytes, encoding) = sent(wire, 200, compressed).await;
        assert_eq!(encoding.as_deref(), Some("gzip"));
        assert!(bytes * 2 < plain, "{bytes} bytes instead of {plain}");
    }
}

/// What the export thread has computed.
#[cfg(target_os = "linux")]
fn computed() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let of_thread = |path: std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let times = std::fs::read_to_string(path.join("schedstat")).ok()?;
        let nanoseconds = times.split(' ').next()?.parse().ok()?;
        (name.trim() == "arize-export").then(|| Duration::from_nanos(nanoseconds))
    };
    tasks
        .filter_map(|task| of_thread(task.ok()?.path()))
        .sum::<Duration>()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: `cargo test --release -p arize-runtime --test export -- --ignored --nocapture \
            what_gzip_costs`"]
async fn what_gzip_costs() {
    const SPANS: u16 = 20_000;
    for wire in [Wire::Grpc, Wire::Http] {
        for compression in [Compression::None, Compression::Gzip] {
            let receiver = wire.receiver().await;
            let counted = Counted::before(wire.address(&receiver)).await;
            let arize = wire
                .registration_at(counted.address)
                .compression(compression)
                .build()
                .expect("a good configuration");
            for i in 0..SPANS {
                span(&arize, SPACE, conversation(i.into()));
            }
            arize.force_flush(LONG).await.expect("everything is sent");
            let wire = wire.code("gRPC", "HTTP");
            let bytes = counted.bytes.load(Relaxed) / u64::from(SPANS);
            let time = computed() / u32::from(SPANS);
            println!(
                "{wire}, {compression}: {bytes} bytes and {time:?} of the export thread a span"
            );
            arize.shutdown(LONG).await.expect("nothing is left");
        }
    }
}

/// Prints everything that any crate logs, of any level.
struct Everything;

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        eprintln!("{span:?}");
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        eprintln!("{values:?}");
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = event.metadata().target().to_owned();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                line += &format!(" {field}={value:?}");
            },
        );
        eprintln!("{line}");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_of_any_crate_shows_a_secret() {
    if let Err(output) = alone("safety::no_log_of_any_crate_shows_a_secret", &[]) {
        let told = String::from_utf8_lossy(&output.stderr);
        for part in ["h2::", "arize_runtime message", "could not be sent"] {
            assert!(told.contains(part), "no {part}: {told}");
        }
        for secret in ["test-key", "header-value"] {
            let mut lines = told.lines();
            assert_eq!(lines.find(|line| line.contains(secret)), None);
        }
        return;
    }
    tracing::subscriber::set_global_default(Everything).expect("the first");
    for wire in [Wire::Grpc, Wire::Http] {
        let receiver = wire.receiver().await;
        let message = "test-key and header-value may not".to_owned();
        receiver.answer_with(Answer::Status(tonic::Code::PermissionDenied, message));
        let registration = wire
            .registration(&receiver)
            .header("x-proxy", "header-value");
        eprintln!("{registration:?}");
        let arize = registration.build().expect("a good configuration");
        eprintln!("{arize:?}");
        spans(&arize, SPACE, 1);
        let error = arize.shutdown(LONG).await.expect_err("it is refused");
        eprintln!("{error} {error:?}");
    }
}
