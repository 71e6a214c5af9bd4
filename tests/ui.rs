//! What must not compile, with the words that say why.
//!
//! `cargo test -p tests --test ui`; one file: `cargo test -p tests --test ui -- fail trybuild=wrong_items`.
//! `TRYBUILD=overwrite` writes the `.stderr` anew: read every changed sentence aloud. What must compile
//! is in `ui/pass`, which is a test target, so that clippy reads its expansions as well and it is run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;
use std::process::Command;

/// The compiler whose words the `.stderr` files have. Another words the same errors a little differently.
const RUSTC: &str = "1.95.";

/// Names the folder to check, in the child that [`same_errors`] starts.
const FOLDER: &str = "ARIZE_UI_FOLDER";

#[test]
fn fail() {
    let version = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if let Ok(folder) = std::env::var(FOLDER) {
        trybuild::TestCases::new().compile_fail(format!("{folder}/*.rs"));
    } else if version
        .split(' ')
        .nth(1)
        .is_some_and(|v| v.starts_with(RUSTC))
    {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        same_errors(&version);
    }
}

/// On another compiler: each file fails with the same error lines, whatever is said around them.
fn same_errors(version: &str) {
    let ours = Path::new("ui/fail");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(&copy).unwrap();
    let files = || {
        std::fs::read_dir(ours)
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    for file in files().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["fail", "--exact"])
        .env("TRYBUILD", "overwrite")
        .env(FOLDER, &copy)
        .status()
        .unwrap();
    assert!(child.success());
    for file in files().filter(|file| file.extension().is_some_and(|e| e == "stderr")) {
        let errors = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            let mut errors: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with("error"))
                .map(str::to_owned)
                .collect();
            errors.sort();
            errors
        };
        let theirs = copy.join(file.file_name().unwrap());
        assert_eq!(
            errors(&theirs),
            errors(&file),
            "{} on {version}",
            file.display()
        );
    }
}
