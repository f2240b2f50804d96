//! How far an import is, on a terminal.

use std::fs::File;
use std::io::{self, Read};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on stderr; nothing where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Starts.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The file, whose bytes are counted as they are read.
    ///
    /// # Errors
    /// Those of asking for its size.
    pub(super) fn of(&self, file: File) -> io::Result<impl Read + use<>> {
        self.0.set_length(file.metadata()?.len());
        Ok(self.0.wrap_read(file))
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
