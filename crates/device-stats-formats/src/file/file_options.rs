//! The options of a reader of files: everything that the content of a file does not determine.

use std::str::FromStr;

use device_stats_domain::DeviceId;

use super::column_map::ColumnMap;
use super::file_times::TimeOptions;
use super::text_encoding::TextEncoding;

/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Columns with names of their own.
    pub columns: ColumnMap,
    /// Delimiter of CSV; `None` means the recognized delimiter, which gives a header with all columns.
    pub delimiter: Option<Delimiter>,
    /// First character of the lines of CSV that are comments; `None` means that there are no comments.
    pub comment: Option<CommentMark>,
    /// Decimal mark of numbers that are texts.
    pub decimal_mark: DecimalMark,
    /// Forms of times.
    pub times: TimeOptions,
    /// Encoding of text files; `None` means UTF-8, or the encoding of a byte order mark.
    pub encoding: Option<TextEncoding>,
    /// The device of all rows, in files without a column for it.
    pub device: Option<DeviceId>,
    /// Whether other columns are ignored. A column that is probably the time is not ignored if there is no
    /// other time.
    pub ignores_unknown: bool,
    /// Whether such a column is ignored, too.
    pub ignores_times: bool,
}

/// Decimal mark of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1.5`
    #[default]
    Point,
    /// `1,5`
    Comma,
}

impl DecimalMark {
    /// Returns a number as text with this mark.
    pub(super) fn text(self, number: f64) -> String {
        let text = number.to_string();
        if self == Self::Comma { text.replacen('.', ",", 1) } else { text }
    }
}

impl FromStr for DecimalMark {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            _ => Err("the decimal mark is '.' or ','"),
        }
    }
}

/// Delimiter of the cells of CSV: one ASCII character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(u8);

impl Delimiter {
    /// Delimiters that are recognized, in the order of preference.
    pub(super) const USUAL: [Self; 4] = [Self(b','), Self(b';'), Self(b'\t'), Self(b'|')];
    /// The delimiter of `.tsv` files.
    pub(super) const TAB: Self = Self(b'\t');

    pub(super) fn byte(self) -> u8 {
        self.0
    }

    /// Returns the delimiter as [`FromStr`] reads it.
    pub fn name(self) -> String {
        if self == Self::TAB { "tab".to_owned() } else { char::from(self.0).to_string() }
    }
}

impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self::TAB),
            [byte] if (byte.is_ascii_punctuation() || matches!(byte, b' ' | b'\t')) && *byte != b'"' => {
                Ok(Self(*byte))
            }
            _ => {
                Err("the delimiter is one ASCII character that is no letter, digit or quote, or the word tab")
            }
        }
    }
}

/// First character of a comment in CSV: one ASCII character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommentMark(u8);

impl CommentMark {
    /// The usual mark.
    pub(super) const HASH: Self = Self(b'#');

    pub(super) fn byte(self) -> u8 {
        self.0
    }

    /// Returns the mark as [`FromStr`] reads it.
    pub fn name(self) -> String {
        char::from(self.0).to_string()
    }
}

impl FromStr for CommentMark {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() && !matches!(byte, b'"' | b',' | b'-' | b'+' | b'.') => {
                Ok(Self(*byte))
            }
            _ => Err("expected one ASCII character that no cell begins with, such as # or %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_mark_is_one_character() {
        for text in ["#", "%", "!", ";"] {
            assert_eq!(text.parse::<CommentMark>().unwrap().name(), text);
        }
        for text in ["", "##", "a", "1", "-", "\"", " ", "ä"] {
            assert!(text.parse::<CommentMark>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_delimiter_is_one_character_or_a_word() {
        for (text, byte) in
            [(";", b';'), ("tab", b'\t'), ("\\t", b'\t'), ("\t", b'\t'), ("|", b'|'), (" ", b' ')]
        {
            assert_eq!(text.parse::<Delimiter>().unwrap().byte(), byte, "{text:?}");
        }
        for text in ["", "\"", "a", "7", ";;", "\n", "ä", "semicolon"] {
            assert!(text.parse::<Delimiter>().is_err(), "{text:?}");
        }
        for delimiter in Delimiter::USUAL {
            assert_eq!(delimiter.name().parse(), Ok(delimiter));
        }
    }
}
