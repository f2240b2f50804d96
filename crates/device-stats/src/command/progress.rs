//! How far readings are sent, on a terminal.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// A bar on stderr; nothing where that is no terminal.
pub(in crate::command) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Whether the length of the bar is a number of rows, and not of bytes.
    by_rows: Cell<bool>,
}

impl Progress {
    /// Starts.
    pub(in crate::command) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}%, {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now(), by_rows: Cell::new(false) }
    }

    /// The file, whose bytes are counted as they are read.
    ///
    /// # Errors
    /// Those of asking for its size.
    pub(in crate::command) fn of(&self, file: File) -> io::Result<impl Read + use<>> {
        self.bar.set_length(file.metadata()?.len());
        Ok(self.bar.wrap_read(file))
    }

    /// The file has that many rows, and is not read from its beginning to its end.
    pub(in crate::command) fn expect_rows(&self, rows: u64) {
        self.bar.set_length(rows);
        self.by_rows.set(true);
    }

    /// So many rows of the file are stored, of which this import has sent `sent`.
    pub(in crate::command) fn advance(&self, rows: u64, sent: u64) {
        if self.by_rows.get() {
            self.bar.set_position(rows);
        }
        let rate = per_second(sent, self.started.elapsed().as_secs_f64());
        self.bar.set_message(format!("{} readings, {rate:.0}/s", HumanCount(sent)));
    }

    /// Takes the bar away.
    pub(in crate::command) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A rate for people.
pub(in crate::command) fn per_second(count: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = count as f64;
    count / seconds.max(f64::MIN_POSITIVE)
}
