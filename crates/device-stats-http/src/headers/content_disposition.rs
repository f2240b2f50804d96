//! How an answer is to be kept as a file: its name, and whether it is compressed on the way.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// Longest part of a file's name that is taken from a request, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// The value of `Content-Disposition` for a file of that name. What is not a letter or digit of ASCII, `-`, `_` or `.` is
/// written `_`: every system takes such a name for nothing but a name.
pub(crate) fn attachment(prefix: &str, name: &str, extension: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let name = name.chars().take(NAME_CHARACTERS_MAX);
    let name: String = name.map(|character| if is_plain(character) { character } else { '_' }).collect();
    format!("attachment; filename=\"{prefix}-{name}.{extension}\"")
}

/// Whether the client asks for gzip: it names it, with a weight that is not 0 (RFC 9110, 12.5.3).
pub(crate) fn wants_gzip(head: &HeaderMap) -> bool {
    let accepted = head.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_gzip = ["gzip", "x-gzip"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_only_names() {
        for (name, expected) in [
            ("pump-7", "attachment; filename=\"readings-pump-7.csv\""),
            ("../../etc/passwd", "attachment; filename=\"readings-.._.._etc_passwd.csv\""),
            ("a\"; x=\"b\\c", "attachment; filename=\"readings-a___x__b_c.csv\""),
            ("Pümpe 🚰\n", "attachment; filename=\"readings-P_mpe___.csv\""),
        ] {
            assert_eq!(attachment("readings", name, "csv"), expected);
        }
        assert_eq!(attachment("r", &"x".repeat(255), "csv").matches('x').count(), 100);
    }

    #[test]
    fn gzip_is_wanted_where_it_is_named() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("deflate , gzip ; q=1.000", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, br", false),
            ("gzip;q=x", false),
            ("identity", false),
            ("*", false),
            ("", false),
        ] {
            let head = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(wants_gzip(&head), expected, "{value:?}");
        }
        assert!(!wants_gzip(&HeaderMap::new()));
    }
}
