//! `Content-Disposition`: the file name of a response.

use axum::http::HeaderValue;

/// Maximum length of the part of a file name that comes from a request, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// Returns the header for a file named `{prefix}-{name}.{extension}`. Every character of `name` except ASCII
/// letters, ASCII digits, `-`, `_` and `.` becomes `_`, so that no system gives the name a special meaning.
#[expect(clippy::expect_used, reason = "the replacement leaves visible ASCII")]
pub(crate) fn attachment(prefix: &str, name: &str, extension: &str) -> HeaderValue {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let name = name.chars().take(NAME_CHARACTERS_MAX);
    let name: String = name.map(|character| if is_plain(character) { character } else { '_' }).collect();
    let value = format!("attachment; filename=\"{prefix}-{name}.{extension}\"");
    HeaderValue::from_str(&value).expect("a file name is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_no_special_characters() {
        for (name, expected) in [
            ("pump-7", "attachment; filename=\"readings-pump-7.csv\""),
            ("../../etc/passwd", "attachment; filename=\"readings-.._.._etc_passwd.csv\""),
            ("a\"; x=\"b\\c", "attachment; filename=\"readings-a___x__b_c.csv\""),
            ("Pümpe 🚰\n", "attachment; filename=\"readings-P_mpe___.csv\""),
        ] {
            assert_eq!(attachment("readings", name, "csv"), expected);
        }
        let long = attachment("r", &"x".repeat(255), "csv");
        assert_eq!(long.to_str().unwrap().matches('x').count(), 100);
    }
}
