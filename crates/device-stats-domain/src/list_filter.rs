//! Filters of lists of users and devices.

use crate::limits::{DEVICE_ID_BYTES_MAX, SEARCH_TEXT_BYTES_MAX};
use crate::text::{self, InvalidText};
use crate::user::{UserId, Username};

/// Conditions on the users of a list. A user must meet all of them. `None` means no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// The username.
    pub username: Option<Username>,
    /// A part of the username or of the email address.
    pub text: Option<SearchText>,
}

/// Conditions on the devices of a list. A device must meet all of them. `None` means no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// The owner.
    pub user_id: Option<UserId>,
    /// The start of the `device_id`.
    pub prefix: Option<DeviceIdPrefix>,
    /// A part of the `device_id` or of the name.
    pub text: Option<SearchText>,
}

/// A text to search for: 1 to [`SEARCH_TEXT_BYTES_MAX`] bytes without NUL. The case of ASCII letters does not
/// matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// Makes a text to search for.
    ///
    /// # Errors
    /// [`InvalidText`] names the broken rule.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        text::check_present(text, SEARCH_TEXT_BYTES_MAX)?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Returns the text with lower-case ASCII letters.
    pub fn as_lower_case(&self) -> &str {
        &self.0
    }

    /// Returns whether a text contains this one.
    pub fn is_in(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains(&self.0)
    }
}

/// The start of a `device_id`, compared byte by byte: 1 to [`DEVICE_ID_BYTES_MAX`] bytes without NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdPrefix(String);

impl DeviceIdPrefix {
    /// Makes a prefix from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidText`] names the broken rule.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidText> {
        let prefix = prefix.into();
        text::check_present(&prefix, DEVICE_ID_BYTES_MAX)?;
        Ok(Self(prefix))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first text, compared byte by byte, that is after all texts with this prefix; `None` if
    /// there is no such text. So an index finds the texts with the prefix as one range.
    pub fn end(&self) -> Option<String> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if let Some(next) = (last..=char::MAX).nth(1) {
                end.push(next);
                return Some(end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("plant-1/", Some("plant-10")),
            ("a\u{7f}", Some("a\u{80}")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(DeviceIdPrefix::new(prefix).unwrap().end().as_deref(), end, "{prefix:?}");
        }
    }

    proptest! {
        #[test]
        fn exactly_the_texts_with_a_prefix_are_between_it_and_its_end(prefix in "[ab\u{10ffff}]{1,3}", text in "[abc\u{10ffff}]{0,5}") {
            let prefix = DeviceIdPrefix::new(prefix).unwrap();
            let is_inside = text.as_str() >= prefix.as_str() && prefix.end().is_none_or(|end| text < end);
            prop_assert_eq!(is_inside, text.starts_with(prefix.as_str()));
        }
    }

    #[test]
    fn only_the_case_of_ascii_letters_does_not_matter() {
        let is_in = |search: &str, text: &str| SearchText::new(search).unwrap().is_in(text);
        assert!(
            is_in("PUMP", "a pump") && is_in("p", "PUMP") && is_in("%", "50%") && is_in("\u{dc}", "\u{dc}")
        );
        assert!(!is_in("%", "pump") && !is_in("_", "pump") && !is_in("\u{fc}", "\u{dc}"));
    }
}
