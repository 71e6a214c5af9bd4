//! What a child process needs to send its spans where ours go.

use std::fmt;

use http::Uri;
use http::header::AUTHORIZATION;

use super::Environment;
use super::settings::variable;
use crate::export::{Credentials, Protocol, traces_uri};
use crate::inject::percent_encoded;
use crate::routing::Routing;
use crate::semconv;

/// The exporter of a child. `Debug` shows nothing of it.
pub(super) struct ChildExporter {
    endpoint: Uri,
    protocol: Protocol,
    credentials: Credentials,
    resource_attributes: Option<String>,
}

impl fmt::Debug for ChildExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildExporter").finish_non_exhaustive()
    }
}

impl ChildExporter {
    pub(super) fn new(
        endpoint: Uri,
        protocol: Protocol,
        credentials: Credentials,
        environment: &Environment,
    ) -> Self {
        Self {
            endpoint,
            protocol,
            credentials,
            resource_attributes: variable(environment, semconv::ENV_RESOURCE_ATTRIBUTES),
        }
    }

    /// OpenTelemetry's variables for any language, and those of `arize-otel` and of this crate.
    pub(super) fn variables(&self, routing: &Routing) -> Vec<(&'static str, String)> {
        let (space_id, project_name) = (routing.space_id(), routing.project_name());
        let headers = self.credentials.routed(space_id);
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|key| key.to_str().ok().map(str::to_owned));
        let headers = headers.iter().filter_map(|(name, value)| {
            Some(format!("{name}={}", percent_encoded(value.to_str().ok()?)))
        });
        let headers = headers.collect::<Vec<_>>().join(",");
        let project = format!(
            "{}={}",
            semconv::RESOURCE_PROJECT_NAME,
            percent_encoded(project_name)
        );
        let resource = match &self.resource_attributes {
            Some(inherited) => format!("{},{project}", inherited.trim_end_matches(',')),
            None => project,
        };
        let mut variables = vec![
            (semconv::ENV_TRACES_EXPORTER, "otlp".to_owned()),
            (semconv::ENV_TRACES_ENDPOINT, self.traces_endpoint()),
            (semconv::ENV_TRACES_PROTOCOL, self.protocol.to_string()),
            (semconv::ENV_TRACES_HEADERS, headers),
            (semconv::ENV_RESOURCE_ATTRIBUTES, resource),
            (semconv::ENV_COLLECTOR_ENDPOINT, self.endpoint.to_string()),
            (semconv::ENV_SPACE_ID, space_id.to_owned()),
            (semconv::ENV_PROJECT_NAME, project_name.to_owned()),
        ];
        variables.extend(key.map(|key| (semconv::ENV_API_KEY, key)));
        variables
    }

    /// The URL that is posted to; gRPC has no path.
    fn traces_endpoint(&self) -> String {
        match self.protocol {
            Protocol::HttpProtobuf => traces_uri(&self.endpoint)
                .map_or_else(|_| self.endpoint.to_string(), |uri| uri.to_string()),
            Protocol::Grpc => {
                let scheme = self.endpoint.scheme_str().unwrap_or("https");
                let authority = self.endpoint.authority().map_or("", |a| a.as_str());
                format!("{scheme}://{authority}")
            }
        }
    }
}
