//! How far an export is, on a terminal, and how far it came.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Readings, by their lines; some of the first lines are none.
    Readings { header_lines: u64 },
    /// Bytes, where readings cannot be told from each other.
    Bytes,
}

/// Counts what arrives; a line on stderr shows it, where that is a terminal.
pub(super) struct Progress {
    line: ProgressBar,
    unit: Unit,
    /// Lines or bytes.
    counted: u64,
    /// Bytes, whatever is counted.
    bytes: u64,
}

impl Progress {
    /// Starts.
    pub(super) fn new(is_shown: bool, unit: Unit) -> Self {
        let line = if is_shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let progress = Self { line, unit, counted: 0, bytes: 0 };
        progress.show(match unit {
            Unit::Readings { .. } => "{spinner} {human_pos} readings, {rate}, {elapsed}",
            Unit::Bytes => "{spinner} {bytes}, {bytes_per_sec}, {elapsed}",
        });
        progress
    }

    /// Whether it is of use to know how much will arrive: somebody looks, and readings are told from each other.
    pub(super) fn can_show_end(&self) -> bool {
        !self.line.is_hidden() && matches!(self.unit, Unit::Readings { .. })
    }

    /// So many readings will arrive from now on, unless some come or go meanwhile. The time left is shown, too, then.
    pub(super) fn expect(&self, readings: u64) {
        self.line.reset();
        self.line.set_length(readings);
        self.show("{bar:30} {percent}%, {human_pos} readings, {rate}, {eta} left");
    }

    fn show(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.line.set_style(style.with_key("rate", rate));
        }
    }

    /// These bytes have been written.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        let count = match self.unit {
            Unit::Readings { .. } => bytes.split(|byte| *byte == b'\n').count() - 1,
            Unit::Bytes => bytes.len(),
        };
        self.counted += count as u64;
        self.bytes += bytes.len() as u64;
        self.line.set_position(self.so_far().0);
    }

    /// How many bytes have been written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything is going to be written again.
    pub(super) fn begin_anew(&mut self) {
        (self.counted, self.bytes) = (0, 0);
        self.line.reset();
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.line.finish_and_clear();
    }

    /// How much has been written, of what.
    fn so_far(&self) -> (u64, &'static str) {
        match self.unit {
            Unit::Readings { header_lines } => (self.counted.saturating_sub(header_lines), "readings"),
            Unit::Bytes => (self.counted, "bytes"),
        }
    }

    /// How much has been written, for people.
    pub(super) fn count(&self) -> String {
        let (count, what) = self.so_far();
        format!("{count} {what}")
    }

    /// The same, and how fast.
    pub(super) fn summary(&self, seconds: f64) -> String {
        let (count, what) = self.so_far();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = count as f64 / seconds.max(f64::MIN_POSITIVE);
        format!("{count} {what} in {seconds:.1} s ({rate:.0} {what}/s)\n")
    }
}

/// Readings of a second, for people.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    // A line that cannot be written is not shown.
    let _ = write!(text, "{:.0}/s", state.per_sec());
}
