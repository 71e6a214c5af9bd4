//! Which space and project a span belongs to: both halves by construction, and their place in the
//! [`Context`].

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use opentelemetry::{Context, KeyValue};

use crate::error::RoutingError;
use crate::semconv;

/// Longest id or name that is taken, in bytes. Ids come from requests, so they are bounded.
const MAX_LEN: usize = 4096;

/// How many routes a thread remembers, so that the requests of one experiment share one allocation.
const REMEMBERED: usize = 8;

/// The space and the project that spans belong to.
///
/// Never half a route: a value has both. It is cheap to clone.
///
/// ```
/// use arize_runtime::Routing;
/// let routing = Routing::new("U3BhY2U6MTIzOmFiYw==", "travel-agent")?;
/// assert_eq!(routing.space_id(), "U3BhY2U6MTIzOmFiYw==");
/// assert_eq!(routing.project_name(), "travel-agent");
/// # Ok::<(), arize_runtime::RoutingError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Routing(Arc<Route>);

#[derive(PartialEq, Eq, Hash)]
struct Route {
    space_id: Arc<str>,
    project_name: Arc<str>,
}

impl Routing {
    /// Joins a space and a project. Surrounding white space is cut off.
    ///
    /// # Errors
    /// A half is blank or longer than 4,096 bytes; the space has a character that cannot be in an
    /// HTTP header (anything but visible ASCII and space, RFC 9110 section 5.5), since it becomes
    /// one; or the project has a control character.
    pub fn new(space_id: &str, project_name: &str) -> Result<Self, RoutingError> {
        Ok(Self::join(
            valid_space_id(space_id)?,
            valid_project_name(project_name)?,
        ))
    }

    /// Of halves that were checked already.
    pub(crate) fn join(space_id: &str, project_name: &str) -> Self {
        thread_local! {
            static SEEN: RefCell<(usize, Vec<Routing>)> = const { RefCell::new((0, Vec::new())) };
        }
        SEEN.with_borrow_mut(|(oldest, seen)| {
            let same = |r: &&Routing| r.space_id() == space_id && r.project_name() == project_name;
            if let Some(routing) = seen.iter().find(same) {
                return routing.clone();
            }
            let routing = Self(Arc::new(Route {
                space_id: space_id.into(),
                project_name: project_name.into(),
            }));
            if seen.len() < REMEMBERED {
                seen.push(routing.clone());
            } else {
                seen[*oldest] = routing.clone();
                *oldest = (*oldest + 1) % REMEMBERED;
            }
            routing
        })
    }

    /// The space, as it goes into the `arize-space-id` header.
    #[must_use]
    pub fn space_id(&self) -> &str {
        &self.0.space_id
    }

    /// The project.
    #[must_use]
    pub fn project_name(&self) -> &str {
        &self.0.project_name
    }

    /// The two attributes that a routed span carries.
    ///
    /// Every span that starts in a routed Context gets them by itself; they are for a tracer provider
    /// that is not ours.
    #[must_use]
    pub fn attributes(&self) -> [KeyValue; 2] {
        [
            KeyValue::new(semconv::SPACE_ID, self.0.space_id.clone()),
            KeyValue::new(semconv::PROJECT_NAME, self.0.project_name.clone()),
        ]
    }

    pub(crate) fn shared(&self) -> (Arc<str>, Arc<str>) {
        (self.0.space_id.clone(), self.0.project_name.clone())
    }

    /// The route of the spans that start in `context`, if it has one.
    #[must_use]
    pub fn of(context: &Context) -> Option<&Self> {
        context.get()
    }

    /// The route of the spans that start here.
    ///
    /// ```
    /// use arize_runtime::{set_routing_context, Routing};
    /// assert_eq!(Routing::current(), None);
    /// let routing = Routing::new("space", "project")?;
    /// set_routing_context(routing.clone(), || assert_eq!(Routing::current(), Some(routing)));
    /// # Ok::<(), arize_runtime::RoutingError>(())
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        Context::map_current(|context| Self::of(context).cloned())
    }
}

