//! Conditions of a statement that a caller combines as needed.

use rusqlite::ToSql;

/// Conditions that must all be met, and their values.
#[derive(Default)]
pub(crate) struct Conditions<'v> {
    text: String,
    values: Vec<&'v dyn ToSql>,
}

impl<'v> Conditions<'v> {
    /// Adds a condition. Each `@` in its text stands for the value.
    pub(crate) fn add(&mut self, condition: &str, value: &'v dyn ToSql) {
        let parameter = self.value(value);
        let separator = if self.text.is_empty() { "" } else { " AND " };
        self.text = format!("{}{separator}{}", self.text, condition.replace('@', &parameter));
    }

    /// Adds a value. Returns the parameter that stands for it.
    pub(crate) fn value(&mut self, value: &'v dyn ToSql) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// Returns the text of all conditions.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the values of all parameters.
    pub(crate) fn values(&self) -> &[&'v dyn ToSql] {
        &self.values
    }
}
