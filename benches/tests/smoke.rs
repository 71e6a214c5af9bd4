//! The benches run, every design delivers each span to its space, and every peer makes the same spans.
//! How fast is not asked here.

use std::path::Path;
use std::process::Command;

/// The cells of a printed table's rows, without its head.
fn rows(program: &str, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new(program).args(arguments).output();
    let output = output.expect("the bench starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("a table is text");
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    let table = text.lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(cells).collect()
}

#[test]
fn w6_loses_and_misroutes_nothing() {
    let rows = rows(
        env!("CARGO_BIN_EXE_export"),
        &["w6", "--spaces", "3", "--spans", "200", "--runs", "1"],
    );
    let designs: Vec<&str> = rows.iter().map(|row| &*row[1]).collect();
    assert_eq!(designs, ["a", "b", "e", "ours", "ours-http"]);
    for row in &rows {
        let [.., lost, misrouted, spaces, _] = &row[..] else {
            panic!("a short row: {row:?}");
        };
        assert_eq!([lost, misrouted, spaces], ["0", "0", "3"], "{row:?}");
    }
}

#[test]
fn w5_tells_losses_of_each_exporter() {
    let arguments = ["w5", "--producers", "2", "--spans", "200", "--runs", "1"];
    let rows = rows(env!("CARGO_BIN_EXE_export"), &arguments);
    let exporters: Vec<[&str; 3]> = rows
        .iter()
        .map(|row| [&*row[1], &row[2], &row[8]])
        .collect();
    let expected = ["sdk", "ours"].map(|who| [[who, "default", "0"], [who, "as the burst", "0"]]);
    assert_eq!(exporters, expected.concat());
}

#[test]
fn a_short_soak_holds_what_it_promises() {
    for protocol in [&[][..], &["--http"]] {
        let soak = Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["--seconds", "6"])
            .args(protocol)
            .output();
        let soak = soak.expect("the soak starts");
        let text = String::from_utf8_lossy(&soak.stdout);
        assert!(soak.status.success(), "{protocol:?}: {text}");
        assert!(text.ends_with("good: all held\n"), "{text}");
    }
}

fn column(rows: &[Vec<String>], at: usize) -> Vec<&str> {
    rows.iter().map(|row| &*row[at]).collect()
}

/// Each process checks its peer's spans before it answers.
#[test]
fn every_peer_makes_the_same_spans() {
    let mut peers = vec!["none", "floor", "raw", "raw-safe", "tracing-json"];
    if cfg!(feature = "fastrace") {
        peers.push("fastrace");
    }
    peers.push("arize");
    let save = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calls.json");
    let arguments = [
        &["--built", "--no-instructions", "--rounds", "1"][..],
        &["--chunks", "1", "--millis", "1"],
        &["--peers", &peers.join(",")],
        &["--save", save.to_str().expect("the path is text")],
    ];
    let mut rows = rows(env!("CARGO_BIN_EXE_calls"), &arguments.concat());
    // the heads of all tables but the first
    rows.retain(|row| row[1] != "peer" && !row[1].starts_with('-'));
    let names = column(&rows, 1);
    assert_eq!(names[..5 * peers.len()], peers.repeat(5), "w1 to w4");
    let small = [&["none", "raw-safe", "arize"][..]; 2].concat();
    let large = ["none", "floor", "raw-safe", "arize"];
    assert_eq!(names[5 * peers.len()..], [small, large.to_vec()].concat());

    let table = write_table(&save);
    assert!(
        table.starts_with("above\n<!-- benches: begin -->\n\nInstructions"),
        "{table}"
    );
    assert!(table.contains("| **ours** | 6 allocations |"), "{table}");
    assert!(table.contains("| **`#[tool]`** |"), "{table}");
    assert!(
        table.ends_with("\n<!-- benches: end -->\nbelow\n"),
        "{table}"
    );
}

/// The README's table of these figures and of functions that were only checked.
fn write_table(calls: &Path) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (compile, file) = (folder.join("compile.json"), folder.join("table.md"));
    let variants = rows_of_compile(&compile);
    assert_eq!(
        column(&variants, 1),
        [
            "none",
            "tool",
            "tool-skip-all",
            "tracing-stock",
            "tracing-json"
        ]
    );
    std::fs::write(
        &file,
        "above\n<!-- benches: begin -->\nold\n<!-- benches: end -->\nbelow\n",
    )
    .expect("the folder can be written");
    let table = Command::new(env!("CARGO_BIN_EXE_table"))
        .arg("--calls")
        .arg(calls)
        .arg("--compile")
        .arg(compile)
        .arg("--into")
        .arg(&file)
        .output();
    let table = table.expect("the bench starts");
    assert!(table.status.success(), "{table:?}");
    std::fs::read_to_string(file).expect("it was written")
}

fn rows_of_compile(save: &Path) -> Vec<Vec<String>> {
    let save = save.to_str().expect("the path is text");
    let small = [
        "--functions",
        "6",
        "--rounds",
        "1",
        "--stages",
        "check",
        "--no-trees",
    ];
    let variants = [
        "--variants",
        "none,tool,tool-skip-all,tracing-stock,tracing-json",
    ];
    rows(
        env!("CARGO_BIN_EXE_compile"),
        &[&small[..], &variants, &["--save", save]].concat(),
    )
}
