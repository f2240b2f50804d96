//! A column of texts, in each of the ways in which Arrow keeps them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::DataType;

/// Whether a column of that type holds texts.
pub fn holds_texts(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_plain(values),
        other => is_plain(other),
    }
}

fn is_plain(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The column.
pub enum Texts<'a> {
    /// Each row has its own.
    Plain(Plain<'a>),
    /// Rows have positions in a list of texts.
    Dictionary { column: &'a ArrayRef, positions: Vec<usize>, values: Plain<'a> },
}

/// Texts that lie one behind the other.
pub enum Plain<'a> {
    Short(&'a StringArray),
    Long(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// `None` where it holds no texts.
    pub fn of(column: &'a ArrayRef) -> Option<Self> {
        let Some(dictionary) = column.as_any_dictionary_opt() else {
            return Plain::of(column).map(Self::Plain);
        };
        let values = Plain::of(dictionary.values())?;
        // Where there is no text, all rows are without.
        let positions =
            if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        Some(Self::Dictionary { column, positions, values })
    }

    /// One of them, where it is not absent.
    pub fn read(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(texts) => texts.read(row),
            Self::Dictionary { values, .. } => values.read(self.position(row)?),
        }
    }

    /// Where the text of a row lies in the list of texts, if there is one.
    pub fn position(&self, row: usize) -> Option<usize> {
        match self {
            Self::Plain(_) => None,
            Self::Dictionary { column, positions, .. } => {
                positions.get(row).copied().filter(|_| !column.is_null(row))
            }
        }
    }
}

impl<'a> Plain<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => Some(Self::Short(column.as_string())),
            DataType::LargeUtf8 => Some(Self::Long(column.as_string())),
            DataType::Utf8View => Some(Self::View(column.as_string_view())),
            _ => None,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Short(texts) => texts.len(),
            Self::Long(texts) => texts.len(),
            Self::View(texts) => texts.len(),
        }
    }

    fn read(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Short(texts) => (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row)),
            Self::Long(texts) => (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row)),
            Self::View(texts) => (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row)),
        }
    }
}
