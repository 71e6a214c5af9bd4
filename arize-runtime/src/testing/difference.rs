//! An expected text as it stands in a test, and how another differs from it.

/// Without the indentation that all lines share, the blank lines before and after, and white space at the
/// end of lines. Every line ends.
pub(super) fn dedent(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let lines = lines.iter().skip_while(|line| line.is_empty());
    let indents = lines.clone().filter(|line| !line.is_empty());
    let shared = indents.map(|line| indent(line)).min().unwrap_or_default();
    let mut dedented = String::with_capacity(text.len());
    for line in lines {
        dedented += line.get(shared..).unwrap_or_default();
        dedented.push('\n');
    }
    dedented
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Both texts as one: `-` before lines of the first alone, `+` before lines of the second alone.
pub(super) fn lines(expected: &str, captured: &str) -> String {
    let expected: Vec<&str> = expected.lines().collect();
    let captured: Vec<&str> = captured.lines().collect();
    let common = common_lines(&expected, &captured);
    let (mut e, mut c) = (0, 0);
    let mut text = String::new();
    while e < expected.len() || c < captured.len() {
        let both = e < expected.len() && c < captured.len();
        if both && expected[e] == captured[c] {
            text += &format!("  {}\n", expected[e]);
            (e, c) = (e + 1, c + 1);
        } else if c == captured.len()
            || (e < expected.len() && common[e + 1][c] >= common[e][c + 1])
        {
            text += &format!("- {}\n", expected[e]);
            e += 1;
        } else {
            text += &format!("+ {}\n", captured[c]);
            c += 1;
        }
    }
    text
}

/// How many lines the longest common subsequence has, of what is left from each pair of places on.
fn common_lines(a: &[&str], b: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_indentation_and_blank_ends_go() {
        let text = "\n\n        run [CHAIN]\n        ├─ a  \n           └─ b\n    \n";
        assert_eq!(dedent(text), "run [CHAIN]\n├─ a\n   └─ b\n");
        assert_eq!(dedent("a"), "a\n");
        assert_eq!(dedent(" \n"), "");
    }

    #[test]
    fn a_difference_keeps_the_order_of_both() {
        assert_eq!(
            lines("a\nb\nc\n", "a\nx\nc\nd\n"),
            "  a\n- b\n+ x\n  c\n+ d\n"
        );
        assert_eq!(lines("", "a\n"), "+ a\n");
        assert_eq!(lines("a\n", ""), "- a\n");
    }
}
