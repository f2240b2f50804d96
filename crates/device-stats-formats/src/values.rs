//! Reads values of the domain from JSON and text, by the rules and with the messages of pydantic. A JSON
//! string, a query parameter, a path parameter and a cell of a table follow the same rules.
//!
//! In three points, the rules are stricter than in pydantic (`docs/api-differences.md`): numbers must be
//! finite, `_` between digits is refused, and `true` is not an id.

mod boolean;
mod expected_interval;
mod integer;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod token;

use crate::faults::Problem;
use crate::json::Json;

pub use boolean::boolean;
pub use expected_interval::expected_interval;
pub use integer::{at_least, at_most, integer, user_id};
pub use number::finite;
pub(crate) use number::{finite_number, finite_text, not_a_number};
pub use text::{device_id, device_id_prefix, device_name, email, search_text, username};
pub(crate) use text::{device_id_text, not_a_text};
pub use time::{moment, moment_text, time_unit, timestamp};
pub(crate) use time::{not_a_moment, time_problem, timestamp_micros, to_timestamp};
pub use token::{HolderName, scope, token, token_holder, token_name};

/// Reads `null` as `None`, and any other value with `read`.
pub fn nullable<T>(
    read: impl Fn(&Json) -> Result<T, Problem>,
) -> impl Fn(&Json) -> Result<Option<T>, Problem> {
    move |json| match json {
        Json::Null => Ok(None),
        other => read(other).map(Some),
    }
}
