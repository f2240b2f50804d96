//! A column of text, in each of Arrow's layouts.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::DataType;

/// Returns whether a column of this type holds text.
pub(crate) fn holds_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text_array(values),
        other => is_text_array(other),
    }
}

fn is_text_array(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A column of text.
pub(crate) enum TextColumn<'a> {
    /// Each row has a text of its own.
    Array(TextArray<'a>),
    /// Each row has a position in a list of texts.
    Dictionary {
        /// The column, for its nulls.
        column: &'a ArrayRef,
        /// Position in `values` of each row; empty if there are no values.
        positions: Vec<usize>,
        /// The texts.
        values: TextArray<'a>,
    },
}

/// An array of texts.
pub(crate) enum TextArray<'a> {
    /// `Utf8`.
    Utf8(&'a StringArray),
    /// `LargeUtf8`.
    LargeUtf8(&'a LargeStringArray),
    /// `Utf8View`.
    Utf8View(&'a StringViewArray),
}

impl<'a> TextColumn<'a> {
    /// Wraps a column; `None` if it does not hold text.
    pub(crate) fn new(column: &'a ArrayRef) -> Option<Self> {
        let Some(dictionary) = column.as_any_dictionary_opt() else {
            return TextArray::new(column).map(Self::Array);
        };
        let values = TextArray::new(dictionary.values())?;
        // `normalized_keys` panics if there are no values. In that case, all rows are null.
        let positions =
            if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        Some(Self::Dictionary { column, positions, values })
    }

    /// Returns the text of a row; `None` if it is null.
    pub(crate) fn read(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Array(texts) => texts.read(row),
            Self::Dictionary { values, .. } => values.read(self.position(row)?),
        }
    }

    /// Returns the position of a row's text in the dictionary; `None` if the row is null or the column has no
    /// dictionary.
    pub(crate) fn position(&self, row: usize) -> Option<usize> {
        match self {
            Self::Array(_) => None,
            Self::Dictionary { column, positions, .. } => {
                positions.get(row).copied().filter(|_| column.is_valid(row))
            }
        }
    }
}

impl<'a> TextArray<'a> {
    fn new(column: &'a ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => Some(Self::Utf8(column.as_string())),
            DataType::LargeUtf8 => Some(Self::LargeUtf8(column.as_string())),
            DataType::Utf8View => Some(Self::Utf8View(column.as_string_view())),
            _ => None,
        }
    }

    /// Returns the number of texts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Utf8(texts) => texts.len(),
            Self::LargeUtf8(texts) => texts.len(),
            Self::Utf8View(texts) => texts.len(),
        }
    }

    /// Returns a text; `None` if it is null.
    fn read(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::LargeUtf8(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Utf8View(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}
