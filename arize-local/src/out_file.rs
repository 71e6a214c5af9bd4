//! Files that are written while a run goes on.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::StartError;

/// A file that is written bit by bit. Its first error is kept for the end: a full disk must not end a run whose
/// report can still be printed.
#[derive(Debug)]
pub(crate) struct OutFile {
    path: PathBuf,
    file: BufWriter<File>,
    result: io::Result<()>,
}

impl OutFile {
    pub(crate) fn create(path: &Path) -> Result<Self, StartError> {
        let file = File::create(path).map_err(|error| {
            format!(
                "cannot write `{}`: {error}; name a file in a folder that is there",
                path.display()
            )
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            result: Ok(()),
        })
    }

    pub(crate) fn write(&mut self, text: &str) {
        if self.result.is_ok() {
            self.result = self.file.write_all(text.as_bytes());
        }
    }

    /// Brings everything to the file, or says why it is not whole.
    pub(crate) fn flush(&mut self) -> Result<(), StartError> {
        let written = std::mem::replace(&mut self.result, Ok(()));
        written.and_then(|()| self.file.flush()).map_err(|error| {
            let path = self.path.display();
            format!("cannot write `{path}`: {error}; free some space, or name a plain file").into()
        })
    }

    /// Ends the file, or says why it is not whole.
    pub(crate) fn finish(mut self) -> Result<(), StartError> {
        self.flush()
    }
}
