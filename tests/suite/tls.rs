//! Export over TLS: whom the system trusts, whom configuration trusts, and nobody else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arize_local::Receiver;
use arize_runtime::{RegisterWithRouting, Routing, set_routing_context};
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::{any_port, registration, route};
use crate::processes::{ROUTED, agent, said, stderr};

/// Takes TLS connections and passes what is in them on to a receiver that knows none.
struct Tls {
    address: SocketAddr,
    /// The certificate of the authority, for the process that is to trust it.
    authority: PathBuf,
}

impl Tls {
    async fn before(receiver: SocketAddr, protocol: &[u8], name: &str) -> Self {
        let authority = authority(name);
        let authority_key = KeyPair::generate().unwrap();
        let certificate = authority.self_signed(&authority_key).unwrap();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
        std::fs::write(&path, certificate.pem()).unwrap();

        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&authority, &authority_key);
        let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut secure = acceptor.accept(stream).await?;
                    let mut plain = TcpStream::connect(receiver).await?;
                    copy_bidirectional(&mut secure, &mut plain).await
                });
            }
        });
        Self {
            address,
            authority: path,
        }
    }

    fn endpoint(&self) -> String {
        format!("https://localhost:{}/v1", self.address.port())
    }
}

async fn exports_over_tls(protocol: &str, receiver: Receiver, tls: Tls) {
    let environment = [
        ("ARIZE_COLLECTOR_ENDPOINT", tls.endpoint()),
        ("ARIZE_API_KEY", "key".to_owned()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("SSL_CERT_FILE", tls.authority.display().to_string()),
    ];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let output = agent(&["1", ROUTED], &environment).await;
    assert_eq!(stderr(&output), "");
    assert_eq!(said(&output)["exported"], 3);
    let spans = receiver.spans();
    assert_eq!(spans.len(), 3);
    assert!(spans.iter().all(|span| route(span) == ("s", "s", "p")));

    let stranger = &environment[..3];
    let output = agent(&["1", ROUTED], stranger).await;
    let told = stderr(&output);
    assert!(told.contains("UnknownIssuer"), "{told}");
    assert_eq!(said(&output)["dropped"], "3 failed", "{told}");
    assert_eq!(receiver.spans().len(), 3);
}

/// Ends one span; what a shutdown says that did not bring it to the collector.
async fn sent(registration: RegisterWithRouting, endpoint: String) -> Result<(), String> {
    let arize = registration
        .endpoint(endpoint)
        .api_key("secret-key")
        .build()
        .unwrap();
    let routing = Routing::new("s", "p").unwrap();
    set_routing_context(routing, || {
        arize.tracer_provider().tracer("test").start("a span").end();
    });
    // A handshake that failed is tried again until the time is over.
    let sent = arize.shutdown(Duration::from_secs(2)).await;
    sent.map_err(|error| error.to_string())
}

async fn trusts_a_root_of_its_own(protocol: &str, receiver: Receiver, tls: Tls) {
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    let of_code = registration(&receiver, &[protocol])
        .root_certificate(a_stranger())
        .root_certificate(std::fs::read(&tls.authority).unwrap());
    let file = tls.authority.to_str().unwrap();
    let of_environment = [
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    ]
    .map(|variable| registration(&receiver, &[protocol, (variable, file)]));
    for trusting in of_environment.into_iter().chain([of_code]) {
        assert_eq!(sent(trusting, tls.endpoint()).await, Ok(()));
    }
    assert_eq!(receiver.spans().len(), 3);
    assert!(
        receiver
            .spans()
            .iter()
            .all(|span| route(span) == ("s", "s", "p"))
    );

    let other = registration(&receiver, &[protocol]).root_certificate(a_stranger());
    let told = sent(other, tls.endpoint()).await.unwrap_err();
    for part in ["UnknownIssuer", "`.root_certificate(..)`"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("secret-key"), "{told}");
    assert_eq!(receiver.spans().len(), 3);
}

/// The certificate of an authority that certified nobody here.
fn a_stranger() -> String {
    let key = KeyPair::generate().unwrap();
    authority("a stranger").self_signed(&key).unwrap().pem()
}

fn authority(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
}

#[tokio::test]
async fn grpc_trusts_a_root_of_its_own() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let tls = Tls::before(receiver.local_addr(), b"h2", "grpc-root").await;
    trusts_a_root_of_its_own("grpc", receiver, tls).await;
}

#[tokio::test]
async fn http_trusts_a_root_of_its_own() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let receiver = receiver.with_http(any_port()).await.unwrap();
    let tls = Tls::before(receiver.http_addr().unwrap(), b"http/1.1", "http-root").await;
    trusts_a_root_of_its_own("http/protobuf", receiver, tls).await;
}

#[tokio::test]
async fn grpc_trusts_what_the_system_trusts_and_nothing_else() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let tls = Tls::before(receiver.local_addr(), b"h2", "grpc").await;
    exports_over_tls("grpc", receiver, tls).await;
}

#[tokio::test]
async fn http_trusts_what_the_system_trusts_and_nothing_else() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let receiver = receiver.with_http(any_port()).await.unwrap();
    let tls = Tls::before(receiver.http_addr().unwrap(), b"http/1.1", "http").await;
    exports_over_tls("http/protobuf", receiver, tls).await;
}

#[tokio::test]
async fn http_takes_http_2_where_tls_agrees_on_it() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let receiver = receiver.with_http(any_port()).await.unwrap();
    let tls = Tls::before(receiver.http_addr().unwrap(), b"h2", "http2").await;
    exports_over_tls("http/protobuf", receiver, tls).await;
}

/// `0.0.0.0` reaches this machine and is no loopback address.
#[tokio::test]
async fn a_key_that_goes_unencrypted_to_another_host_is_told_once() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let endpoint = format!("http://0.0.0.0:{}", receiver.local_addr().port());
    let environment = [
        ("ARIZE_COLLECTOR_ENDPOINT", endpoint.as_str()),
        ("ARIZE_API_KEY", "secret-key"),
    ];
    let output = agent(&["2", ROUTED], &environment).await;
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    for part in [
        "unencrypted",
        "ARIZE_COLLECTOR_ENDPOINT",
        "`https://`",
        &endpoint,
    ] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    assert!(!told.contains("secret-key"), "{told}");
    assert_eq!(said(&output)["exported"], 6, "it is allowed");
}
