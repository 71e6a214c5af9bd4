//! Where spans go: to the routes that requests name, or to one.

use std::fmt;

use opentelemetry::KeyValue;

use super::settings::variable;
use super::{Environment, Register, RegisterWithRouting};
use crate::error::{InstallError, RoutingError};
use crate::export::AllowedSpaces;
use crate::notice::{Notice, warn};
use crate::resolve::{Defaults, Named};
use crate::routing::{Routing, valid_project_name, valid_space_id};
use crate::semconv;

/// How a registration finds its routes: [`PerRequest`] or [`OneSpace`].
pub trait Routes: fmt::Debug + sealed::Routes {}

/// What the routes of a registration come to.
#[derive(Debug, Default)]
pub struct Destinations {
    pub(super) defaults: Defaults,
    pub(super) allowed: AllowedSpaces,
    /// Of the resource.
    pub(super) attributes: Vec<KeyValue>,
}

mod sealed {
    pub trait Routes {
        const SEVERAL_SPACES: bool;

        fn destinations(
            &self,
            environment: &super::Environment,
        ) -> Result<super::Destinations, super::InstallError>;
    }
}

/// Each request names its space and project: see [`register_with_routing`](crate::register_with_routing).
#[derive(Debug, Clone, Default)]
pub struct PerRequest {
    default_space_id: Option<String>,
    default_project_name: Option<String>,
    allowed_spaces: AllowedSpaces,
}

impl RegisterWithRouting {
    /// The space of requests that name none, here or in `ARIZE_SPACE_ID`.
    pub fn default_space_id(mut self, id: impl Into<String>) -> Self {
        self.routes.default_space_id = Some(id.into());
        self
    }

    /// The project of requests that name none, if neither `ARIZE_PROJECT_NAME` nor the handler's
    /// attribute does.
    pub fn default_project_name(mut self, name: impl Into<String>) -> Self {
        self.routes.default_project_name = Some(name.into());
        self
    }

    /// Allows these spaces and no others: requests name the space, so anybody who can call the agent
    /// can. Spans of other spaces are dropped and counted ([`Loss::Denied`](crate::Loss::Denied));
    /// they never fall back to another space. Called again, or with
    /// [`allow_spaces_if`](Self::allow_spaces_if), it allows more.
    pub fn allow_spaces(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.routes.allowed_spaces.add(ids);
        self
    }

    /// Allows the spaces of which `allowed` says so, and those of [`allow_spaces`](Self::allow_spaces), and
    /// no others. It is given the space id as the request names it.
    ///
    /// ```
    /// # use arize_runtime::register_with_routing;
    /// let registration = register_with_routing()
    ///     .allow_spaces(["U3BhY2U6MTIzOmFiYw=="])
    ///     .allow_spaces_if(|space_id| space_id.starts_with("team-"));
    /// ```
    ///
    /// It runs for each span whose space is not named by `allow_spaces`, on the thread where that span
    /// ends, and so should be quick. One that panics denies, and is told; so are spans that it makes
    /// itself denied.
    pub fn allow_spaces_if(
        mut self,
        allowed: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.routes.allowed_spaces.add_if(allowed);
        self
    }
}

impl Routes for PerRequest {}

impl sealed::Routes for PerRequest {
    const SEVERAL_SPACES: bool = true;

    fn destinations(&self, environment: &Environment) -> Result<Destinations, InstallError> {
        let environment = Named {
            space_id: default(environment, semconv::ENV_SPACE_ID, valid_space_id),
            project_name: default(environment, semconv::ENV_PROJECT_NAME, valid_project_name),
        };
        let space_id = self.default_space_id.as_deref();
        let project_name = self.default_project_name.as_deref();
        let code = Named {
            space_id: space_id.map(valid_space_id).transpose()?.map(str::to_owned),
            project_name: project_name
                .map(valid_project_name)
                .transpose()?
                .map(str::to_owned),
        };
        let defaults = Defaults {
            environment,
            code,
            fixed: None,
        };
        Ok(Destinations {
            defaults,
            allowed: self.allowed_spaces.checked()?,
            attributes: Vec::new(),
        })
    }
}

/// A default that cannot be one is not worth a refusal to start: it came from outside.
fn default(
    environment: &Environment,
    name: &str,
    valid: fn(&str) -> Result<&str, RoutingError>,
) -> Option<String> {
    let value = variable(environment, name)?;
    let valid = valid(&value).map(str::to_owned);
    valid
        .map_err(|error| warn(Notice::Setting, || format!("`{name}` is ignored: {error}")))
        .ok()
}

/// Every span goes to one space and project: see [`register`](crate::register).
#[derive(Debug, Clone, Default)]
pub struct OneSpace {
    space_id: Option<String>,
    project_name: Option<String>,
    project_type: Option<ProjectType>,
}

