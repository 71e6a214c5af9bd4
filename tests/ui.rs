//! What must not compile, with the words that say why.
//!
//! `cargo test -p tests --test ui`; one file: `cargo test -p tests --test ui -- trybuild=wrong_items`.
//! `TRYBUILD=overwrite` writes the `.stderr` anew: read every changed sentence aloud. What must compile
//! is in `ui/pass`, whose files are test targets, so that clippy reads their expansions as well.

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
