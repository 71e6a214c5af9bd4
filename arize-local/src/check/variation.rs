//! The variations: what each request has or lacks, and what a right agent does with it.

use crate::error::StartError;
use crate::form::{Baggage, BodyShape, Metadata, RequestForm, Traceparent};

/// A space that only a baggage names whose request has its space from elsewhere.
pub(super) const OTHER_SPACE: &str = "U3BhY2U6Y2hlY2s6MDE2";

/// The project that goes with it.
pub(super) const OTHER_PROJECT: &str = "check-other";

/// One variation of what Arize may send.
#[derive(Debug)]
pub(super) struct Variation {
    pub(super) name: &'static str,
    /// What a right agent does.
    pub(super) promise: &'static str,
    /// The spaces of its requests. All are `Space:check:` and a number in base64, the same in every run, so that an
    /// allow-list can have them; only one ends in `=`, so that an agent that cuts values there fails in that one.
    pub(super) spaces: &'static [&'static str],
    pub(super) expects: Expects,
    /// What to do where the spans do not arrive in the space and project asked for.
    pub(super) lost: &'static str,
    /// What to do where the request fails.
    pub(super) refused: &'static str,
    /// Variations that must work before this one can: what helps them may help this one.
    pub(super) builds_on: &'static [&'static str],
    form: fn(&mut RequestForm),
}

/// Where the spans of a variation are to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// In the request's trace, in its space and project.
    Routed,
    /// As `Routed`, but a request in a body shape that the agent does not take is only warned of.
    AnyBody,
    /// In a trace of the agent's own, in the request's space and project.
    NewTrace,
    /// Nowhere.
    Nothing,
    /// Anywhere but in the space or project of another request.
    NotOthers,
}

const UNNAMED_REFUSED: &str = "answer all the same: a space or project that cannot be resolved must never fail the \
    request, and `set_routing_context()` is not for `None`";

/// In the order in which they are sent and reported.
static VARIATIONS: [Variation; 13] = [
    Variation {
        name: "metadata-only",
        promise: "routes by `arize_metadata` where there is no baggage",
        spaces: &["U3BhY2U6Y2hlY2s6MDAx"],
        expects: Expects::Routed,
        lost: "read `space_id` and `project_name` from the body's `arize_metadata`, for each request and before \
            anything else",
        refused: "do without the `baggage` header: a request need not have one",
        builds_on: &[],
        form: |form| form.baggage = Baggage::None,
    },
    Variation {
        name: "baggage-only",
        promise: "routes by baggage where there is no `arize_metadata`",
        spaces: &["U3BhY2U6Y2hlY2s6MDAy"],
        expects: Expects::Routed,
        lost: "where `arize_metadata` does not say it, read `arize.space_id` and `arize.project_name` (with an \
            underscore) from the `baggage` header",
        refused: "take a body without `arize_metadata` as it is, and read the `baggage` header instead",
        builds_on: &[],
        form: |form| form.metadata = Metadata::None,
    },
    Variation {
        name: "both-different",
        promise: "prefers `arize_metadata` to baggage",
        spaces: &["U3BhY2U6Y2hlY2s6MDAz"],
        expects: Expects::Routed,
        lost: "take space and project from `arize_metadata` first; baggage is for what it does not say",
        refused: UNNAMED_REFUSED,
        builds_on: &["metadata-only"],
        form: |form| {
            form.baggage = Baggage::Other {
                space_id: OTHER_SPACE.to_owned(),
                project: OTHER_PROJECT.to_owned(),
            };
        },
    },
    Variation {
        name: "neither",
        promise: "answers, and exports by its own defaults or nothing",
        spaces: &["U3BhY2U6Y2hlY2s6MDA0"],
        expects: Expects::NotOthers,
        lost: "",
        refused: UNNAMED_REFUSED,
        builds_on: &[],
        form: |form| {
            form.metadata = Metadata::None;
            form.baggage = Baggage::None;
        },
    },
    Variation {
        name: "null-metadata",
        promise: "takes `arize_metadata: null` as none",
        spaces: &["U3BhY2U6Y2hlY2s6MDA1"],
        expects: Expects::Routed,
        lost: "take `arize_metadata: null` as if it was not there, and read baggage",
        refused: "take `arize_metadata: null` as if it was not there: in Python \
            `body.get(\"arize_metadata\") or {}`, for the default of `get` is for absent keys only",
        builds_on: &["baggage-only"],
        form: |form| form.metadata = Metadata::Null,
    },
    Variation {
        name: "no-project",
        promise: "takes the project from baggage where only the space is in the metadata",
        spaces: &["U3BhY2U6Y2hlY2s6MDA2"],
        expects: Expects::Routed,
        lost: "resolve space and project each for itself: `arize_metadata`, then baggage, and only then a default",
        refused: UNNAMED_REFUSED,
        builds_on: &["metadata-only", "baggage-only"],
        form: |form| {
            form.metadata = Metadata::NoProject;
            form.baggage = Baggage::Other {
                space_id: OTHER_SPACE.to_owned(),
                project: project("no-project", 0),
            };
        },
    },
    Variation {
        name: "no-traceparent",
        promise: "starts a new trace, routed",
        spaces: &["U3BhY2U6Y2hlY2s6MDA3"],
        expects: Expects::NewTrace,
        lost: "without a `traceparent` start the CHAIN span as the root of a new trace, inside the same routing",
        refused: "answer requests without a `traceparent`, and start a new trace for them",
        builds_on: &[],
        form: |form| form.traceparent = Traceparent::None,
    },
    Variation {
        name: "unsampled",
        promise: "answers, and exports nothing where the flags say unsampled",
        spaces: &["U3BhY2U6Y2hlY2s6MDA4"],
        expects: Expects::Nothing,
        lost: "",
        refused: "answer all the same: an unsampled request only has no spans",
        builds_on: &[],
        form: |form| form.traceparent = Traceparent::Unsampled,
    },
    Variation {
        name: "malformed-traceparent",
        promise: "takes it as none: a new trace, routed",
        spaces: &["U3BhY2U6Y2hlY2s6MDA5"],
        expects: Expects::NewTrace,
        lost: "take a `traceparent` that cannot be read as none: a new trace, inside the same routing",
        refused: "take a `traceparent` that cannot be read as none, as W3C Trace Context asks: it must not fail \
            the request",
        builds_on: &["no-traceparent"],
        form: |form| form.traceparent = Traceparent::Malformed,
    },
    Variation {
        name: "bodies",
        promise: "takes the row as `input` and at the top level of the body",
        spaces: &["U3BhY2U6Y2hlY2s6MDEw", "U3BhY2U6Y2hlY2s6MDEx"],
        expects: Expects::AnyBody,
        lost: "resolve the route from `arize_metadata` wherever the row stands",
        refused: "take the row as `input` where the body has that, and else its fields beside `arize_metadata`",
        builds_on: &["metadata-only"],
        form: |_| {},
    },
    Variation {
        name: "base64-space",
        promise: "keeps the `==` at the end of a space id in baggage",
        spaces: &["U3BhY2U6Y2hlY2s6MDAxMg=="],
        expects: Expects::Routed,
        lost: "split a baggage member at its first `=` only, for space ids are base64 and end in `=`; some \
            OpenTelemetry propagators (Rust's) cut them",
        refused: UNNAMED_REFUSED,
        builds_on: &["baggage-only"],
        form: |form| form.metadata = Metadata::None,
    },
    Variation {
        name: "two-baggage-lines",
        promise: "reads all lines of the baggage header",
        spaces: &["U3BhY2U6Y2hlY2s6MDEz"],
        expects: Expects::Routed,
        lost: "join all `baggage` lines of the request with commas before they are parsed: most propagators read \
            the first line only",
        refused: UNNAMED_REFUSED,
        builds_on: &["baggage-only"],
        form: |form| {
            form.metadata = Metadata::None;
            form.baggage = Baggage::TwoLines;
        },
    },
    Variation {
        name: "two-at-once",
        promise: "keeps two requests at the same time apart",
        spaces: &["U3BhY2U6Y2hlY2s6MDE0", "U3BhY2U6Y2hlY2s6MDE1"],
        expects: Expects::Routed,
        lost: "keep the route with the request, in its context, and carry that into tasks and threads",
        refused: "serve requests side by side: Arize sends rows in parallel",
        builds_on: &["metadata-only"],
        form: |_| {},
    },
];

