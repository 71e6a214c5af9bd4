//! What code and environment say, checked: code before environment, except for the defaults of a
//! route, where the environment goes first.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use super::{Endpoint, RegisterWithRouting, endpoint};
use crate::error::{InstallError, RoutingError};
use crate::export::{AllowedSpaces, Credentials, Settings, Target, TransportConfig};
use crate::notice::{Notice, warn};
use crate::resolve::{Defaults, Named};
use crate::routing::{valid_project_name, valid_space_id};
use crate::semconv;

impl RegisterWithRouting {
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn settings(&self) -> Result<Settings, InstallError> {
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
        let credentials = Credentials::new(key.as_deref().map(str::trim), &self.headers)?;
        Ok(Settings {
            transport: TransportConfig::grpc(&target, credentials, self.timeout)?,
            target,
            allowed: self.allowed()?,
            batch_delay: self.batch_delay,
            capacity: u64::try_from(self.max_queue_size).unwrap_or(u64::MAX),
        })
    }

    fn target(&self) -> Result<Target, InstallError> {
        if let Some(endpoint) = &self.endpoint {
            return endpoint::parse(endpoint.as_str(), "endpoint(..)");
        }
        for name in [semconv::ENV_COLLECTOR_ENDPOINT, semconv::ENV_OTLP_ENDPOINT] {
            if let Some(url) = self.variable(name) {
                return endpoint::parse(&url, name);
            }
        }
        endpoint::parse(Endpoint::default().as_str(), "the default")
    }

    fn allowed(&self) -> Result<AllowedSpaces, RoutingError> {
        let Some(ids) = &self.allowed_spaces else {
            return Ok(AllowedSpaces::All);
        };
        let ids = ids.iter().map(|id| valid_space_id(id).map(Box::from));
        ids.collect::<Result<_, _>>().map(AllowedSpaces::Exactly)
    }

    pub(super) fn defaults(&self) -> Result<Defaults, RoutingError> {
        let environment = Named {
            space_id: self.environment_default(semconv::ENV_SPACE_ID, valid_space_id),
            project_name: self.environment_default(semconv::ENV_PROJECT_NAME, valid_project_name),
        };
        let space_id = self
            .default_space_id
            .as_deref()
            .map(valid_space_id)
            .transpose()?;
        let project_name = self
            .default_project_name
            .as_deref()
            .map(valid_project_name)
            .transpose()?;
        let code = Named {
            space_id: space_id.map(str::to_owned),
            project_name: project_name.map(str::to_owned),
        };
        Ok(Defaults { environment, code })
    }

    /// A default that cannot be one is not worth a refusal to start: it came from outside.
    fn environment_default(
        &self,
        name: &str,
        valid: fn(&str) -> Result<&str, RoutingError>,
    ) -> Option<String> {
        let value = self.variable(name)?;
        let valid = valid(&value).map(str::to_owned);
        valid
            .map_err(|error| warn(Notice::Setting, || format!("`{name}` is ignored: {error}")))
            .ok()
    }

    pub(super) fn resource(&self) -> Resource {
        let builder = match &self.resource {
            None => Resource::builder(),
            Some(resource) => {
                let kept = resource
                    .iter()
                    .map(|(k, v)| KeyValue::new(k.clone(), v.clone()));
                match resource.schema_url() {
                    Some(url) => Resource::builder_empty().with_schema_url(kept, url.to_owned()),
                    None => Resource::builder_empty().with_attributes(kept),
                }
            }
        };
        builder
            .with_attributes(self.attributes.iter().cloned())
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register_with_routing;

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
    fn a_bad_default_is_an_error_in_code_and_ignored_in_the_environment() {
        let defaults = with(&[("ARIZE_SPACE_ID", "a\nb"), ("ARIZE_PROJECT_NAME", "p")])
            .default_space_id("code")
            .defaults()
            .expect("good defaults");
        assert_eq!(defaults.environment.space_id, None);
        assert_eq!(defaults.environment.project_name.as_deref(), Some("p"));
        assert_eq!(defaults.code.space_id.as_deref(), Some("code"));
        let error = with(&[])
            .default_project_name(" ")
            .defaults()
            .expect_err("blank");
        assert_eq!(error, RoutingError::BlankProjectName);
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
