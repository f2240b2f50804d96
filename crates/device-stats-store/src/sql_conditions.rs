//! Conditions of an SQL statement that a caller combines as needed, for the stores with an SQL database.

/// Conditions that must all be met, and their values. `V` is the type of a value in the library of the
/// database.
pub struct SqlConditions<'v, V: ?Sized + 'v> {
    /// The character before the number of a parameter.
    sigil: char,
    text: String,
    values: Vec<&'v V>,
}

impl<'v, V: ?Sized + 'v> SqlConditions<'v, V> {
    /// Returns no conditions. The database writes its first parameter as `sigil` and 1.
    pub fn new(sigil: char) -> Self {
        Self { sigil, text: String::new(), values: Vec::new() }
    }

    /// Adds a condition. Each `@` in its text stands for the value.
    pub fn add(&mut self, condition: &str, value: &'v V) {
        let parameter = self.value(value);
        let separator = if self.text.is_empty() { "" } else { " AND " };
        self.text = format!("{}{separator}{}", self.text, condition.replace('@', &parameter));
    }

    /// Adds a value. Returns the parameter that stands for it.
    pub fn value(&mut self, value: &'v V) -> String {
        self.values.push(value);
        format!("{}{}", self.sigil, self.values.len())
    }

    /// Returns the clause with all conditions; an empty text if there are none.
    pub fn clause(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!("WHERE {}", self.text) }
    }

    /// Returns the values of all parameters.
    pub fn values(&self) -> &[&'v V] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_has_the_parameter_of_its_value() {
        let mut conditions: SqlConditions<'_, str> = SqlConditions::new('$');
        assert_eq!(conditions.clause(), "");
        conditions.add("id > @", "a");
        conditions.add("(name = @ OR email = @)", "b");
        assert_eq!(conditions.value("c"), "$3");
        assert_eq!(conditions.clause(), "WHERE id > $1 AND (name = $2 OR email = $2)");
        assert_eq!(conditions.values(), ["a", "b", "c"]);
    }
}
