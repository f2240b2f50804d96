//! Results of commands: tables for people, JSON for programs.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::stdout;
use crate::settings::OutputForm;

/// Prints a result: as JSON, or as the text that the function returns.
///
/// # Errors
/// If the text cannot be made, or stdout cannot be written.
pub(super) fn print(
    form: OutputForm,
    result: &impl Serialize,
    to_text: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    match form {
        OutputForm::Text => stdout::print(&to_text()?),
        OutputForm::Json => print_json(result),
    }
}

/// Prints one line of JSON.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn print_json(result: &impl Serialize) -> anyhow::Result<()> {
    stdout::print(&format!("{}\n", serde_json::to_string(result)?))
}

/// Returns a table without rows. Numbers are aligned to the right.
pub(super) fn table(header: &[&str], numbers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    for (name, column) in header.iter().zip(table.column_iter_mut()) {
        if numbers.contains(name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Returns a text with its control characters escaped. Otherwise, a name could change the colours of the
/// terminal, or the lines of a table.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("Pümp \"7\""), "Pümp \"7\"");
        assert_eq!(visible("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
    }
}
