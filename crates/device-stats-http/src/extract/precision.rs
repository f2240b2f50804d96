//! `precision`: the unit of times that are numbers.

use device_stats_domain::TimeUnit;
use device_stats_formats::{Faults, values};
use utoipa::IntoParams;

use super::input::Input;

/// `precision`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `precision`")]
pub(crate) struct PrecisionParam {
    /// Unit of the times that are numbers, since 1970 UTC: `ns` (or `n`), `us` (or `u`), `ms` or `s`. If absent,
    /// timestamps of line protocol are nanoseconds; in other formats, numbers above 2e10 are milliseconds and
    /// all others are seconds. Then a time outside 1990 to 2100 is refused, and so is a batch with numbers of
    /// both units.
    #[param(example = "ms")]
    precision: Option<String>,
}

/// Reads the unit; `None` if it is absent. After reporting a fault, returns a unit that allows any time, so that
/// only the other faults of the rows are reported, too.
pub(crate) fn precision(input: &Input, faults: &mut Faults) -> Option<TimeUnit> {
    input.query("precision", faults, values::time_unit).unwrap_or(Some(TimeUnit::Nanoseconds))
}
