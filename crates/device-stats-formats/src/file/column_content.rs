//! What the first value of a column looks like. This is used for guesses only.

use device_stats_domain::{EpochNumber, TextTime};

/// Seconds since 1970 that may be a time of a reading: the years 1990 to 2100.
const SECONDS: std::ops::Range<u64> = 631_152_000..4_133_980_800;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// There is no value.
    Unknown,
    /// A date with a time of day, or a count of seconds or milliseconds since 1970.
    Moment,
    Date,
    TimeOfDay,
    Number,
    /// Any other text.
    Text,
}

impl Content {
    /// Returns the kind of a text.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Unknown;
        }
        if let Ok(count) = text.parse::<u64>() {
            let is_time = SECONDS.contains(&count) || SECONDS.contains(&(count / 1_000));
            return if is_time { Self::Moment } else { Self::Number };
        }
        if EpochNumber::parse(text).is_some() || text.replacen(',', ".", 1).parse::<f64>().is_ok() {
            return Self::Number;
        }
        if TextTime::parse(text).is_ok() {
            return if text.contains(':') { Self::Moment } else { Self::Date };
        }
        let (first, rest) = text.split_once([' ', 'T']).unwrap_or((text, ""));
        match (is_date(first), is_time_of_day(if rest.is_empty() { first } else { rest })) {
            (true, true) => Self::Moment,
            (true, false) if rest.is_empty() => Self::Date,
            (false, _) if is_time_of_day(first) => Self::TimeOfDay,
            _ => Self::Text,
        }
    }
}

/// Returns whether a text has three numbers of up to four digits with points, slashes or dashes.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['.', '/', '-']).collect();
    parts.len() == 3 && parts.iter().all(|part| is_count(part, 4))
}

/// Returns whether a text begins with hours and minutes.
fn is_time_of_day(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let begins = parts.iter().take(2).all(|part| is_count(part.split(' ').next().unwrap_or(part), 2));
    let ends = parts.get(2).is_none_or(|seconds| seconds.starts_with(|digit: char| digit.is_ascii_digit()));
    (2..=3).contains(&parts.len()) && begins && ends
}

fn is_count(text: &str, digits_max: usize) -> bool {
    (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_programs_have_a_kind() {
        for (text, expected) in [
            ("", Content::Unknown),
            ("2026-11-23T10:00:00Z", Content::Moment),
            ("23.11.2026 10:00:00,5", Content::Moment),
            ("11/23/26 10:00 PM", Content::Moment),
            ("1795428000", Content::Moment),
            ("1795428000000", Content::Moment),
            ("2026-11-23", Content::Date),
            ("23.11.26", Content::Date),
            ("10:00", Content::TimeOfDay),
            ("10:00:00,250", Content::TimeOfDay),
            ("1,5", Content::Number),
            ("-0.25", Content::Number),
            ("17", Content::Number),
            ("pump", Content::Text),
            ("00:11:22:33:44:55", Content::Text),
            ("1.2", Content::Number),
        ] {
            assert_eq!(Content::of(text), expected, "{text}");
        }
    }
}
