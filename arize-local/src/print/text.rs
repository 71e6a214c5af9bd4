//! Texts for a terminal: of bounded length, harmless, and coloured or not.

use std::time::Duration;

/// How many columns a report may take.
pub(super) const WIDTH: usize = 100;

/// Breaks a text between words; `indent` stands before every line but the first, and is kept free on that.
pub(super) fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut column = indent.len();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent.len() {
            if column + 1 + length > WIDTH {
                lines.push('\n');
                lines.push_str(indent);
                column = indent.len();
            } else {
                lines.push(' ');
                column += 1;
            }
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

/// How much of a long text is shown, in characters and in lines.
const MAX_CHARS: usize = 2_000;
const MAX_LINES: usize = 60;

/// A long text as lines of at most `width` characters: its own lines, those that are too long broken.
///
/// Control characters are escaped, and what is too much is left out and counted.
pub(super) fn folded(text: &str, width: usize) -> Vec<String> {
    let shown: String = text.chars().take(MAX_CHARS).collect();
    let mut left_out = text.chars().skip(MAX_CHARS).count();
    let mut lines = Vec::new();
    for line in shown.lines() {
        let mut rest = escaped(line);
        while rest.chars().count() > width {
            let tail = rest.split_off(break_at(&rest, width));
            lines.push(std::mem::replace(&mut rest, tail).trim_end().to_owned());
        }
        lines.push(rest);
    }
    if lines.len() > MAX_LINES {
        let more = lines.drain(MAX_LINES..);
        left_out += more.map(|line| line.chars().count()).sum::<usize>();
    }
    if left_out > 0 {
        lines.push(format!("… {}", counted(left_out, "more character")));
    }
    lines
}

/// Where a line that is too long is broken, in bytes: after a space or a comma (JSON), unless that leaves half empty.
fn break_at(line: &str, width: usize) -> usize {
    let end = line
        .char_indices()
        .nth(width)
        .map_or(line.len(), |(at, _)| at);
    match line[..end].rfind([' ', ',']) {
        Some(at) if at > end / 2 => at + 1,
        _ => end,
    }
}

fn escaped(line: &str) -> String {
    line.chars().fold(String::new(), |mut text, c| {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
        text
    })
}

/// One line of at most `width` characters.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}

/// What an agent sends must not move the cursor or colour the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

pub(super) fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..1_000 => format!("{micros} µs"),
        micros @ ..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(super) fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_between_words() {
        let text = "word ".repeat(40);
        let wrapped = wrapped(&text, "     ");
        assert!(wrapped.lines().count() > 1);
        assert!(
            wrapped.lines().all(|line| line.chars().count() <= WIDTH),
            "{wrapped}"
        );
        assert!(
            wrapped
                .lines()
                .skip(1)
                .all(|line| line.starts_with("     word"))
        );
        assert_eq!(wrapped.split_whitespace().count(), 40);
    }

    #[test]
    fn an_agent_cannot_write_to_the_terminal() {
        assert_eq!(fit("a\x1b[31mb\nc", 20), "a [31mb c");
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        assert_eq!(duration(Duration::from_micros(412)), "412 µs");
        assert_eq!(duration(Duration::from_micros(12_600)), "12 ms");
        assert_eq!(duration(Duration::from_millis(1_234)), "1.23 s");
    }
}