impl Register {
    /// The space of every span. `ARIZE_SPACE_ID` unless said here.
    pub fn space_id(mut self, id: impl Into<String>) -> Self {
        self.routes.space_id = Some(id.into());
        self
    }

    /// The project of every span. `ARIZE_PROJECT_NAME` unless said here.
    pub fn project_name(mut self, name: impl Into<String>) -> Self {
        self.routes.project_name = Some(name.into());
        self
    }

    /// What the project is for: the resource attribute `arize.project.type`. `ARIZE_PROJECT_TYPE`
    /// unless said here, and [`ProjectType::Application`] where neither says it.
    pub fn project_type(mut self, project_type: ProjectType) -> Self {
        self.routes.project_type = Some(project_type);
        self
    }
}

impl Routes for OneSpace {}

impl sealed::Routes for OneSpace {
    const SEVERAL_SPACES: bool = false;

    fn destinations(&self, environment: &Environment) -> Result<Destinations, InstallError> {
        let given = |code: &Option<String>, name: &'static str, call: &'static str| {
            let code = code.clone().filter(|value| !value.trim().is_empty());
            code.or_else(|| variable(environment, name))
                .ok_or(InstallError::RouteMissing {
                    variable: name,
                    call,
                })
        };
        let space_id = given(&self.space_id, semconv::ENV_SPACE_ID, "space_id")?;
        let project_name = given(
            &self.project_name,
            semconv::ENV_PROJECT_NAME,
            "project_name",
        )?;
        let project_type = self
            .project_type
            .or_else(|| ProjectType::of_environment(environment))
            .unwrap_or_default();
        let defaults = Defaults {
            fixed: Some(Routing::new(&space_id, &project_name)?),
            ..Defaults::default()
        };
        let attribute = KeyValue::new(semconv::RESOURCE_PROJECT_TYPE, project_type.as_str());
        Ok(Destinations {
            defaults,
            allowed: AllowedSpaces::default(),
            attributes: vec![attribute],
        })
    }
}

/// What a project is for: the resource attribute `arize.project.type`.
///
/// ```
/// use arize_runtime::ProjectType;
/// assert_eq!(ProjectType::default().as_str(), "application");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectType {
    /// An application that is traced.
    #[default]
    Application,
    /// A harness that runs agents.
    Harness,
    /// An experiment.
    Experiment,
}

impl ProjectType {
    /// The value of the attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Harness => "harness",
            Self::Experiment => "experiment",
        }
    }

    fn of_environment(environment: &Environment) -> Option<Self> {
        let name = semconv::ENV_PROJECT_TYPE;
        let value = variable(environment, name)?;
        let all = [Self::Application, Self::Harness, Self::Experiment];
        let known = all
            .into_iter()
            .find(|known| known.as_str() == value.trim().to_ascii_lowercase());
        if known.is_none() {
            warn(Notice::Setting, || {
                format!(
                    "`{name}={value}` is ignored; write `application`, `harness` or `experiment`"
                )
            });
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Routes as _;
    use super::*;
    use crate::{register, register_with_routing};

    fn environment(variables: &'static [(&str, &str)]) -> Environment {
        Box::new(|name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_bad_default_is_an_error_in_code_and_ignored_in_the_environment() {
        let variables = environment(&[("ARIZE_SPACE_ID", "a\nb"), ("ARIZE_PROJECT_NAME", "p")]);
        let routes = register_with_routing().default_space_id("code").routes;
        let defaults = routes
            .destinations(&variables)
            .expect("good defaults")
            .defaults;
        assert_eq!(defaults.environment.space_id, None);
        assert_eq!(defaults.environment.project_name.as_deref(), Some("p"));
        assert_eq!(defaults.code.space_id.as_deref(), Some("code"));
        let routes = register_with_routing().default_project_name(" ").routes;
        let error = routes.destinations(&variables).expect_err("blank");
        assert!(matches!(
            error,
            InstallError::Routing(RoutingError::BlankProjectName)
        ));
    }

    #[test]
    fn one_space_takes_code_then_environment_and_needs_both_halves() {
        let variables = environment(&[
            ("ARIZE_SPACE_ID", "s-env"),
            ("ARIZE_PROJECT_NAME", "p-env"),
            ("ARIZE_PROJECT_TYPE", "Harness"),
        ]);
        let routes = register().space_id("s-code").routes;
        let found = routes.destinations(&variables).expect("both halves");
        let fixed = found.defaults.fixed.expect("one route");
        assert_eq!(
            (fixed.space_id(), fixed.project_name()),
            ("s-code", "p-env")
        );
        assert_eq!(
            found.attributes,
            [KeyValue::new("arize.project.type", "harness")]
        );

        let half = register().space_id("s").routes;
        let error = half
            .destinations(&environment(&[]))
            .expect_err("no project");
        assert!(
            error.to_string().contains("`ARIZE_PROJECT_NAME`"),
            "{error}"
        );
    }
}
