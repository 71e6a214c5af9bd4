//! Which space and project a request belongs to: for each field the first of `arize_metadata`,
//! baggage, environment and the defaults in code that names one. Pure.

use std::fmt;

use crate::routing::Routing;

/// What one source says. Its values were checked: one that cannot be a space or project is absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named<S> {
    pub(crate) space_id: Option<S>,
    pub(crate) project_name: Option<S>,
}

/// The environment and the registration's defaults, read and checked once at registration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) environment: Named<String>,
    pub(crate) code: Named<String>,
    /// The one route of everything, whatever requests name.
    pub(crate) fixed: Option<Routing>,
}

/// A request that names no route: which half nobody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unresolved {
    pub(crate) space_id: bool,
    pub(crate) project_name: bool,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, field, key, variable, default) = match (self.space_id, self.project_name) {
            (true, true) => {
                return f.write_str(
                    "the request names neither a space nor a project (`arize_metadata`, baggage) and \
                     there is no default; set `ARIZE_SPACE_ID` and `ARIZE_PROJECT_NAME`",
                );
            }
            (true, false) => (
                "space",
                "space_id",
                "arize.space_id",
                "ARIZE_SPACE_ID",
                "`.default_space_id(..)`",
            ),
            _ => (
                "project",
                "project_name",
                "arize.project_name",
                "ARIZE_PROJECT_NAME",
                "`project_name = \"..\"` in the attribute",
            ),
        };
        write!(
            f,
            "the request names no {what} (`arize_metadata.{field}`, baggage `{key}`) and there is no \
             default; set `{variable}` or {default}"
        )
    }
}

/// The route of a request. `project_default` is the one of the attribute.
pub(crate) fn resolve(
    metadata: &Named<&str>,
    baggage: &Named<&str>,
    defaults: &Defaults,
    project_default: Option<&'static str>,
) -> Result<Routing, Unresolved> {
    if let Some(fixed) = &defaults.fixed {
        return Ok(fixed.clone());
    }
    let space_id = metadata
        .space_id
        .or(baggage.space_id)
        .or(defaults.environment.space_id.as_deref())
        .or(defaults.code.space_id.as_deref());
    let project_name = metadata
        .project_name
        .or(baggage.project_name)
        .or(defaults.environment.project_name.as_deref())
        .or(project_default)
        .or(defaults.code.project_name.as_deref());
    match (space_id, project_name) {
        (Some(space_id), Some(project_name)) => Ok(Routing::join(space_id, project_name)),
        _ => Err(Unresolved {
            space_id: space_id.is_none(),
            project_name: project_name.is_none(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<S>(space_id: impl Into<Option<S>>, project_name: impl Into<Option<S>>) -> Named<S> {
        Named {
            space_id: space_id.into(),
            project_name: project_name.into(),
        }
    }

    #[test]
    fn each_field_takes_the_first_source_that_names_it() {
        let defaults = Defaults {
            environment: named("s-env".to_owned(), None),
            code: named("s-code".to_owned(), "p-code".to_owned()),
            fixed: None,
        };
        let all = |m, b, a| {
            let r = resolve(&m, &b, &defaults, a).unwrap();
            (r.space_id().to_owned(), r.project_name().to_owned())
        };
        let pair = |s: &str, p: &str| (s.to_owned(), p.to_owned());
        assert_eq!(
            all(named("s-md", "p-md"), named("s-bg", "p-bg"), None),
            pair("s-md", "p-md")
        );
        assert_eq!(
            all(named("s-md", None), named("s-bg", "p-bg"), None),
            pair("s-md", "p-bg")
        );
        assert_eq!(
            all(named(None, None), named("s-bg", None), None),
            pair("s-bg", "p-code")
        );
        assert_eq!(
            all(named(None, None), named(None, None), Some("p-at")),
            pair("s-env", "p-at")
        );
    }

    #[test]
    fn half_a_route_is_none() {
        let none = Defaults::default();
        let error = resolve(&named("s", None), &named(None, None), &none, None).unwrap_err();
        assert_eq!(
            error,
            Unresolved {
                space_id: false,
                project_name: true
            }
        );
        assert!(error.to_string().contains("ARIZE_PROJECT_NAME"));
    }
}
