//! `/stats/.../series`: the statistics of a device, or of all devices of a user, bucket by bucket of time.

use axum::Json;
use axum::extract::State;
use device_stats_domain::limits::ECHO_BYTES_MAX;
use device_stats_domain::{Axes, Grid, Interval, InvalidInterval, Moment, Summary, Zone};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::statistics::StatisticsAnswer;
use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{FromInput, Input, Parsed, PathDevice, PathUser, Period, PeriodQuery};
use crate::openapi::ErrorAnswer;
use device_stats_formats::faults::{Faults, Problem};
use device_stats_formats::json::Json as Value;
use device_stats_service::{Action, Bucket, Service};

/// Which buckets.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `SeriesQuery` is read from it")]
pub(crate) struct SeriesParams {
    /// The length of a bucket, an ISO 8601 duration of one kind: years and months, weeks and days, or hours, minutes
    /// and seconds, down to the microsecond. The first two follow the calendar of `timezone`; the last is an exact span.
    #[param(example = "PT1H")]
    interval: String,
    /// The IANA name of a time zone.
    #[param(example = "Europe/Berlin", default = "UTC")]
    timezone: Option<String>,
    /// The first moment, which belongs to the period: RFC 3339 (without offset: UTC; encode a `+` as `%2B`), a date, or
    /// seconds or milliseconds since 1970. Where it is missing, the period begins with the first reading.
    #[param(example = "2026-11-23T00:00:00Z")]
    start_time: Option<String>,
    /// The last moment, which belongs to the period, written likewise. Where it is missing, the period ends with the
    /// last reading.
    #[param(example = "2026-11-23T23:59:59.999999Z")]
    end_time: Option<String>,
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
        Some(Self { period, grid: Grid::new(interval?, zone?.unwrap_or_default()) })
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
            Problem::new("greater_than", "Input should be greater than nothing").with(json!({"gt": "PT0S"}))
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

/// The statistics of a device or a user, bucket by bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesAnswer {
    /// The length of a bucket, ISO 8601 in the largest units.
    #[schema(example = "PT1H")]
    interval: String,
    /// The IANA name of the time zone whose calendar the buckets follow.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// The first moment asked for, RFC 3339 in UTC; `null` where the period begins with the first reading.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// The last moment asked for, RFC 3339 in UTC; `null` where the period ends with the last reading.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
    /// Every bucket of the period in order of time, without gap or overlap; at most 2,000.
    buckets: Vec<BucketAnswer>,
}

/// A span of time and the statistics of the readings in it.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(crate) struct BucketAnswer {
    /// The first moment of the bucket, RFC 3339 in UTC. The first bucket begins where the period does.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    start: String,
    /// The first moment after the bucket, RFC 3339 in UTC. The last bucket ends a microsecond after the last moment of
    /// the period.
    #[schema(example = "2026-11-23T01:00:00.000000Z")]
    end: String,
    /// The statistics; `null` where no reading is in the bucket.
    stats: Option<BucketStatisticsAnswer>,
}

/// The statistics of all axes of a bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = BucketStatistics)]
pub(crate) struct BucketStatisticsAnswer {
    /// The statistics of the first axis.
    x: StatisticsAnswer,
    /// The statistics of the second axis.
    y: StatisticsAnswer,
    /// The statistics of the third axis.
    z: StatisticsAnswer,
}

impl From<Axes<Summary>> for BucketStatisticsAnswer {
    fn from(summaries: Axes<Summary>) -> Self {
        let Axes { x, y, z } = summaries.map(StatisticsAnswer::from);
        Self { x, y, z }
    }
}

impl From<Bucket> for BucketAnswer {
    fn from(bucket: Bucket) -> Self {
        let write = |micros| Moment::from_micros(micros).nearest_timestamp().to_string();
        Self {
            start: write(bucket.window.from_us),
            end: write(bucket.window.until_us),
            stats: bucket.summaries.map(BucketStatisticsAnswer::from),
        }
    }
}

impl SeriesAnswer {
    fn new(buckets: Vec<Bucket>, query: &SeriesQuery) -> Self {
        let (period_start, period_end) = query.period.written();
        Self {
            interval: query.grid.interval().to_string(),
            timezone: query.grid.zone().name().to_owned(),
            period_start,
            period_end,
            buckets: buckets.into_iter().map(BucketAnswer::from).collect(),
        }
    }
}

/// Analyse a device over time
///
/// The five statistics of each axis for every bucket of the period, all of one moment. Months and years begin at the
/// first moment of a month in `timezone`, counted from January 2000; days and weeks at the first moment of a day there,
/// counted from Monday, 3 January 2000, so that a day may have 23 or 25 hours; hours, minutes and seconds are exact
/// spans, counted from the first moment of that Monday. The first and the last bucket are cut where the period ends.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/series", tag = "statistics",
    params(crate::openapi::DeviceIdParam, SeriesParams),
    responses(
        (status = 200, description = "The buckets.", body = SeriesAnswer),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_device_series(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, SeriesQuery)>,
) -> Result<Json<SeriesAnswer>, ApiError> {
    let (device, query) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let buckets = service.series_device(&device, query.period.window(), &query.grid).await?;
    Ok(Json(SeriesAnswer::new(buckets, &query)))
}

/// Analyse all devices of a user over time
///
/// The same over all readings of all devices of a user in one pool.
#[utoipa::path(
    get, path = "/api/v1/stats/users/{user_id}/series", tag = "statistics",
    params(crate::openapi::UserIdParam, SeriesParams),
    responses(
        (status = 200, description = "The buckets.", body = SeriesAnswer),
        (status = 404, description = "`User not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_user_series(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathUser, SeriesQuery)>,
) -> Result<Json<SeriesAnswer>, ApiError> {
    let (PathUser(id), query) = input;
    let user = service.user(who, id, Action::Read).await?;
    let buckets = service.series_user(&user, query.period.window(), &query.grid).await?;
    Ok(Json(SeriesAnswer::new(buckets, &query)))
}
