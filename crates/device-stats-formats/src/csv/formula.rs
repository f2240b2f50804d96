//! Cells that a spreadsheet would evaluate as a formula: texts that begin with `=`, `+`, `-` or `@` and are
//! not numbers. They are written with an apostrophe in front, which makes them text, and read without it.
//!
//! A text that already has apostrophes before such a character gets one more, so that reading restores every
//! text. (OWASP, "CSV Injection".)

use std::borrow::Cow;

/// Returns a text as a cell that no spreadsheet evaluates.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// Returns the text of a cell, as it was before [`escape`].
pub(crate) fn unescape(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(cell)
}

/// Returns whether a text, without apostrophes in front, begins like a formula and is not a number.
fn is_formula(text: &str) -> bool {
    let plain = text.trim_start_matches('\'');
    let is_number = plain.len() == text.len() && plain.parse().is_ok_and(f64::is_finite);
    plain.starts_with(['=', '+', '-', '@']) && !is_number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_become_text() {
        for (text, cell) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+cmd", "'+cmd"),
            ("-a", "'-a"),
            ("@SUM(1)", "'@SUM(1)"),
            ("'=1", "''=1"),
            ("-inf", "'-inf"),
            ("-7", "-7"),
            ("+1.5e3", "+1.5e3"),
            ("pump-7", "pump-7"),
            ("'a", "'a"),
            ("", ""),
        ] {
            assert_eq!(escape(text), cell);
            assert_eq!(unescape(cell), text);
        }
        // `escape` never writes this cell, but it is unambiguous.
        assert_eq!(unescape("=1+1"), "=1+1");
    }

    proptest! {
        #[test]
        fn every_text_is_restored(text in "'{0,2}[=+@a1-]?[a-z0-9'.=-]{0,4}") {
            let cell = escape(&text);
            prop_assert_eq!(unescape(&cell), &text);
            let runs = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
            prop_assert!(!runs, "{}", cell);
        }
    }
}
