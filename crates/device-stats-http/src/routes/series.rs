//! `/stats/.../series`: the statistics of each bucket of a period, for a device or for all devices of a user.

use axum::Json;
use axum::extract::State;
use device_stats_domain::{Axes, Grid, Interval, InvalidInterval, RequestTime, Summary, Zone};
use device_stats_formats::Json as Value;
use device_stats_formats::limits::ECHO_BYTES_MAX;
use device_stats_formats::{Faults, Problem};
use device_stats_service::{Bucket, Service};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::statistics::StatisticsResponse;
use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, Input, Parsed, PathReadingSource, Period, PeriodParams, PeriodQuery,
};

/// `interval` and `timezone`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `SeriesQuery`")]
pub(crate) struct SeriesParams {
    /// Length of a bucket: an ISO 8601 duration that consists of years and months, of weeks and days, or of
    /// hours, minutes and seconds (down to microseconds). Years to days follow the calendar of `timezone`;
    /// hours to seconds are exact spans.
    #[param(example = "PT1H")]
    interval: String,
    /// IANA name of the time zone in which buckets of days, weeks, months and years begin.
    #[param(example = "Europe/Berlin", default = "UTC")]
    timezone: Option<String>,
}

/// The query of a series.
pub(crate) struct SeriesQuery {
    period: Period,
    grid: Grid,
}

impl FromInput for SeriesQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let interval = input.required_query("interval", faults, interval);
        let zone = input.query("timezone", faults, zone);
        let period = PeriodQuery::read(input, faults);
        input.refuse_other_queries(&["interval", "timezone", "start_time", "end_time"], faults);
        let PeriodQuery(period) = period?;
        Some(Self { period, grid: Grid::new(interval?, zone?.unwrap_or(Zone::UTC)) })
    }
}

fn interval(value: &Value) -> Result<Interval, Problem> {
    let Value::String(text) = value else { return Err(interval_problem(InvalidInterval::NotADuration)) };
    Interval::parse(text).map_err(interval_problem)
}

fn interval_problem(error: InvalidInterval) -> Problem {
    let words = error.to_string();
    match error {
        InvalidInterval::NotADuration => {
            let msg = format!("Input should be a valid timedelta, the text {words}");
            Problem::new("time_delta_parsing", msg).with(json!({"error": words}))
        }
        InvalidInterval::NotPositive => {
            Problem::new("greater_than", "Input should be greater than PT0S").with(json!({"gt": "PT0S"}))
        }
        InvalidInterval::TooFine | InvalidInterval::Mixed => {
            Problem::new("value_error", format!("Value error, the interval {words}"))
                .with(json!({"error": words}))
        }
    }
}

fn zone(value: &Value) -> Result<Zone, Problem> {
    let name = if let Value::String(name) = value { name.as_str() } else { "" };
    Zone::from_name(name).map_err(|_| {
        let name: String = name.chars().take(ECHO_BYTES_MAX / 4).collect();
        Problem::new("zoneinfo_str", format!("invalid timezone: {name}")).with(json!({"value": name}))
    })
}

/// The statistics of each bucket of a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesResponse {
    /// Length of a bucket: an ISO 8601 duration in the largest possible units.
    #[schema(example = "PT1H")]
    interval: String,
    /// IANA name of the time zone in which buckets of days, weeks, months and years begin.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Start of the requested period, RFC 3339 in UTC; `null` if the period starts with the first reading.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// End of the requested period (inclusive), RFC 3339 in UTC; `null` if the period ends with the last
    /// reading.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
    /// All buckets of the period in order of time, without gap or overlap; up to 2,000.
    buckets: Vec<BucketResponse>,
}

/// A bucket: a span of time, and the statistics of its readings.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(crate) struct BucketResponse {
    /// Start of the bucket (inclusive), RFC 3339 in UTC. The first bucket starts with the period.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    start: String,
    /// End of the bucket (exclusive), RFC 3339 in UTC. The last bucket ends one microsecond after the last
    /// moment of the period.
    #[schema(example = "2026-11-23T01:00:00.000000Z")]
    end: String,
    /// Statistics of the readings in the bucket; `null` if it has none.
    stats: Option<BucketStatisticsResponse>,
}

/// The statistics of all axes of a bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = BucketStatistics)]
pub(crate) struct BucketStatisticsResponse {
    /// Statistics of the first axis.
    x: StatisticsResponse,
    /// Statistics of the second axis.
    y: StatisticsResponse,
    /// Statistics of the third axis.
    z: StatisticsResponse,
}

impl From<Axes<Summary>> for BucketStatisticsResponse {
    fn from(summaries: Axes<Summary>) -> Self {
        let Axes { x, y, z } = summaries.map(StatisticsResponse::from);
        Self { x, y, z }
    }
}

impl From<Bucket> for BucketResponse {
    fn from(bucket: Bucket) -> Self {
        let to_text = |micros| RequestTime::from_micros(micros).nearest_timestamp().to_string();
        Self {
            start: to_text(bucket.window.from_us),
            end: to_text(bucket.window.until_us),
            stats: bucket.summaries.map(BucketStatisticsResponse::from),
        }
    }
}

impl SeriesResponse {
    fn new(buckets: Vec<Bucket>, query: &SeriesQuery) -> Self {
        let (period_start, period_end) = query.period.to_texts();
        Self {
            interval: query.grid.interval().to_string(),
            timezone: query.grid.zone().name().to_owned(),
            period_start,
            period_end,
            buckets: buckets.into_iter().map(BucketResponse::from).collect(),
        }
    }
}

pub(super) const LIST_USER_SERIES: UserOperation = UserOperation {
    id: "list_user_series",
    summary: "Analyze all devices of a user over time",
    description: "Computes the same series over the readings of all devices of a user in one pool.",
    schema: None,
};

/// Analyze a device over time
///
/// Computes minimum, maximum, count, sum and median of each axis for every bucket of a period, all from one
/// snapshot.
///
/// - Buckets of months and years start at the beginning of a month in `timezone`, counted from January 2000.
/// - Buckets of days and weeks start at the beginning of a day in `timezone`, counted from Monday, 3 January
///   2000. A day may have 23 or 25 hours.
/// - Buckets of hours, minutes and seconds are exact spans, counted from the start of that Monday in
///   `timezone`.
///
/// The first and the last bucket are cut at the ends of the period.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/series", tag = "statistics", operation_id = "list_device_series",
    params(DeviceIdParam, SeriesParams, PeriodParams),
    responses(
        (status = 200, description = "The buckets.", body = SeriesResponse),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn list_series(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed((source, query)): Parsed<(PathReadingSource, SeriesQuery)>,
) -> Result<Json<SeriesResponse>, ApiError> {
    let source = source.find(&service, principal).await?;
    let buckets = service.series(&source, query.period.to_window(), &query.grid).await?;
    Ok(Json(SeriesResponse::new(buckets, &query)))
}
