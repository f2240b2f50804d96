//! The encoding of a text file, by its name.

use std::str::FromStr;

use encoding_rs::Encoding;

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(pub(super) &'static Encoding);

impl FromStr for TextEncoding {
    type Err = &'static str;

    /// Finds an encoding by a label of the WHATWG Encoding Standard, such as `windows-1252` or `utf-16le`.
    fn from_str(label: &str) -> Result<Self, Self::Err> {
        Encoding::for_label(label.as_bytes())
            .map(Self)
            .ok_or("the encoding is not known; examples are utf-8, utf-16le, windows-1252, iso-8859-15 and shift_jis")
    }
}
