//! Counts in texts.

use std::fmt::Display;

/// Returns a count with its noun.
pub(super) fn plural<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let s = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{s}")
}
