//! `precision`: the unit of numeric times.

use device_stats_domain::TimeUnit;
use device_stats_formats::{Faults, values};
use utoipa::IntoParams;

use super::input::Input;

/// `precision`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `precision`")]
pub(crate) struct PrecisionParam {
    /// Unit of numeric times, counted from 1970 UTC: `ns` (or `n`), `us` (or `u`), `ms` or `s`. If absent,
    /// timestamps of line protocol are nanoseconds; in other formats, numbers above 2e10 are milliseconds,
    /// and all others are seconds. Without `precision`, a time outside 1990 to 2100 is refused, and so is a
    /// batch with numbers of both units.
    #[param(example = "ms")]
    precision: Option<String>,
}

/// The values of `precision`.
pub(crate) const PRECISION_WORDS: &[&str] = &["ns", "n", "us", "u", "ms", "s"];

/// Reads the unit; `None` if it is absent. If the unit is invalid, reports a fault and returns nanoseconds,
/// which accept any number, so that the rows cause no further faults about units.
pub(crate) fn precision(input: &Input, faults: &mut Faults) -> Option<TimeUnit> {
    input.query("precision", faults, values::time_unit).unwrap_or(Some(TimeUnit::Nanoseconds))
}
