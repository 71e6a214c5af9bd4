//! The spaces that spans may go to.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::RoutingError;
use crate::notice::{Notice, warn};
use crate::routing::valid_space_id;

type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// All spaces, or once something was added those that something added allows.
#[derive(Clone, Default)]
pub(crate) struct AllowedSpaces {
    limited: bool,
    ids: HashSet<Box<str>>,
    predicates: Vec<Predicate>,
}

impl fmt::Debug for AllowedSpaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.limited {
            return f.write_str("All");
        }
        f.debug_struct("Only")
            .field("ids", &self.ids)
            .field("predicates", &self.predicates.len())
            .finish()
    }
}

thread_local! {
    /// Whether a predicate runs on this thread.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

impl AllowedSpaces {
    pub(crate) fn add(&mut self, ids: impl IntoIterator<Item = impl Into<String>>) {
        self.limited = true;
        let ids = ids.into_iter().map(|id| id.into().into_boxed_str());
        self.ids.extend(ids);
    }

    pub(crate) fn add_if(&mut self, predicate: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.limited = true;
        self.predicates.push(Arc::new(predicate));
    }

    /// The same with ids as spans have them, if they can be ids.
    pub(crate) fn checked(&self) -> Result<Self, RoutingError> {
        if self.limited && self.ids.is_empty() && self.predicates.is_empty() {
            warn(Notice::Setting, || {
                "`.allow_spaces(..)` was given no space, so every span will be dropped; name the spaces, or \
                 leave it out to allow all"
                    .to_owned()
            });
        }
        let ids = self.ids.iter().map(|id| valid_space_id(id).map(Box::from));
        Ok(Self {
            ids: ids.collect::<Result<_, _>>()?,
            ..self.clone()
        })
    }

    pub(super) fn allows(&self, space_id: &str) -> bool {
        !self.limited
            || self.ids.contains(space_id)
            || self
                .predicates
                .iter()
                .any(|predicate| allowed_by(predicate, space_id))
    }
}

/// A predicate is the user's code, on the thread of the agent: what goes wrong in it denies.
fn allowed_by(predicate: &Predicate, space_id: &str) -> bool {
    // The predicate would be asked of spans that it makes itself, and those of that, without an end.
    if ASKING.replace(true) {
        return false;
    }
    let allowed = catch_unwind(AssertUnwindSafe(|| predicate(space_id)));
    ASKING.set(false);
    allowed.unwrap_or_else(|_panic| {
        warn(Notice::AllowPanicked, || {
            format!(
                "the predicate of `.allow_spaces_if(..)` panicked and denied space `{space_id}`; the panic \
                 itself says where"
            )
        });
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing() -> AllowedSpaces {
        let mut allowed = AllowedSpaces::default();
        allowed.add(["exact"]);
        allowed.add_if(|id| id.starts_with("team-"));
        allowed.add_if(|id| id.len() == 2);
        allowed
    }

    #[test]
    fn a_space_is_allowed_if_any_allows_it() {
        let allowed = allowing();
        for id in ["exact", "team-blue", "ok"] {
            assert!(allowed.allows(id), "{id}");
        }
        for id in ["exactly", "Team-blue", "x", ""] {
            assert!(!allowed.allows(id), "{id}");
        }
        assert!(AllowedSpaces::default().allows("any"));
        let mut none = AllowedSpaces::default();
        none.add([""; 0]);
        assert!(!none.allows("any"), "a list that is empty allows nothing");
    }

    #[test]
    fn ids_are_as_spans_have_them() {
        let mut allowed = AllowedSpaces::default();
        allowed.add([" exact "]);
        assert!(allowed.checked().expect("an id").allows("exact"));
        allowed.add([" "]);
        let error = allowed.checked().expect_err("a blank one");
        assert_eq!(error, RoutingError::BlankSpaceId);
    }

    #[test]
    fn a_predicate_that_panics_denies_and_the_next_is_asked() {
        let mut allowed = AllowedSpaces::default();
        allowed.add_if(|id| id.parse::<u8>().expect("ids are numbers") > 0);
        allowed.add_if(|id| id == "b");
        assert!(!allowed.allows("a"));
        assert!(allowed.allows("b") && allowed.allows("7"));
    }

    #[test]
    fn debug_shows_ids_and_how_many_predicates() {
        let shown = format!("{:?}", allowing());
        assert_eq!(shown, r#"Only { ids: {"exact"}, predicates: 2 }"#);
    }
}
