//! `/stats/devices/{device_id}/path`: a limited number of the readings of a period, for a drawing.

use axum::extract::State;
use axum::response::Response;
use device_stats_domain::limits::{PATH_POINTS_DEFAULT, PATH_POINTS_MAX, PATH_POINTS_MIN};
use device_stats_domain::{Axes, Finite};
use device_stats_formats::Json as Value;
use device_stats_formats::{Faults, Problem, values};
use device_stats_service::{Path, Read, Service};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, IF_EMPTY_NAME, IfEmpty, IfEmptyParam, Input, PERIOD_NAMES, Parsed,
    PathDevice, Period, PeriodParams, PeriodQuery,
};

/// `points`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `PathQuery`")]
pub(crate) struct PathParams {
    /// Maximum number of readings of the response; 8 to 10,000.
    #[param(example = 2000, minimum = 8, maximum = 10_000, default = 2_000)]
    points: Option<i64>,
}

/// The query of a path.
pub(crate) struct PathQuery {
    period: Period,
    if_empty: IfEmpty,
    points: u32,
}

impl FromInput for PathQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let points = input.query("points", faults, points);
        let period = PeriodQuery::read(input, faults);
        let if_empty = IfEmpty::read(input, faults);
        let known = ["points", IF_EMPTY_NAME].into_iter().chain(PERIOD_NAMES);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        let (points, PeriodQuery(period)) = (points?.unwrap_or(PATH_POINTS_DEFAULT), period?);
        Some(Self { period, if_empty: if_empty?, points })
    }
}

#[expect(clippy::expect_used, reason = "the range was checked before")]
fn points(value: &Value) -> Result<u32, Problem> {
    let points = values::at_least(PATH_POINTS_MIN.into(), values::integer(value)?)?;
    let points = values::at_most(PATH_POINTS_MAX.into(), points)?;
    Ok(u32::try_from(points).expect("a count up to a `u32`"))
}

/// Readings in order of time, by column. All columns have the same length.
#[derive(Serialize, ToSchema)]
#[schema(as = Path)]
pub(crate) struct PathResponse {
    /// Number of readings in the period; 1 or more.
    #[schema(example = 86_400, minimum = 1)]
    count: u64,
    /// Whether readings are left out, because the period has more than `points`.
    #[schema(example = true)]
    thinned: bool,
    /// Times of the readings, RFC 3339 in UTC, ascending.
    #[schema(example = json!(["2026-11-23T10:00:00.250000Z", "2026-11-23T10:00:01.250000Z"]))]
    timestamps: Vec<String>,
    /// Values of the first axis, in the unit of the device.
    #[schema(example = json!([1.5, 1.25]))]
    x: Vec<f64>,
    /// Values of the second axis, in the unit of the device.
    #[schema(example = json!([-0.25, 0.5]))]
    y: Vec<f64>,
    /// Values of the third axis, in the unit of the device.
    #[schema(example = json!([9.81, 9.75]))]
    z: Vec<f64>,
    /// Start of the requested period, RFC 3339 in UTC; `null` if the period has no start.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// End of the requested period (inclusive), RFC 3339 in UTC; `null` if the period has no end.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
}

impl PathResponse {
    fn new(path: &Path, period: Period) -> Self {
        let column = |number: fn(&Axes<f64>) -> f64| {
            path.readings.iter().map(|reading| number(&reading.values.map(Finite::get))).collect()
        };
        let (period_start, period_end) = period.to_texts();
        Self {
            count: path.count,
            thinned: path.is_thinned(),
            timestamps: path.readings.iter().map(|reading| reading.time.to_string()).collect(),
            x: column(|values| values.x),
            y: column(|values| values.y),
            z: column(|values| values.z),
            period_start,
            period_end,
        }
    }
}

/// List readings for a drawing
///
/// Returns the readings of a device in a period in order of time, at most `points` of them. If the period has
/// more, the response has the first and the last reading, for each axis a reading with its minimum and one
/// with its maximum, and readings at about equal distances in between. The time of the request depends on
/// `points`, not on the number of readings.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/path", tag = "statistics",
    params(DeviceIdParam, PathParams, PeriodParams, IfEmptyParam),
    responses(
        (status = 200, description = "The readings.", body = PathResponse),
        (status = 204, description = "The period has no readings, and `if_empty` is `no_content`."),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn list_path(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed((device, query)): Parsed<(PathDevice, PathQuery)>,
) -> Result<Response, ApiError> {
    let device = service.find_device(granted, device.id()?).await?;
    let path = service.path(&device, query.period.to_window(), query.points).await;
    query.if_empty.respond(path, |path| PathResponse::new(&path, query.period))
}
