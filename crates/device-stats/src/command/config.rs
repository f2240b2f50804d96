//! `device-stats config`: the settings in force.

use std::fmt::Write;

use crate::settings::Entry;

/// Prints a line for each setting: `name = value  (source)`.
///
/// # Errors
/// Those of writing them.
pub(super) fn print(entries: &[Entry]) -> anyhow::Result<()> {
    let mut text = String::new();
    for Entry { name, value, source } in entries {
        let space = if value.is_empty() { "" } else { " " };
        writeln!(text, "{name} ={space}{value}  ({source})")?;
    }
    super::print(&text)
}
