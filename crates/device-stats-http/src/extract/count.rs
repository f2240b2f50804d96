//! Counts in a query: integers from 1 to a limit.

use device_stats_formats::values;
use device_stats_formats::{Json, Problem};

/// Returns a reader of integers from 1 to `max`.
#[expect(clippy::expect_used, reason = "an integer from 1 to a `u32` is a `u32`")]
pub(crate) fn count_up_to(max: u32) -> impl Fn(&Json) -> Result<u32, Problem> {
    move |value| {
        let count = values::at_most(max.into(), values::at_least(1, values::integer(value)?)?)?;
        Ok(u32::try_from(count).expect("a count up to a `u32`"))
    }
}
