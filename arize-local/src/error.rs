//! Why a run could not start.

use std::fmt;

/// Why a run could not start: one line that says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Causes from elsewhere may have several lines.
        f.write_str(&self.0.replace('\n', " "))
    }
}

impl std::error::Error for StartError {}

impl From<String> for StartError {
    fn from(message: String) -> Self {
        Self(message)
    }
}
