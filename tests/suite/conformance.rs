//! `CONFORMANCE.md`: every recorded case of the Python reference has its line, and every test that a line
//! names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The test that runs the requests of the fixtures.
const REQUESTS: &str = "each_recorded_request_lands_where_it_belongs";

/// A line of the table.
struct Line<'a> {
    case: &'a str,
    verdict: &'a str,
    tests: Vec<&'a str>,
    why: &'a str,
}

fn table() -> Vec<Line<'static>> {
    let lines = include_str!("../CONFORMANCE.md").lines();
    let rows = lines.filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect());
    let unquoted = |cell: &'static str| cell.trim_matches('`');
    cells
        .map(|cells: Vec<&str>| {
            let [case, verdict, tests, why] = cells[..] else {
                panic!("four columns: {cells:?}");
            };
            let tests = tests.split(", ").filter(|test| !test.is_empty());
            Line {
                case: unquoted(case),
                verdict,
                tests: tests.map(unquoted).collect(),
                why,
            }
        })
        .collect()
}

/// The cases that were recorded, a group a line.
fn recorded() -> BTreeSet<String> {
    let groups = include_str!("../fixtures/recorded.txt").lines();
    let of_group = |line: &str| {
        let (group, names) = line.split_once(": ").unwrap();
        let names = names.split(' ');
        names
            .map(|name| format!("{group}.{name}"))
            .collect::<Vec<_>>()
    };
    groups.flat_map(of_group).collect()
}

/// The names of all tests of the workspace.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names = BTreeSet::new();
    for folder in ["arize-runtime", "arize-local", "arize-macros", "tests"] {
        for file in sources(&root.join(folder)) {
            add_tests_of(&std::fs::read_to_string(file).unwrap(), &mut names);
        }
    }
    names
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.extension() {
            Some(extension) if extension == "rs" => vec![path],
            _ if path.is_dir() && !path.ends_with("target") => sources(&path),
            _ => vec![],
        })
        .collect()
}

/// Functions under `#[test]` or `#[tokio::test]`, and what `over_both!` makes tests of.
fn add_tests_of(source: &str, names: &mut BTreeSet<String>) {
    let (mut is_test, mut is_list) = (false, false);
    for line in source.lines().map(str::trim) {
        match line {
            "over_both! {" => is_list = true,
            "}" => is_list = false,
            name if is_list => {
                names.insert(name.trim_end_matches(',').to_owned());
            }
            _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => is_test = true,
            _ if is_test => {
                if let Some((_, function)) = line.split_once("fn ") {
                    let name = function.split('(').next();
                    names.extend(name.map(str::to_owned));
                    is_test = false;
                }
            }
            _ => {}
        }
    }
}

#[test]
fn every_recorded_case_has_one_line() {
    let mut missing = recorded();
    assert_eq!(missing.len(), 175);
    for line in table() {
        let was_missing = missing.remove(line.case);
        assert!(
            was_missing,
            "`{}` was not recorded, or is there twice",
            line.case
        );
    }
    assert!(missing.is_empty(), "no line for {missing:?}");
}

#[test]
fn every_line_has_a_test_that_exists_or_says_why_not() {
    let tests = tests();
    assert!(tests.contains(REQUESTS) && tests.len() > 200);
    let mut counts = BTreeMap::new();
    for line in table() {
        *counts.entry(line.verdict).or_insert(0) += 1;
        let (is_shown, is_explained) = (!line.tests.is_empty(), !line.why.is_empty());
        let is_complete = match line.verdict {
            "same" => is_shown,
            "better" => is_shown && is_explained,
            "not meaningful in Rust" | "left out" => is_explained,
            other => panic!("{}: the verdict `{other}` is unknown", line.case),
        };
        assert!(
            is_complete,
            "{}: the test or the reason is missing",
            line.case
        );
        for test in line.tests {
            assert!(tests.contains(test), "{}: no test `{test}`", line.case);
        }
    }
    println!("{counts:?}");
}

#[derive(Deserialize)]
struct Request {
    id: String,
    /// Why ours is better, where it is.
    better: Option<String>,
}

#[test]
fn the_lines_of_requests_are_those_of_the_fixtures() {
    let requests = include_str!("../fixtures/requests.jsonl").lines();
    let requests: BTreeMap<_, _> = requests
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|request: Request| (request.id, request.better))
        .collect();
    for line in table() {
        let Some(better) = requests.get(line.case) else {
            continue;
        };
        assert!(line.tests.contains(&REQUESTS), "{}", line.case);
        assert_eq!(
            better.as_deref().unwrap_or_default(),
            line.why,
            "{}",
            line.case
        );
    }
}
