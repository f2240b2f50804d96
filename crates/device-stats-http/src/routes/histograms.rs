//! `/stats/.../histogram`: how often values fall into bins, for a device and for all devices of a user.

use axum::Json;
use axum::extract::State;
use device_stats_domain::limits::{HISTOGRAM_BINS_DEFAULT, HISTOGRAM_BINS_MAX};
use device_stats_domain::{Axes, Bins, Finite, Histogram};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{FromInput, Input, Parsed, PathDevice, PathUser, Period, PeriodQuery};
use crate::openapi::{ErrorAnswer, PeriodParams};
use device_stats_formats::faults::{Faults, Problem};
use device_stats_formats::values;
use device_stats_service::{Action, Service};

/// Which bins.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `HistogramQuery` is read from it")]
pub(crate) struct HistogramParams {
    /// How many bins of equal width; 1 to 1,000.
    #[param(example = 20, minimum = 1, maximum = 1000, default = 20)]
    bins: Option<i64>,
    /// The lower bound of the first bin, in the device's own unit. Where it is missing: the smallest value of the axis,
    /// or `high` where that is smaller.
    #[param(example = -2.5)]
    low: Option<f64>,
    /// The upper bound of the last bin, in the device's own unit, greater than `low`. Where it is missing: the greatest
    /// value of the axis, or `low` where that is greater.
    #[param(example = 2.5)]
    high: Option<f64>,
}

/// The query of a histogram.
pub(crate) struct HistogramQuery {
    period: Period,
    bins: Bins,
}

impl FromInput for HistogramQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let count = input.query("bins", faults, |value| {
            let least = values::at_least(1, values::integer(value)?)?;
            values::at_most(i64::from(HISTOGRAM_BINS_MAX), least)
        });
        let low = input.query("low", faults, values::finite);
        let high = input.query("high", faults, |value| above(low.flatten(), values::finite(value)?));
        let period = PeriodQuery::read(input, faults);
        input.refuse_other_queries(&["bins", "low", "high", "start_time", "end_time"], faults);
        let count = count?.and_then(|count| u32::try_from(count).ok()).unwrap_or(HISTOGRAM_BINS_DEFAULT);
        let PeriodQuery(period) = period?;
        Some(Self { period, bins: Bins::new(count, low?, high?).ok()? })
    }
}

/// An upper bound that leaves room for bins.
fn above(low: Option<Finite>, high: Finite) -> Result<Finite, Problem> {
    match low.map(Finite::get) {
        Some(low) if high.get() <= low => {
            let msg = format!("Input should be greater than {low}");
            Err(Problem::new("greater_than", msg).with(json!({"gt": low})))
        }
        _ => Ok(high),
    }
}

/// How often values of one axis fall into bins.
#[derive(Serialize, ToSchema)]
#[schema(as = Histogram)]
pub(crate) struct HistogramAnswer {
    /// The bounds of the bins, one more than there are bins, ascending, in the device's own unit. A bin holds its lower
    /// bound and not its upper one; the last bin holds both.
    #[schema(example = json!([-2.5, 0.0, 2.5]))]
    edges: Vec<f64>,
    /// How many readings are in each bin.
    #[schema(example = json!([17, 4]))]
    counts: Vec<u64>,
    /// How many readings are less than the first bound; 0 and up.
    #[schema(example = 0, minimum = 0)]
    below: u64,
    /// How many readings are greater than the last bound; 0 and up.
    #[schema(example = 1, minimum = 0)]
    above: u64,
}

impl From<Histogram> for HistogramAnswer {
    fn from(histogram: Histogram) -> Self {
        let Histogram { edges, counts, below, above } = histogram;
        Self { edges, counts, below, above }
    }
}

/// The histograms of all axes over a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Histograms)]
pub(crate) struct HistogramsAnswer {
    /// The histogram of the first axis.
    x: HistogramAnswer,
    /// The histogram of the second axis.
    y: HistogramAnswer,
    /// The histogram of the third axis.
    z: HistogramAnswer,
    /// The first moment asked for, RFC 3339 in UTC; `null` where open.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// The last moment asked for, RFC 3339 in UTC; `null` where open.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
}

impl HistogramsAnswer {
    fn new(histograms: Axes<Histogram>, period: Period) -> Self {
        let Axes { x, y, z } = histograms.map(HistogramAnswer::from);
        let (period_start, period_end) = period.written();
        Self { x, y, z, period_start, period_end }
    }
}

/// Count how often values of a device fall into bins
///
/// For each axis, bins of equal width between the smallest and the greatest value of the period, or between `low` and
/// `high`. Counts are exact for the edges answered; `counts`, `below` and `above` add up to the number of readings.
/// Where there is but one value, the edges reach from 0.5 below it to 0.5 above it.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/histogram", tag = "statistics",
    params(crate::openapi::DeviceIdParam, HistogramParams, PeriodParams),
    responses(
        (status = 200, description = "The histograms.", body = HistogramsAnswer),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn count_device_histogram(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, HistogramQuery)>,
) -> Result<Json<HistogramsAnswer>, ApiError> {
    let (device, HistogramQuery { period, bins }) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let histograms = service.histogram_device(&device, period.window(), bins).await?;
    Ok(Json(HistogramsAnswer::new(histograms, period)))
}

/// Count how often values of all devices of a user fall into bins
///
/// The same over all readings of all devices of a user in one pool.
#[utoipa::path(
    get, path = "/api/v1/stats/users/{user_id}/histogram", tag = "statistics",
    params(crate::openapi::UserIdParam, HistogramParams, PeriodParams),
    responses(
        (status = 200, description = "The histograms.", body = HistogramsAnswer),
        (status = 404, description = "`User not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn count_user_histogram(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathUser, HistogramQuery)>,
) -> Result<Json<HistogramsAnswer>, ApiError> {
    let (PathUser(id), HistogramQuery { period, bins }) = input;
    let user = service.user(who, id, Action::Read).await?;
    let histograms = service.histogram_user(&user, period.window(), bins).await?;
    Ok(Json(HistogramsAnswer::new(histograms, period)))
}
