//! Rules of the house that no compiler checks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// In the runtime files are layers: each imports only from those that `lib.rs` lists above it.
#[test]
fn runtime_files_import_only_from_lower_layers() {
    let lib = read("arize-runtime/src/lib.rs");
    let layers: Vec<&str> = lib
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .collect();
    assert!(layers.len() > 10, "the layers are in lib.rs");
    let mut wrong = Vec::new();
    for (height, layer) in layers.iter().enumerate() {
        for file in sources(&root().join("arize-runtime/src"), layer) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code: String = text.lines().filter(|line| !is_comment(line)).collect();
            // `$crate` stands where a macro is used
            let code = code.replace("$crate::", "");
            let imports = code.split("crate::").skip(1).filter_map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
            });
            for import in imports {
                if layers[height + 1..].contains(&import) {
                    wrong.push(format!("{} imports {import}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn sources(src: &Path, layer: &str) -> Vec<PathBuf> {
    let mut files = vec![src.join(format!("{layer}.rs"))];
    if let Ok(folder) = std::fs::read_dir(src.join(layer)) {
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    files.into_iter().filter(|file| file.is_file()).collect()
}

/// Only the export engine, its registration, the tracer and the capture of tests know the SDK.
#[test]
fn the_sdk_stays_where_it_belongs() {
    let allowed = [
        "export",
        "register",
        "register.rs",
        "testing.rs",
        "tracer.rs",
        "__private.rs",
    ];
    for entry in std::fs::read_dir(root().join("arize-runtime/src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_file() && !allowed.contains(&name.as_str()) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let mut code = text.lines().filter(|line| !is_comment(line));
            assert!(
                !code.any(|line| line.contains("opentelemetry_sdk")),
                "{name} names the SDK"
            );
        }
    }
}

#[test]
fn files_have_at_most_400_lines() {
    let listed = Command::new("git")
        .args(["ls-files", "*.rs"])
        .current_dir(root())
        .output();
    let Ok(listed) = listed else { return };
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        let lines = read(file).lines().count();
        assert!(lines <= 400, "{file} has {lines} lines");
    }
}

/// The stated minimal Rust version is not below what a dependency of a published crate asks for.
#[test]
fn the_minimal_rust_version_is_true() {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--filter-platform",
            &host,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().unwrap();
    let package = |id: &Value| {
        packages
            .iter()
            .find(|package| package["id"] == *id)
            .unwrap()
    };
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let published = ["arize-macros", "arize-runtime", "arize-local"];
    let mut open: Vec<&Value> = packages
        .iter()
        .filter(|p| published.contains(&p["name"].as_str().unwrap()))
        .map(|p| &p["id"])
        .collect();
    let stated = version(&package(open[0])["rust_version"]);
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.to_string()) {
            continue;
        }
        let wanted = version(&package(id)["rust_version"]);
        assert!(
            wanted <= stated,
            "{} wants {wanted:?}, stated is {stated:?}",
            package(id)["name"]
        );
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        let normal = |dep: &&Value| {
            dep["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|k| k["kind"].is_null())
        };
        open.extend(
            node["deps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(normal)
                .map(|dep| &dep["pkg"]),
        );
    }
    assert!(seen.len() > 50, "the dependencies were walked");
}

fn version(text: &Value) -> Vec<u32> {
    let text = text.as_str().unwrap_or("1.0");
    text.split('.')
        .map(|part| part.parse().unwrap())
        .take(2)
        .collect()
}

/// A library that only annotates builds nothing that sends spans.
#[test]
fn without_default_features_nothing_is_built_that_sends() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(
                "tree --locked --offline --package arize-runtime --edges normal --prefix none"
                    .split(' '),
            )
            .args(features)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let names = String::from_utf8(output.stdout).unwrap();
        let names = names.lines().filter_map(|line| line.split(' ').next());
        names.map(str::to_owned).collect::<HashSet<_>>()
    };
    let sends = [
        "hyper",
        "tonic",
        "rustls",
        "prost",
        "opentelemetry-proto",
        "flate2",
        "tokio-macros",
    ];
    let (all, annotates) = (tree(&[]), tree(&["--no-default-features"]));
    for name in sends {
        assert!(all.contains(name), "{name}");
        assert!(!annotates.contains(name), "{name}");
    }
}
