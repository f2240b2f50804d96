//! Expected intervals of devices.

use device_stats_domain::limits::EXPECTED_INTERVAL_MAX;
use device_stats_domain::{ExpectedInterval, InvalidExpectedInterval};
use serde_json::json;

use super::number::finite;
use crate::faults::Problem;
use crate::json::Json;

/// Reads an expected interval: a number of seconds.
///
/// # Errors
/// The errors of [`finite`]; `greater_than` or `less_than_equal`.
pub fn expected_interval(json: &Json) -> Result<ExpectedInterval, Problem> {
    ExpectedInterval::from_seconds(finite(json)?.get()).map_err(|error| match error {
        InvalidExpectedInterval::NotPositive => {
            Problem::new("greater_than", "Input should be greater than 0").with(json!({"gt": 0}))
        }
        InvalidExpectedInterval::TooLong => {
            let seconds_max = EXPECTED_INTERVAL_MAX.as_secs();
            let msg = format!("Input should be less than or equal to {seconds_max}");
            Problem::new("less_than_equal", msg).with(json!({"le": seconds_max}))
        }
    })
}