impl fmt::Debug for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routing")
            .field("space_id", &self.space_id())
            .field("project_name", &self.project_name())
            .finish()
    }
}

/// A space id fit to be a header value, without surrounding white space.
pub(crate) fn valid_space_id(id: &str) -> Result<&str, RoutingError> {
    let id = not_blank(id).ok_or(RoutingError::BlankSpaceId)?;
    if !id.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let visible = |c: &char| matches!(c, ' '..='~');
        let character = id.chars().find(|c| !visible(c)).unwrap_or_default();
        return Err(RoutingError::SpaceIdCharacter(character));
    }
    if id.len() > MAX_LEN {
        Err(RoutingError::TooLong)
    } else {
        Ok(id)
    }
}

/// A project name fit to be an attribute, without surrounding white space.
pub(crate) fn valid_project_name(name: &str) -> Result<&str, RoutingError> {
    let name = not_blank(name).ok_or(RoutingError::BlankProjectName)?;
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(RoutingError::ProjectNameCharacter(c)),
        None if name.len() > MAX_LEN => Err(RoutingError::TooLong),
        None => Ok(name),
    }
}

fn not_blank(s: &str) -> Option<&str> {
    let s = s.trim();
    (!s.is_empty()).then_some(s)
}

/// Runs `f` with every span that starts in it routed to the space and project of `routing`.
///
/// For spans that are opened by hand in synchronous code; annotated handlers do it by themselves.
/// In async code use [`with_routing`](crate::RoutingFutureExt::with_routing): a scope that is left by `.await` would leak
/// to other tasks, which is why no guard is offered.
///
/// ```
/// use arize_runtime::{set_routing_context, Routing};
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
/// # let tracer = provider.tracer("example");
/// set_routing_context(Routing::new("space", "project")?, || {
///     tracer.in_span("by hand", |_context| { /* ... */ });
/// });
/// # Ok::<(), arize_runtime::RoutingError>(())
/// ```
pub fn set_routing_context<T>(routing: Routing, f: impl FnOnce() -> T) -> T {
    let _guard = Context::map_current(|context| context.with_value(routing)).attach();
    f()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_ids_are_kept_and_space_around_them_is_not() {
        let routing = Routing::new(" U3BhY2U6MTIzOmFiYw== ", "my agent / ü").unwrap();
        assert_eq!(routing.space_id(), "U3BhY2U6MTIzOmFiYw==");
        assert_eq!(routing.project_name(), "my agent / ü");
    }

    #[test]
    fn what_cannot_be_a_header_is_refused() {
        assert_eq!(Routing::new(" ", "p"), Err(RoutingError::BlankSpaceId));
        assert_eq!(Routing::new("s", "\t"), Err(RoutingError::BlankProjectName));
        assert_eq!(
            Routing::new("s\np", "p"),
            Err(RoutingError::SpaceIdCharacter('\n'))
        );
        assert_eq!(
            Routing::new("spä", "p"),
            Err(RoutingError::SpaceIdCharacter('ä'))
        );
        assert_eq!(
            Routing::new("s", "p\0"),
            Err(RoutingError::ProjectNameCharacter('\0'))
        );
        assert_eq!(
            Routing::new(&"s".repeat(MAX_LEN + 1), "p"),
            Err(RoutingError::TooLong)
        );
    }

    #[test]
    fn equal_routes_of_a_thread_share_one_allocation() {
        let a = Routing::join("space", "project");
        assert!(Arc::ptr_eq(&a.0, &Routing::join("space", "project").0));
        for n in 0..REMEMBERED {
            Routing::join("space", &n.to_string());
        }
        assert!(!Arc::ptr_eq(&a.0, &Routing::join("space", "project").0));
    }
}
