//! `ETag`: the name of a state of a user or device, or of a form of a file (RFC 9110, section 8.8.3).

use axum::http::HeaderValue;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A strong entity tag: equal for equal content only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// Creates the tag of a content: the first half of the SHA-256 of its JSON, in quotation marks.
    #[expect(clippy::expect_used, reason = "a response is valid JSON")]
    pub(crate) fn of(content: &impl Serialize) -> Self {
        Self::of_bytes(&serde_json::to_vec(content).expect("valid JSON"))
    }

    /// Creates the tag of bytes: the first half of their SHA-256, in quotation marks.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let half = digest.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self(format!("\"{half:032x}\""))
    }

    /// Returns the tag with its quotation marks.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    #[expect(clippy::expect_used, reason = "hexadecimal digits in quotation marks are visible ASCII")]
    pub(crate) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("a tag is visible ASCII")
    }
}

/// Returns the tags of a list, with their prefixes `W/`; `None` if the list is invalid. A comma can be part
/// of a tag.
pub(crate) fn parse_tags(mut list: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        if list.is_empty() {
            return (!tags.is_empty()).then_some(tags);
        }
        let prefix = if list.starts_with("W/") { 2 } else { 0 };
        let quoted = list.get(prefix..)?.strip_prefix('"')?;
        let length = prefix + 1 + quoted.find('"')? + 1;
        let (tag, rest) = list.split_at_checked(length)?;
        tags.push(tag);
        list = rest.trim_start_matches([' ', '\t']);
        if !list.is_empty() && !list.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_split_outside_of_quotation_marks() {
        for (list, tags) in [
            (r#""a""#, &[r#""a""#][..]),
            (r#""a", W/"b,c" ,"","#, &[r#""a""#, r#"W/"b,c""#, r#""""#]),
            (r#" ,"a" "#, &[r#""a""#]),
        ] {
            assert_eq!(parse_tags(list).unwrap(), tags, "{list}");
        }
        for invalid in ["", " ", "a", r#""a"#, r#""a" "b""#, r#"w/"a""#, r#""a"b"#, "W/", "*"] {
            assert_eq!(parse_tags(invalid), None, "{invalid}");
        }
    }
}
