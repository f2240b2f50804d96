//! How far an import is, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on stderr; nothing where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Starts, for a file of that many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let bar = ProgressBar::new(bytes);
        let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So many bytes of the file have been sent.
    pub(super) fn advance_to(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
