//! What code and environment say, checked: code before environment, except for the defaults of a
//! route, where the environment goes first.

use super::child::ChildExporter;
use super::{Endpoint, Environment, Registration, Routes, endpoint};
use crate::error::InstallError;
use crate::export::{Credentials, Protocol, Roots, Settings, Target, TransportConfig, WireConfig};
use crate::notice::{Notice, warn};
use crate::semconv;

/// A variable that is set and not blank.
pub(super) fn variable(environment: &Environment, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.trim().is_empty())
}

impl<R: Routes> Registration<R> {
    fn variable(&self, name: &str) -> Option<String> {
        variable(&self.environment, name)
    }

    pub(super) fn settings(&self) -> Result<(Settings, ChildExporter), InstallError> {
        let target = self.target()?;
        let loopback = endpoint::is_loopback(&target.uri);
        let key = self.api_key.clone().filter(|key| !key.trim().is_empty());
        let key = key.or_else(|| self.variable(semconv::ENV_API_KEY));
        if key.is_none() && !loopback {
            return Err(InstallError::ApiKeyMissing {
                endpoint: target.uri.to_string(),
            });
        }
        if key.is_some() && !loopback && target.uri.scheme_str() == Some("http") {
            warn(Notice::Setting, || {
                let Target { uri, source } = &target;
                format!("the API key goes to {uri} (from {source}) unencrypted; use `https://`")
            });
        }
        let trace_config = self.trace_config()?;
        let credentials = Credentials::new(key.as_deref().map(str::trim), &self.headers)?;
        let wire = WireConfig {
            target: &target,
            timeout: self.timeout,
            compression: self.chosen_compression(),
            roots: match target.uri.scheme_str() {
                Some("https") => self.roots()?,
                _ => Roots::none(),
            },
        };
        let protocol = self.chosen_protocol(&target);
        let child = ChildExporter::new(
            target.uri.clone(),
            protocol,
            credentials.clone(),
            &self.environment,
        );
        let settings = Settings {
            transport: TransportConfig::new(protocol, credentials, &wire)?,
            target,
            batch_delay: self.batch_delay,
            overload: self.overload(),
            trace_config,
        };
        Ok((settings, child))
    }

    /// Code, then environment, then what the address lets expect.
    fn chosen_protocol(&self, target: &Target) -> Protocol {
        self.protocol
            .or_else(|| self.environment_protocol())
            .unwrap_or_else(|| target.protocol())
    }

    fn environment_protocol(&self) -> Option<Protocol> {
        let names = [semconv::ENV_TRACES_PROTOCOL, semconv::ENV_PROTOCOL];
        let (name, value) = self.first_variable(names)?;
        let ignored = |what: &str| {
            warn(Notice::Setting, || {
                format!("`{name}={value}` {what}; write `grpc` or `http/protobuf`")
            });
        };
        match value.trim() {
            "grpc" => Some(Protocol::Grpc),
            "http/protobuf" => Some(Protocol::HttpProtobuf),
            // `http` is what people write who mean it.
            "http" | "http/json" => {
                ignored("is not supported, `http/protobuf` is used");
                Some(Protocol::HttpProtobuf)
            }
            _ => {
                ignored("is no protocol of OTLP and is ignored");
                None
            }
        }
    }

    fn target(&self) -> Result<Target, InstallError> {
        if let Some(endpoint) = &self.endpoint {
            return endpoint::parse(endpoint.as_str(), "endpoint(..)");
        }
        let names = [semconv::ENV_COLLECTOR_ENDPOINT, semconv::ENV_OTLP_ENDPOINT];
        match self.first_variable(names) {
            Some((name, url)) => endpoint::parse(&url, name),
            None => endpoint::parse(Endpoint::default().as_str(), "the default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RegisterWithRouting, register_with_routing};

    fn with(variables: &'static [(&str, &str)]) -> RegisterWithRouting {
        register_with_routing().with_environment(|name| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_first_endpoint_that_is_named_wins() {
        let of = |r: RegisterWithRouting| {
            let target = r.target().expect("an endpoint");
            (target.uri.to_string(), target.source)
        };
        let both = with(&[
            ("ARIZE_OTLP_ENDPOINT", "http://otlp"),
            ("ARIZE_COLLECTOR_ENDPOINT", "http://collector"),
        ]);
        assert_eq!(
            of(both),
            ("http://collector/".to_owned(), "ARIZE_COLLECTOR_ENDPOINT")
        );
        let blank = with(&[
            ("ARIZE_COLLECTOR_ENDPOINT", " "),
            ("ARIZE_OTLP_ENDPOINT", "http://otlp"),
        ]);
        assert_eq!(
            of(blank),
            ("http://otlp/".to_owned(), "ARIZE_OTLP_ENDPOINT")
        );
        let code =
            with(&[("ARIZE_COLLECTOR_ENDPOINT", "http://c")]).endpoint(Endpoint::ArizeEurope);
        assert_eq!(
            of(code),
            (
                "https://otlp.eu-west-1a.arize.com/v1".to_owned(),
                "endpoint(..)"
            )
        );
        assert_eq!(of(with(&[])).0, "https://otlp.arize.com/v1");
    }

    #[test]
    fn the_key_may_be_missing_on_this_machine_only() {
        assert!(
            with(&[])
                .endpoint("http://127.0.0.1:4317")
                .settings()
                .is_ok()
        );
        let error = with(&[("ARIZE_API_KEY", " ")])
            .endpoint("http://10.0.0.1:4317")
            .settings();
        assert!(matches!(error, Err(InstallError::ApiKeyMissing { .. })));
        assert!(
            with(&[("ARIZE_API_KEY", "key\n")]).settings().is_ok(),
            "trimmed, and TLS is there"
        );
    }

    #[test]
    fn the_protocol_is_of_the_code_then_of_the_environment_then_of_the_address() {
        let of = |r: RegisterWithRouting| r.chosen_protocol(&r.target().expect("an endpoint"));
        let (grpc, http) = (Protocol::Grpc, Protocol::HttpProtobuf);
        assert_eq!(of(with(&[])), grpc);
        for url in ["http://h:4318", "http://h/v1/traces", "http://h/v1/traces/"] {
            assert_eq!(of(with(&[]).endpoint(url)), http, "{url}");
        }
        let by_environment = [
            (&[("OTEL_EXPORTER_OTLP_PROTOCOL", " http/protobuf")], http),
            (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], http),
            (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http")], http),
            (
                &[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")],
                http,
            ),
            (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke signals")], grpc),
        ];
        for (variables, protocol) in by_environment {
            assert_eq!(of(with(variables)), protocol, "{variables:?}");
        }
        let traces_first = with(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ]);
        assert_eq!(of(traces_first.endpoint("http://h:4318")), grpc);
        let code = with(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).protocol(http);
        assert_eq!(of(code), http);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?}",
            with(&[]).api_key("hunter2").header("x-proxy", "hunter3")
        );
        assert!(
            shown.contains("x-proxy") && !shown.contains("hunter"),
            "{shown}"
        );
    }
}
