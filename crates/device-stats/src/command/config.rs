//! `device-stats config`: prints the settings in force.

use std::fmt::Write;

use super::stdout;
use crate::settings::Entry;

/// Prints one line per setting: `name = value  (source)`.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn print(entries: &[Entry]) -> anyhow::Result<()> {
    let mut text = String::new();
    for Entry { name, value, source } in entries {
        let space = if value.is_empty() { "" } else { " " };
        writeln!(text, "{name} ={space}{value}  ({source})")?;
    }
    stdout::print(&text)
}
