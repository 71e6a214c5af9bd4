//! The benches run, and every design delivers each span to its space. How fast is not asked here.

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
