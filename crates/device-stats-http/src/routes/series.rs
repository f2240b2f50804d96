//! `/stats/.../series`: the statistics of each bucket of a period, for a device or for all devices of a user.

use axum::extract::State;
use axum::response::Response;
use device_stats_domain::limits::SERIES_BUCKETS_MAX;
use device_stats_domain::{
    Axes, AxisResults, BucketLength, Division, Interval, InvalidInterval, RequestTime, RequestedStatistics,
    Statistics, WeekStart, Zone,
};
use device_stats_formats::Json as Value;
use device_stats_formats::limits::ECHO_BYTES_MAX;
use device_stats_formats::{Faults, Problem, values};
use device_stats_service::{Bucket, Read, Series, Service};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::chosen_statistics::{ChosenResponse, ChosenStatistics};
use super::statistics::requested_axes;
use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, IF_EMPTY_NAME, IfEmpty, IfEmptyParam, Input, PERIOD_NAMES, Parsed,
    PathReadingSource, Period, PeriodParams, PeriodQuery,
};

/// `interval`, `points`, `timezone`, `week_start`, `stats` and `magnitude`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `SeriesQuery`")]
pub(crate) struct SeriesParams {
    /// Length of a bucket: an ISO 8601 duration that consists of years and months, of weeks and days, or of
    /// hours, minutes and seconds (down to microseconds). Required without `points`.
    #[param(example = "PT1H")]
    interval: Option<String>,
    /// Maximum number of buckets, 2 to 2,000, instead of `interval`. The service chooses the shortest
    /// convenient interval, such as 15 minutes, and names it in the response.
    #[param(example = 800, minimum = 2, maximum = 2000)]
    points: Option<i64>,
    /// IANA name of the time zone whose clock and calendar the buckets follow.
    #[param(example = "Europe/Berlin", default = "UTC")]
    timezone: Option<String>,
    /// Day with which buckets of weeks begin: `monday`, `tuesday`, `wednesday`, `thursday`, `friday`,
    /// `saturday` or `sunday`.
    #[param(example = "sunday", default = "monday")]
    week_start: Option<String>,
    /// Statistics to compute for each axis, separated by commas. If absent: `min`, `max`, `count`, `sum` and
    /// `median`. A statistic that is not named is absent from the response. Leaving out the sum or the median
    /// makes the request faster.
    #[param(style = Form, explode = false, example = json!(["min", "max", "median"]), min_items = 1)]
    stats: Option<Vec<String>>,
    /// Whether to add the magnitude √(x² + y² + z²) as a fourth axis. The first request computes and stores
    /// the magnitudes of the readings, which can take minutes for a billion readings.
    #[param(example = true, default = false)]
    magnitude: Option<bool>,
}

/// The values of `week_start`.
pub(crate) const WEEK_START_WORDS: &[&str] =
    &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The query of a series.
pub(crate) struct SeriesQuery {
    period: Period,
    if_empty: IfEmpty,
    division: Division,
    statistics: ChosenStatistics,
    requested: RequestedStatistics,
}

impl FromInput for SeriesQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let interval = input.query("interval", faults, interval);
        let points = input.query("points", faults, points);
        let length = match (interval, points) {
            (Some(Some(interval)), Some(None)) => Some(BucketLength::Interval(interval)),
            (Some(None), Some(Some(points))) => Some(BucketLength::AtMost(points)),
            (Some(None), Some(None)) => {
                let msg = "Field required: give interval, such as PT1H, or points, such as 800, the maximum \
                    number of buckets";
                let problem = Problem::new("missing", msg);
                faults.add(vec!["query".into(), "interval".into()], problem, &Value::Null);
                None
            }
            (Some(Some(_)), Some(Some(points))) => {
                let msg = "Value error, give either interval or points";
                let problem = Problem::new("value_error", msg);
                faults.add(
                    vec!["query".into(), "points".into()],
                    problem,
                    &Value::String(points.to_string()),
                );
                None
            }
            (None, _) | (_, None) => None,
        };
        let zone = input.query("timezone", faults, zone);
        let week_start = input.query("week_start", faults, week_start);
        let statistics = ChosenStatistics::read(input, faults);
        let axes = input.query("magnitude", faults, requested_axes);
        let period = PeriodQuery::read(input, faults);
        let if_empty = IfEmpty::read(input, faults);
        let known = ["interval", "points", "timezone", "week_start", "stats", "magnitude", IF_EMPTY_NAME]
            .into_iter()
            .chain(PERIOD_NAMES);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        let PeriodQuery(period) = period?;
        let (zone, week_start) = (zone?.unwrap_or(Zone::UTC), week_start?.unwrap_or_default());
        let division = Division { length: length?, zone, week_start };
        let statistics = statistics?;
        let requested = RequestedStatistics { axes: axes?.unwrap_or_default(), ..statistics.requested() };
        Some(Self { period, if_empty: if_empty?, division, statistics, requested })
    }
}

#[expect(clippy::expect_used, reason = "the range was checked before")]
fn points(value: &Value) -> Result<u32, Problem> {
    let points = values::at_least(2, values::integer(value)?)?;
    let points = values::at_most(SERIES_BUCKETS_MAX.cast_signed(), points)?;
    Ok(u32::try_from(points).expect("a count up to a `u32`"))
}

fn week_start(value: &Value) -> Result<WeekStart, Problem> {
    let name = if let Value::String(name) = value { name.as_str() } else { "" };
    WeekStart::from_name(name).map_err(|error| Problem::new("enum", format!("Value error, the text {error}")))
}

