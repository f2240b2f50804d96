//! Parameters whose value is one of a few words.

use device_stats_formats::Problem;
use serde_json::json;

/// Returns the problem of a value that is none of these words. Its text is that of pydantic.
pub(crate) fn one_of(words: &[&str]) -> Problem {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let expected = match quoted.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        other => other.join(", "),
    };
    Problem::new("literal_error", format!("Input should be {expected}")).with(json!({ "expected": expected }))
}