/// The project of a variation's request, counted from 0.
pub(super) fn project(variation: &str, request: usize) -> String {
    match request {
        0 => format!("check-{variation}"),
        _ => format!("check-{variation}-{}", request + 1),
    }
}

impl Variation {
    /// The forms of its requests, where `base` has what all variations share.
    pub(super) fn forms(&self, base: &RequestForm) -> Vec<RequestForm> {
        let mut form = base.clone();
        (self.form)(&mut form);
        let mut forms = vec![form; self.spaces.len()];
        if self.expects == Expects::AnyBody {
            for (form, body) in forms
                .iter_mut()
                .zip([BodyShape::Wrapped, BodyShape::TopLevel])
            {
                form.body = body;
            }
        }
        forms
    }
}

/// The variations of these names, in their order; all where none is named.
pub(super) fn chosen(names: &[String]) -> Result<Vec<&'static Variation>, StartError> {
    let known: Vec<&str> = VARIATIONS.iter().map(|variation| variation.name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "there is no variation `{unknown}`; choose from {}",
            known.join(", ")
        )
        .into());
    }
    let wanted = |variation: &&Variation| {
        names.is_empty() || names.iter().any(|name| name == variation.name)
    };
    Ok(VARIATIONS.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_space_of_its_own_and_one_ends_in_equals_signs() {
        let mut spaces: Vec<&str> = VARIATIONS
            .iter()
            .flat_map(|variation| variation.spaces)
            .copied()
            .chain([OTHER_SPACE])
            .collect();
        assert!(
            spaces
                .iter()
                .all(|space| space.starts_with("U3BhY2U6Y2hlY2s6"))
        );
        let padded = spaces.iter().filter(|space| space.ends_with("=="));
        assert_eq!(padded.count(), 1);
        let count = spaces.len();
        spaces.sort_unstable();
        spaces.dedup();
        assert_eq!(spaces.len(), count);
    }

    #[test]
    fn variations_build_on_earlier_ones() {
        for (at, variation) in VARIATIONS.iter().enumerate() {
            for below in variation.builds_on {
                assert!(
                    VARIATIONS[..at]
                        .iter()
                        .any(|earlier| earlier.name == *below),
                    "{} builds on {below}",
                    variation.name
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_those_there_are() {
        let error = chosen(&["baggage".to_owned()])
            .expect_err("is unknown")
            .to_string();
        assert!(
            error.contains("`baggage`") && error.contains("baggage-only, both-different"),
            "{error}"
        );
        let two = chosen(&["unsampled".to_owned(), "neither".to_owned()]).expect("are known");
        assert_eq!(
            two.iter()
                .map(|variation| variation.name)
                .collect::<Vec<_>>(),
            ["neither", "unsampled"]
        );
    }
}