pub(super) fn interval(value: &Value) -> Result<Interval, Problem> {
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
        InvalidInterval::TooFine | InvalidInterval::TooLong | InvalidInterval::Mixed => {
            Problem::new("value_error", format!("Value error, the interval {words}"))
                .with(json!({"error": words}))
        }
    }
}

fn zone(value: &Value) -> Result<Zone, Problem> {
    let name = if let Value::String(name) = value { name.as_str() } else { "" };
    Zone::from_name(name).map_err(|_| {
        // A `+` that is not encoded becomes a space.
        let is_plus = Zone::from_name(&name.replacen(' ', "+", 1)).is_ok();
        let hint = if is_plus { "; encode + as %2B" } else { "" };
        let name: String = name.chars().take(ECHO_BYTES_MAX / 4).collect();
        Problem::new("zoneinfo_str", format!("invalid timezone: {name}{hint}")).with(json!({"value": name}))
    })
}

/// The statistics of each bucket of a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesResponse {
    /// Length of a bucket: an ISO 8601 duration in the largest possible units.
    #[schema(example = "PT1H")]
    interval: String,
    /// IANA name of the time zone whose clock and calendar the buckets follow.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Start of the requested period, RFC 3339 in UTC; `null` if the period starts with the first reading.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// End of the requested period (inclusive), RFC 3339 in UTC; `null` if the period ends with the last
    /// reading.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
    /// The buckets that contain the period in order of time, without gap or overlap; up to 2,000.
    buckets: Vec<BucketResponse>,
}

/// A bucket: a span of time, and the statistics of its readings.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(crate) struct BucketResponse {
    /// Start of the bucket (inclusive), RFC 3339 in UTC. The first bucket may start before the period; its
    /// statistics cover only the readings inside the period.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    start: String,
    /// End of the bucket (exclusive), RFC 3339 in UTC. The last bucket may end after the period; its
    /// statistics cover only the readings inside the period.
    #[schema(example = "2026-11-23T01:00:00.000000Z")]
    end: String,
    /// Statistics of the readings in the bucket and the period; `null` if there are none.
    stats: Option<BucketStatisticsResponse>,
}

/// The statistics of all axes of a bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = BucketStatistics)]
pub(crate) struct BucketStatisticsResponse {
    /// Statistics of the first axis.
    x: ChosenResponse,
    /// Statistics of the second axis.
    y: ChosenResponse,
    /// Statistics of the third axis.
    z: ChosenResponse,
    /// Statistics of the magnitude, √(x² + y² + z²) of each reading, rounded once. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    magnitude: Option<ChosenResponse>,
}

impl BucketStatisticsResponse {
    fn new(statistics: &AxisResults<Statistics>, chosen: &ChosenStatistics) -> Self {
        let responses = statistics.as_ref().map(|statistics| ChosenResponse::new(statistics, chosen));
        let AxisResults { axes: Axes { x, y, z }, magnitude } = responses;
        Self { x, y, z, magnitude }
    }
}

impl BucketResponse {
    fn new(bucket: &Bucket, chosen: &ChosenStatistics) -> Self {
        let to_text = |micros| RequestTime::from_micros(micros).nearest_timestamp().to_string();
        let statistics = bucket.statistics.as_ref();
        Self {
            start: to_text(bucket.window.from_us),
            end: to_text(bucket.window.until_us),
            stats: statistics.map(|statistics| BucketStatisticsResponse::new(statistics, chosen)),
        }
    }
}

impl SeriesResponse {
    fn new(series: &Series, query: &SeriesQuery) -> Self {
        let (period_start, period_end) = query.period.to_texts();
        Self {
            interval: series.interval.to_string(),
            timezone: query.division.zone.name().to_owned(),
            period_start,
            period_end,
            buckets: series
                .buckets
                .iter()
                .map(|bucket| BucketResponse::new(bucket, &query.statistics))
                .collect(),
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
/// Computes minimum, maximum, count, sum and median of each axis, or the chosen statistics, for every bucket
/// of a period, all from one snapshot.
///
/// - Buckets of months and years start at the beginning of a month in `timezone`, counted from January 2000.
/// - Buckets of days start at the beginning of a day in `timezone`, counted from Monday, 3 January 2000. A
///   day may have 23 or 25 hours. Buckets of weeks start with the day `week_start`.
/// - Buckets of hours, minutes and seconds that divide a day start when the clock in `timezone` shows
///   midnight plus a multiple of `interval`. Where the clocks change, a bucket may be longer or shorter.
/// - Other buckets of hours, minutes and seconds are exact spans, counted from the start of that Monday.
///
/// The period has no influence on where buckets start, so the buckets of two series have the same bounds. The
/// statistics of the first and the last bucket cover only the readings inside the period.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/series", tag = "statistics", operation_id = "list_device_series",
    params(DeviceIdParam, SeriesParams, PeriodParams, IfEmptyParam),
    responses(
        (status = 200, description = "The buckets.", body = SeriesResponse),
        (status = 204, description = "The period has no readings, and `if_empty` is `no_content`."),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn list_series(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed((source, query)): Parsed<(PathReadingSource, SeriesQuery)>,
) -> Result<Response, ApiError> {
    let source = source.find(&service, granted).await?;
    let window = query.period.to_window();
    let series = service.series(&source, window, &query.division, &query.requested).await;
    query.if_empty.respond(series, |series| SeriesResponse::new(&series, &query))
}
