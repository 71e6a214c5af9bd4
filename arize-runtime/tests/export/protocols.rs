//! A collector that speaks the other protocol, and what only one of the two has.

use super::*;

async fn lost_to(wire: Wire, address: SocketAddr) -> String {
    let arize = wire
        .registration_at(address)
        .build()
        .expect("a good configuration");
    spans(&arize, SPACE, 2);
    let error = arize
        .shutdown(Duration::from_secs(2))
        .await
        .expect_err("nobody takes them");
    assert_eq!(arize.stats().dropped.of(Loss::Failed), 2);
    error.to_string()
}

#[tokio::test]
async fn a_port_of_the_other_protocol_is_told_with_what_to_choose() {
    let receiver = receiver().await;
    let told = lost_to(Wire::Http, Wire::Grpc.address(&receiver)).await;
    assert!(
        told.contains("`OTEL_EXPORTER_OTLP_PROTOCOL=grpc`"),
        "{told}"
    );
    let told = lost_to(Wire::Grpc, Wire::Http.address(&receiver)).await;
    assert!(
        told.contains("`OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`"),
        "{told}"
    );
    assert!(receiver.spans().is_empty());
}

/// tonic's and Go's servers know no HTTP/1 at all: they break the connection off.
#[tokio::test]
async fn a_server_that_knows_only_http_2_is_told_as_a_grpc_port() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("it");
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        while let Ok((mut stream, _)) = listener.accept().await {
            // SETTINGS, and GOAWAY with PROTOCOL_ERROR, as RFC 9113 asks for.
            let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            let _ = stream.write_all(&settings).await;
            let _ = stream.write_all(&goaway).await;
        }
    });
    let told = lost_to(Wire::Http, address).await;
    assert!(
        told.contains("`OTEL_EXPORTER_OTLP_PROTOCOL=grpc`"),
        "{told}"
    );
}

#[tokio::test]
async fn the_address_says_http_and_its_path_is_not_repeated() {
    let receiver = receiver().await;
    let base = receiver.http_endpoint().expect("it is open");
    for endpoint in [format!("{base}/v1/traces"), format!("{base}/v1/traces/")] {
        let arize = registration(endpoint)
            .build()
            .expect("a good configuration");
        spans(&arize, SPACE, 1);
        arize.shutdown(LONG).await.expect("the address says HTTP");
    }
    for endpoint in [base.clone(), format!("{base}/v1")] {
        let arize = registration(endpoint)
            .with_environment(|name| {
                (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| "http/protobuf".to_owned())
            })
            .build()
            .expect("a good configuration");
        spans(&arize, SPACE, 1);
        arize
            .shutdown(LONG)
            .await
            .expect("the environment says HTTP");
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert_eq!(
            request.header("content-type"),
            Some("application/x-protobuf")
        );
    }
}

/// HTTP/1 has no streams, so requests that overlap need a connection each; but spaces do not.
#[tokio::test]
async fn connections_are_bounded_by_requests_and_not_by_spaces() {
    let receiver = receiver().await;
    let arize = Wire::Http.pipeline(&receiver);
    for n in 0..1_000 {
        span(&arize, &format!("space-{n}"), []);
    }
    arize.force_flush(LONG).await.expect("everything is sent");
    assert_eq!(receiver.requests().len(), 1_000);
    assert!(receiver.connections() <= 32, "{}", receiver.connections());
}
