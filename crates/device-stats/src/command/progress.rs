//! The progress bar of `import`, `export` and `bench load` on a terminal.

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

/// Unit of the amount that a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Readings.
    Readings,
    /// Bytes.
    Bytes,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Bytes => "bytes",
        }
    }
}

/// A progress bar on stderr; hidden if stderr is not a terminal. Without an expected total it is a spinner.
pub(super) struct Progress {
    bar: ProgressBar,
    unit: Unit,
    started: Instant,
}

impl Progress {
    /// Shows a bar that has made no progress.
    pub(super) fn new(unit: Unit) -> Self {
        Self::on(ProgressBar::no_length(), unit)
    }

    /// Returns a bar that is never shown.
    pub(super) fn hidden(unit: Unit) -> Self {
        Self::on(ProgressBar::hidden(), unit)
    }

    fn on(bar: ProgressBar, unit: Unit) -> Self {
        let progress = Self { bar, unit, started: Instant::now() };
        progress.set_template("{spinner} {msg}, {elapsed}");
        progress.set_amount(0);
        progress
    }

    fn set_template(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Sets the final position. After this call, the bar shows the remaining time.
    pub(super) fn expect(&self, total: u64) {
        self.bar.set_length(total);
        self.set_template("{bar:30} {percent}%, {msg}, {eta} left");
    }

    /// Returns a reader of a file. The bar advances by the bytes that it reads.
    pub(super) fn track(&self, file: File) -> impl Read + use<> {
        self.bar.wrap_read(file)
    }

    /// Sets the position of the bar, in the unit of [`Self::expect`].
    pub(super) fn set_position(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Advances the bar, in the unit of [`Self::expect`].
    pub(super) fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// Shows an amount and its mean rate.
    pub(super) fn set_amount(&self, amount: u64) {
        let rate = per_second(amount, self.started.elapsed().as_secs_f64());
        self.bar.set_message(match self.unit {
            Unit::Readings => format!("{} readings, {rate:.0}/s", HumanCount(amount)),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
            Unit::Bytes => format!("{}, {}/s", HumanBytes(amount), HumanBytes(rate as u64)),
        });
    }

    /// Starts again at zero.
    pub(super) fn restart(&mut self) {
        self.started = Instant::now();
        self.bar.reset();
        self.set_amount(0);
    }

    /// Removes the bar from the terminal.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Returns an approximate rate, to be shown to people.
pub(super) fn per_second(amount: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let amount = amount as f64;
    amount / seconds.max(f64::MIN_POSITIVE)
}
