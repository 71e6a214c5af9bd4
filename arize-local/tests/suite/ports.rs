//! The command's ports.

use tokio::net::TcpListener;

use crate::command::{cannot_start, file, text};

#[tokio::test]
async fn ports_in_use_exit_with_2() {
    let rows = file("ports.jsonl", "1\n");
    let used = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = used.local_addr().expect("is bound").to_string();
    let url = format!("http://{address}/invoke");
    let options = ["--dataset", text(&rows), "--agent", &url];
    for (option, other) in [
        ("--otlp-grpc", "--otlp-http"),
        ("--otlp-http", "--otlp-grpc"),
    ] {
        let ports = [option, &address, other, "127.0.0.1:0"];
        cannot_start(&[&options[..], &ports].concat(), &[&address, option]).await;
    }
    let started = [
        &options[..],
        &[
            "--otlp-grpc",
            "127.0.0.1:0",
            "--otlp-http",
            "127.0.0.1:0",
            "--",
            "sleep",
            "60",
        ],
    ]
    .concat();
    cannot_start(&started, &["already accepts connections"]).await;
}
