//! `device-stats config`: prints the settings in force.

use std::fmt::Write;

use serde_json::{Value, json};

use super::results;
use crate::settings::{Entry, OutputForm};

/// Prints one line per setting: `name = value  (source)`.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn print(entries: &[Entry], form: OutputForm) -> anyhow::Result<()> {
    let to_json = |Entry { name, value, source }: &Entry| json!({ "name": name, "value": value, "source": source.to_string() });
    let json: Value = entries.iter().map(to_json).collect();
    results::print(form, &json, || {
        let mut text = String::new();
        for Entry { name, value, source } in entries {
            let space = if value.is_empty() { "" } else { " " };
            writeln!(text, "{name} ={space}{value}  ({source})")?;
        }
        Ok(text)
    })
}
