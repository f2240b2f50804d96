//! The reason for refusing an email address.

use std::borrow::Cow;

/// The reason for refusing an email address: a sentence with the wording of email-validator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEmail(Cow<'static, str>);

impl InvalidEmail {
    pub(crate) fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }
}

/// Returns `1 character too many`, `2 characters too many` and so on.
pub(crate) fn too_many(count: usize, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} too many")
}
