//! `/stats/.../histogram`: the number of readings in each bin, for a device or for all devices of a user.

use axum::extract::State;
use axum::response::Response;
use device_stats_domain::limits::{HISTOGRAM_BINS_DEFAULT, HISTOGRAM_BINS_MAX};
use device_stats_domain::{Axes, AxisResults, Bins, Finite, Histogram, RequestedAxes};
use device_stats_formats::values;
use device_stats_formats::{Faults, Json as Value, Problem};
use device_stats_service::{Read, Service};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::statistics::requested_axes;
use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, IF_EMPTY_NAME, IfEmpty, IfEmptyParam, Input, PERIOD_NAMES, Parsed,
    PathReadingSource, Period, PeriodParams, PeriodQuery, count_up_to,
};

/// `bins`, `low`, `high` and `magnitude`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `HistogramQuery`")]
pub(crate) struct HistogramParams {
    /// Number of bins of equal width; 1 to 1,000.
    #[param(example = 20, minimum = 1, maximum = 1000, default = 20)]
    bins: Option<i64>,
    /// Lower edge of the first bin, in the unit of the device. If absent, the minimum of the axis, or `high`
    /// minus 1 if no value is less than `high`.
    #[param(example = -2.5)]
    low: Option<f64>,
    /// Upper edge of the last bin, in the unit of the device, greater than `low`. If absent, the maximum of
    /// the axis, or `low` plus 1 if no value is greater than `low`.
    #[param(example = 2.5)]
    high: Option<f64>,
    /// Whether to add the magnitude √(x² + y² + z²) as a fourth axis. The first request computes and stores
    /// the magnitudes of the readings, which can take minutes for a billion readings.
    #[param(example = true, default = false)]
    magnitude: Option<bool>,
}

/// The query of a histogram.
pub(crate) struct HistogramQuery {
    period: Period,
    if_empty: IfEmpty,
    bins: Bins,
    axes: RequestedAxes,
}

impl FromInput for HistogramQuery {
    #[expect(clippy::expect_used, reason = "the count and the edges are checked before")]
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let count = input.query("bins", faults, count_up_to(HISTOGRAM_BINS_MAX));
        let low = input.query("low", faults, low);
        let high = input.query("high", faults, |value| greater_than(low.flatten(), values::finite(value)?));
        let axes = input.query("magnitude", faults, requested_axes);
        let period = PeriodQuery::read(input, faults);
        let if_empty = IfEmpty::read(input, faults);
        let known = ["bins", "low", "high", "magnitude", IF_EMPTY_NAME].into_iter().chain(PERIOD_NAMES);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        let (count, low, high) = (count?.unwrap_or(HISTOGRAM_BINS_DEFAULT), low?, high?);
        let (PeriodQuery(period), axes) = (period?, axes?.unwrap_or_default());
        let bins = Bins::new(count, low, high).expect("valid bins");
        Some(Self { period, if_empty: if_empty?, bins, axes })
    }
}

/// Reads the lower edge. There must be a number above it.
fn low(value: &Value) -> Result<Finite, Problem> {
    let low = values::finite(value)?;
    if low < Finite::MAX {
        return Ok(low);
    }
    let msg = "Input should be less than the greatest double";
    Err(Problem::new("less_than", msg).with(json!({"lt": f64::MAX})))
}

/// Returns the upper edge, if it is greater than the lower edge and there is a number below it.
fn greater_than(low: Option<Finite>, high: Finite) -> Result<Finite, Problem> {
    let bound = low.unwrap_or(Finite::MIN).get();
    if high.get() > bound {
        return Ok(high);
    }
    let msg = match low {
        Some(_) => format!("Input should be greater than {bound}"),
        None => "Input should be greater than the least double".to_owned(),
    };
    Err(Problem::new("greater_than", msg).with(json!({"gt": bound})))
}

/// The histogram of one axis.
#[derive(Serialize, ToSchema)]
#[schema(as = Histogram)]
pub(crate) struct HistogramResponse {
    /// Edges of the bins, ascending, in the unit of the device; one more than there are bins. A bin includes
    /// its lower edge and excludes its upper edge; the last bin includes both.
    #[schema(example = json!([-2.5, 0.0, 2.5]))]
    edges: Vec<f64>,
    /// Number of readings in each bin.
    #[schema(example = json!([17, 4]))]
    counts: Vec<u64>,
    /// Number of readings below the first edge; 0 or more.
    #[schema(example = 0, minimum = 0)]
    below: u64,
    /// Number of readings above the last edge; 0 or more.
    #[schema(example = 1, minimum = 0)]
    above: u64,
}

impl From<Histogram> for HistogramResponse {
    fn from(histogram: Histogram) -> Self {
        let Histogram { edges, counts, below, above } = histogram;
        Self { edges, counts, below, above }
    }
}

/// The histograms of all axes over a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Histograms)]
pub(crate) struct HistogramsResponse {
    /// Histogram of the first axis.
    x: HistogramResponse,
    /// Histogram of the second axis.
    y: HistogramResponse,
    /// Histogram of the third axis.
    z: HistogramResponse,
    /// Histogram of the magnitude, √(x² + y² + z²) of each reading, rounded once. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    magnitude: Option<HistogramResponse>,
    /// Start of the requested period, RFC 3339 in UTC; `null` if the period has no start.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// End of the requested period (inclusive), RFC 3339 in UTC; `null` if the period has no end.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
}

impl HistogramsResponse {
    fn new(histograms: AxisResults<Histogram>, period: Period) -> Self {
        let AxisResults { axes: Axes { x, y, z }, magnitude } = histograms.map(HistogramResponse::from);
        let (period_start, period_end) = period.to_texts();
        Self { x, y, z, magnitude, period_start, period_end }
    }
}

pub(super) const COUNT_USER_HISTOGRAM: UserOperation = UserOperation {
    id: "count_user_histogram",
    summary: "Count the readings of all devices of a user in bins",
    description: "Counts the readings of all devices of a user in one pool.",
    schema: None,
};

/// Count the readings of a device in bins
///
/// Divides the range of each axis into bins of equal width: from the minimum to the maximum of the period, or
/// from `low` to `high`. The counts are exact for the returned edges. `counts`, `below` and `above` add up to
/// the number of readings. If all values are equal, the edges span from 0.5 below to 0.5 above that value.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/histogram", tag = "statistics",
    operation_id = "count_device_histogram",
    params(DeviceIdParam, HistogramParams, PeriodParams, IfEmptyParam),
    responses(
        (status = 200, description = "The histograms.", body = HistogramsResponse),
        (status = 204, description = "The period has no readings, and `if_empty` is `no_content`."),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn count_histogram(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathReadingSource, HistogramQuery)>,
) -> Result<Response, ApiError> {
    let (source, HistogramQuery { period, if_empty, bins, axes }) = input;
    let source = source.find(&service, granted).await?;
    let histograms = service.histogram(&source, period.to_window(), bins, axes).await;
    if_empty.respond(histograms, |histograms| HistogramsResponse::new(histograms, period))
}
