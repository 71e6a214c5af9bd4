//! A collector that is not ours: `rotel`, which `.ci/collector` installs and names in the variable `ROTEL`.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::harness::{SOON, any_port};

/// Two ports that nobody has now: `rotel` cannot be given port 0.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Ports {
    pub(crate) fn free() -> Self {
        // both are held until both are known, so that they differ
        let listeners = [any_port(), any_port()].map(|addr| TcpListener::bind(addr).unwrap());
        let [grpc, http] = listeners.map(|listener| listener.local_addr().unwrap());
        Self { grpc, http }
    }

    pub(crate) fn grpc(self) -> String {
        format!("http://{}", self.grpc)
    }

    pub(crate) fn http(self) -> String {
        format!("http://{}", self.http)
    }
}

/// A running collector, killed when it is dropped.
pub(crate) struct Rotel {
    pub(crate) ports: Ports,
    child: Child,
}

impl Rotel {
    /// On ports of its own, passing everything on to `exporter`, an OTLP/gRPC endpoint.
    pub(crate) async fn start(exporter: &str, arguments: &[&str]) -> Self {
        Self::start_on(Ports::free(), exporter, arguments).await
    }

    pub(crate) async fn start_on(ports: Ports, exporter: &str, arguments: &[&str]) -> Self {
        let program =
            std::env::var("ROTEL").expect("`ROTEL` names the program; `.ci/collector` sets it");
        let mut child = Command::new(program)
            .arg("start")
            .args(["--otlp-grpc-endpoint", &ports.grpc.to_string()])
            .args(["--otlp-http-endpoint", &ports.http.to_string()])
            .args(["--exporter", "otlp", "--otlp-exporter-endpoint", exporter])
            .args(["--otlp-exporter-retry-initial-backoff", "100ms"])
            .args(["--otlp-exporter-retry-max-backoff", "200ms"])
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for port in [ports.grpc, ports.http] {
            while TcpStream::connect(port).await.is_err() {
                assert_eq!(child.try_wait().unwrap(), None, "rotel ended");
                sleep(Duration::from_millis(10)).await;
            }
        }
        Self { ports, child }
    }

    /// Asks it to end, as a container's host does, and waits until it has.
    pub(crate) async fn terminate(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(asked.unwrap().success());
        let ended = tokio::time::timeout(SOON, self.child.wait()).await;
        ended.expect("it ends soon").unwrap();
    }

    /// Ends it at once, as a crash does.
    pub(crate) async fn crash(mut self) {
        self.child.kill().await.unwrap();
    }
}
