//! A process beside the bench, so that its work is not counted as the bench's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Result;

/// This program again, with other arguments. It answers each line on its stdin with one on its
/// stdout, and ends when its stdin is closed.
#[derive(Debug)]
pub struct Helper {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts this program with `arguments` and without the variables that configure exporters.
    ///
    /// # Errors
    /// The process cannot be started.
    ///
    /// # Panics
    /// Never: both ends are piped.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("OTEL_") || text.starts_with("ARIZE_") {
                command.env_remove(&name);
            }
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, answers })
    }

    /// The next line that it says.
    ///
    /// # Errors
    /// It has ended.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("a helper process ended early; its error is above".into());
        }
        Ok(line)
    }

    /// Says a line, and gives the answer.
    ///
    /// # Errors
    /// It has ended.
    ///
    /// # Panics
    /// Never: its stdin is open until the drop.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        let mut stdin = self
            .child
            .stdin
            .as_ref()
            .expect("it is open until the drop");
        writeln!(stdin, "{line}")?;
        self.line()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _status = self.child.wait(); // what it had to say was said before
    }
}
