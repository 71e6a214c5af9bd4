//! What an agent must be told of the receiver: its environment variables.

use crate::protocol::Protocol;
use crate::receiver::Receiver;

/// Variables that go before ours: an agent that has one from the shell would export elsewhere, or by another protocol.
const BEFORE_OURS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
];

/// The variables that an agent needs in order to export to the receiver.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) set: Vec<(&'static str, String)>,
    /// What our own environment has, and a started agent must not inherit.
    pub(crate) removed: Vec<&'static str>,
}

impl Environment {
    /// Space and project are not among them: those come with each request.
    pub(crate) fn new(receiver: &Receiver, protocol: Protocol) -> Self {
        let endpoint = match protocol {
            Protocol::Grpc => receiver.endpoint(),
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                receiver.http_endpoint().expect("`listen` opens both ports")
            }
        };
        let set = vec![
            ("ARIZE_COLLECTOR_ENDPOINT", endpoint.clone()),
            ("ARIZE_API_KEY", "local".to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            // Languages differ in what their exporters speak unless told.
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_string()),
            // SDKs batch for 5 s otherwise, and every run would wait for that.
            ("OTEL_BSP_SCHEDULE_DELAY", "500".to_owned()),
        ];
        let ours = |name: &&str| std::env::var_os(name).is_some();
        Self {
            set,
            removed: BEFORE_OURS.into_iter().filter(ours).collect(),
        }
    }
}
