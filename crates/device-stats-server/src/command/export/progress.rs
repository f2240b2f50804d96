//! How far an export is, on a terminal, and how far it came.

use indicatif::{ProgressBar, ProgressStyle};

/// Counts readings by their lines; a line on stderr shows them, where that is a terminal.
pub(super) struct Progress {
    line: ProgressBar,
    lines: u64,
    header_lines: u64,
}

impl Progress {
    /// Starts, for a text that has so many lines that are no readings.
    pub(super) fn new(is_shown: bool, header_lines: u64) -> Self {
        let line = if is_shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {human_pos} readings, {per_sec}, {elapsed}")
        {
            line.set_style(style);
        }
        Self { line, lines: 0, header_lines }
    }

    /// These bytes have been written.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        self.lines += u64::try_from(lines).unwrap_or(u64::MAX);
        self.line.set_position(self.readings());
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.line.finish_and_clear();
    }

    /// How many readings have been written.
    pub(super) fn readings(&self) -> u64 {
        self.lines.saturating_sub(self.header_lines)
    }

    pub(super) fn summary(&self, seconds: f64) -> String {
        let readings = self.readings();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = readings as f64 / seconds.max(f64::MIN_POSITIVE);
        format!("{readings} readings in {seconds:.1} s ({rate:.0} readings/s)\n")
    }
}
