//! The amount of an export that has been received: readings if the format has lines, otherwise bytes.

use std::fmt;

use serde_json::{Value, json};

use super::format::Format;
use crate::command::progress::{Unit, per_second};

/// The received amount.
pub(super) struct Received {
    format: Format,
    bytes: u64,
    lines: u64,
}

impl Received {
    /// Returns the amount zero.
    pub(super) fn new(format: Format) -> Self {
        Self { format, bytes: 0, lines: 0 }
    }

    /// Adds received bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.lines += bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
    }

    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the number of readings or bytes.
    pub(super) fn amount(&self) -> u64 {
        match self.format.header_lines() {
            Some(header_lines) => self.lines.saturating_sub(header_lines),
            None => self.bytes,
        }
    }

    /// Describes the amount and its rate.
    pub(super) fn summary(&self, seconds: f64) -> String {
        let rate = per_second(self.amount(), seconds);
        format!("{self} in {seconds:.1} s ({rate:.0} {}/s)\n", self.unit().name())
    }

    /// Returns the amount and its duration, under the name of its unit.
    pub(super) fn to_json(&self, seconds: f64) -> Value {
        json!({ self.unit().name(): self.amount(), "seconds": seconds })
    }

    fn unit(&self) -> Unit {
        self.format.unit()
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.unit().name())
    }
}
