//! What an agent is told of the receiver: the variables, printed and set.

use crate::command::{arize_local, file, text};

/// Exit status, standard output and standard error of a command that cannot start, with this in its environment.
async fn ends(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = arize_local(arguments);
    for name in ["ENDPOINT", "PROTOCOL", "HEADERS"] {
        command.env_remove(format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
    }
    command.envs(environment.iter().copied());
    let output = command.output().await.expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("is UTF-8");
    let code = output.status.code().expect("ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

const NOBODY: [&str; 2] = ["--agent", "http://127.0.0.1:1/invoke"];

/// The value of a variable, as it is printed.
#[track_caller]
fn value<'a>(output: &'a str, name: &str) -> &'a str {
    let variable = |line: &'a str| line.trim_start().strip_prefix(name)?.strip_prefix('=');
    let mut lines = output.lines();
    lines
        .find_map(variable)
        .unwrap_or_else(|| panic!("no `{name}` in\n{output}"))
}

#[tokio::test]
async fn the_agent_is_told_the_protocol_and_its_port() {
    for (protocol, spelt, port) in [
        (None, "grpc", "OTLP/gRPC on "),
        (Some("grpc"), "grpc", "OTLP/gRPC on "),
        (Some("http"), "http/protobuf", "OTLP/HTTP on "),
        (Some("http/protobuf"), "http/protobuf", "OTLP/HTTP on "),
        (Some("http/json"), "http/json", "OTLP/HTTP on "),
    ] {
        let mut arguments = vec!["check", "--row", "{}"];
        arguments.extend(NOBODY);
        arguments.extend(
            protocol
                .iter()
                .flat_map(|protocol| ["--protocol", protocol]),
        );
        let (_, output, _) = ends(&arguments, &[]).await;
        let (_, rest) = output.split_once(port).expect("is in the first line");
        let address = rest.split([' ', ';']).next().expect("there is a word");
        let endpoint = format!("http://{address}");
        assert_eq!(value(&output, "ARIZE_COLLECTOR_ENDPOINT"), endpoint);
        assert_eq!(value(&output, "OTEL_EXPORTER_OTLP_ENDPOINT"), endpoint);
        assert_eq!(value(&output, "OTEL_EXPORTER_OTLP_PROTOCOL"), spelt);
    }
    let arguments = [
        &["check", "--row", "{}", "--protocol", "smoke"],
        &NOBODY[..],
    ]
    .concat();
    let (code, _, error) = ends(&arguments, &[]).await;
    assert_eq!(code, 2);
    assert!(error.contains("grpc, http/protobuf, http/json"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_started_agent_does_not_inherit_what_goes_before_its_variables() {
    let rows = file("inherits.jsonl", "1\n");
    let seen = file("inherits.env", "");
    let agent = format!("env > '{}'", text(&seen));
    let mut arguments = vec!["run", "--dataset", text(&rows), "--protocol", "http"];
    arguments.extend(NOBODY);
    let by_hand = arguments.clone();
    arguments.extend(["--", "sh", "-c", &agent]);
    let shell = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-own=1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere"),
    ];
    let (_, output, error) = ends(&arguments, &shell).await;
    assert!(error.contains("`sh` ended"), "{error}");
    let seen = std::fs::read_to_string(&seen).expect("the agent wrote it");
    assert_eq!(value(&seen, "OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf");
    assert_eq!(value(&seen, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"), "x-own=1");
    assert!(!seen.contains("elsewhere"), "{seen}");
    let without = |output: &str| -> Vec<String> {
        let lines = output.lines().map(str::trim);
        lines
            .filter_map(|line| line.strip_prefix("without "))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(without(&output), ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]);

    let (_, output, _) = ends(&by_hand, &shell).await;
    assert_eq!(without(&output), [""; 0], "that agent has another shell");
}

#[tokio::test]
async fn an_address_may_be_a_name_and_a_port_alone_is_told_how_to_write() {
    let row = ["check", "--row", "{}"];
    let named = ["--otlp-grpc", "localhost:0", "--otlp-http", "localhost:0"];
    let (_, output, error) = ends(&[&row[..], &NOBODY, &named].concat(), &[]).await;
    assert!(error.contains("cannot reach the agent"), "{error}");
    assert!(output.starts_with("receiving OTLP/gRPC on "), "{output}");

    for (grpc, http) in [("4319", "127.0.0.1:0"), ("127.0.0.1:0", "4319")] {
        let ports = ["--otlp-grpc", grpc, "--otlp-http", http];
        let (code, _, error) = ends(&[&row[..], &NOBODY, &ports].concat(), &[]).await;
        assert_eq!(code, 2);
        assert!(error.contains("write 127.0.0.1:4319"), "{error}");
    }
}
