//! `/stats/status`: whether many devices report, their latest readings and their activity.

use axum::extract::State;
use device_stats_domain::limits::ACTIVITY_POINTS_MAX;
use device_stats_domain::{
    DeviceFilter, DeviceKey, DeviceState, DeviceStatus, RecentBuckets, RecentSpan, RequestTime, StateFilter,
};
use device_stats_formats::{Faults, Json, Problem, values};
use device_stats_service::{Activity, DeviceSelection, Read, Service, StatusEntry, StatusRequest};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::listed::Listed;
use super::readings::ReadingResponse;
use super::series::interval;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, Cursor, FromInput, Input, Parsed, SelectionParams, listed_devices, one_of, read_cursor,
};

/// The values of `state`.
pub(crate) const STATE_WORDS: &[&str] = &[REPORTING, SILENT, WAITING, WRONG_CLOCK];
const REPORTING: &str = "reporting";
const SILENT: &str = "silent";
const WAITING: &str = "waiting";
const WRONG_CLOCK: &str = "wrong_clock";

/// `user_id`, `q`, `state`, `after`, `limit`, `points` and `span`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `StatusQuery`")]
pub(crate) struct StatusParams {
    /// Only devices of the user with this id, instead of `device_id`.
    #[param(example = 1)]
    user_id: Option<i64>,
    /// Only devices whose `device_id` or name contains this text (1 to 255 bytes), instead of `device_id`.
    /// The case of ASCII letters does not matter.
    #[param(example = "pump", min_length = 1)]
    q: Option<String>,
    /// Only devices with this state, or only devices whose clock is wrong (`wrong_clock`), in any state. A
    /// page reads up to 10,000 devices, so it may have fewer than `limit` devices although more pages follow.
    #[param(example = "silent")]
    state: Option<String>,
    /// The value of `after` in the header `Link` of the previous page; 0 for the first page. Not with
    /// `device_id`.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
    /// Maximum number of devices of the page; 1 to 1,000. Not with `device_id`.
    #[param(example = 100, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Number of buckets of the activity; 2 to 120. Without it, the response has no activity.
    #[param(example = 60, minimum = 2, maximum = 120)]
    points: Option<i64>,
    /// Time up to now that the activity covers: an ISO 8601 duration without months and years, up to `P31D`.
    /// Only with `points`.
    #[param(example = "PT1H", default = "PT1H")]
    span: Option<String>,
}

/// The query of a list of statuses.
pub(crate) struct StatusQuery {
    request: StatusRequest,
    /// The parameters of the next page, without `after`.
    others: Vec<(String, String)>,
}

impl FromInput for StatusQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let listed = listed_devices(input, &["prefix", "user_id", "q", "after", "limit"], faults);
        let prefix = input.query("prefix", faults, values::device_id_prefix);
        let user_id = input.query("user_id", faults, values::user_id);
        let text = input.query("q", faults, values::search_text);
        let state = input.query("state", faults, state);
        let cursor = read_cursor(input, faults);
        let buckets = read_buckets(input, faults);
        let known = ["device_id", "prefix", "user_id", "q", "state", "after", "limit", "points", "span"];
        input.refuse_other_queries(&known, faults);
        let filter = DeviceFilter { user_id: user_id?, prefix: prefix?, text: text? };
        let selection = listed?.unwrap_or(DeviceSelection::Matching(filter));
        let Cursor { after, limit } = cursor?;
        let (state, buckets) = (state?, buckets?);
        let request = StatusRequest { selection, state, after: DeviceKey(after), limit, buckets };
        Some(Self { request, others: input.queries_except("after") })
    }
}

fn state(value: &Json) -> Result<StateFilter, Problem> {
    match value {
        Json::String(word) if word == REPORTING => Ok(StateFilter::State(DeviceState::Reporting)),
        Json::String(word) if word == SILENT => Ok(StateFilter::State(DeviceState::Silent)),
        Json::String(word) if word == WAITING => Ok(StateFilter::State(DeviceState::Waiting)),
        Json::String(word) if word == WRONG_CLOCK => Ok(StateFilter::WrongClock),
        _ => Err(one_of(STATE_WORDS)),
    }
}

/// Reads `points` and `span`. Returns `Some(None)` without `points`, and `None` after reporting a fault.
#[expect(clippy::option_option, reason = "as in `Input::query`")]
fn read_buckets(input: &Input, faults: &mut Faults) -> Option<Option<RecentBuckets>> {
    let points = input.query("points", faults, points);
    let span = input.query("span", faults, span);
    match (points?, span?) {
        (Some(points), span) => Some(Some(RecentBuckets::new(span.unwrap_or(RecentSpan::HOUR), points))),
        (None, None) => Some(None),
        (None, Some(_)) => {
            let problem = Problem::new("value_error", "Value error, give span only with points");
            faults.add(vec!["query".into(), "span".into()], problem, &Json::Null);
            None
        }
    }
}

#[expect(clippy::expect_used, reason = "the range was checked before")]
fn points(value: &Json) -> Result<u32, Problem> {
    let points = values::at_least(2, values::integer(value)?)?;
    let points = values::at_most(ACTIVITY_POINTS_MAX.into(), points)?;
    Ok(u32::try_from(points).expect("a count up to a `u32`"))
}

fn span(value: &Json) -> Result<RecentSpan, Problem> {
    RecentSpan::new(interval(value)?).map_err(|error| {
        let words = error.to_string();
        Problem::new("value_error", format!("Value error, the span {words}")).with(json!({"error": words}))
    })
}

/// The status of a device.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceStatus)]
pub(crate) struct StatusResponse {
    /// The client's name for the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// Number (`id`) of the device.
    #[schema(example = 1, minimum = 1)]
    id: i64,
    /// Display name of the device.
    #[schema(example = "Pump in hall 3")]
    name: Option<String>,
    /// Id of the user that owns the device.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// `reporting`: the last readings were received not longer ago than expected. `silent`: they were
    /// received longer ago. `waiting`: the device has no readings.
    #[schema(example = "reporting", pattern = "^(reporting|silent|waiting)$")]
    state: &'static str,
    /// The newest reading by its time; `null` if the device has no readings.
    last_reading: Option<ReadingResponse>,
    /// Time at which the service last received readings of the device, repeats included, RFC 3339 in UTC;
    /// `null` if it has received none since it records these times.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    last_received_at: Option<String>,
    /// Longest time without readings that is normal for the device, in seconds; `null` if it is neither set
    /// nor learned yet.
    #[schema(example = 10.0)]
    expected_interval_s: Option<f64>,
    /// Origin of `expected_interval_s`: `set` by a client, or `learned` from the times at which readings were
    /// received; `null` without an interval.
    #[schema(example = "learned", pattern = "^(set|learned)$")]
    expected_interval_source: Option<&'static str>,
    /// Time by which the clock of the device is ahead, in seconds; negative if it is behind; `null` if it
    /// seems right.
    #[schema(example = 7200.0)]
    clock_offset_s: Option<f64>,
    /// Number of readings per second, as received, smoothed; 0 unless the device is reporting.
    #[schema(example = 9.8, minimum = 0)]
    readings_per_second: f64,
    /// Number of readings in each of the requested buckets. Absent without `points`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    activity: Option<ActivityResponse>,
}

/// The numbers of readings of a device in consecutive buckets of equal length, by the times of the readings.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
pub(crate) struct ActivityResponse {
    /// Start of the first bucket, RFC 3339 in UTC. It is a multiple of `interval_s` since 1970, so later
    /// requests have the same buckets.
    #[schema(example = "2026-11-23T09:01:00.000000Z")]
    start: String,
    /// Length of a bucket, in seconds.
    #[schema(example = 60.0)]
    interval_s: f64,
    /// Number of readings in each bucket, in order of time. The last bucket contains the present.
    #[schema(example = json!([60, 60, 41]))]
    counts: Vec<u64>,
}

impl From<StatusEntry> for StatusResponse {
    fn from(entry: StatusEntry) -> Self {
        let StatusEntry { device, status, last_received_at, last_reading, activity } = entry;
        let DeviceStatus { state, expected_interval_us, is_learned, clock_offset_us, readings_per_second } =
            status;
        Self {
            device_id: device.device_id.as_str().to_owned(),
            id: device.key.0,
            name: device.name.as_ref().map(|name| name.as_str().to_owned()),
            user_id: device.user_id.map(|user| user.0),
            state: match state {
                DeviceState::Reporting => REPORTING,
                DeviceState::Silent => SILENT,
                DeviceState::Waiting => WAITING,
            },
            last_reading: last_reading.map(ReadingResponse::from),
            last_received_at: last_received_at.map(|time| time.to_string()),
            expected_interval_s: expected_interval_us.map(seconds),
            expected_interval_source: expected_interval_us
                .map(|_| if is_learned { "learned" } else { "set" }),
            clock_offset_s: clock_offset_us.map(seconds),
            readings_per_second,
            activity: activity.map(ActivityResponse::from),
        }
    }
}

impl From<Activity> for ActivityResponse {
    fn from(Activity { start_us, length_us, counts }: Activity) -> Self {
        let start = RequestTime::from_micros(start_us).nearest_timestamp().to_string();
        Self { start, interval_s: seconds(length_us), counts }
    }
}

/// Returns the nearest double of a number of seconds.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 microseconds, so no digit is lost")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// List the statuses of many devices
///
/// Returns the chosen devices, each with its state, its latest reading and, on request, its activity, by
/// ascending `id` of the device. Without `device_id`, the response is a page: the header `Link` contains the
/// address of the next page.
#[utoipa::path(
    get, path = "/api/v1/stats/status", tag = "statistics",
    params(SelectionParams, StatusParams),
    responses(
        (status = 200, description = "The devices.", body = [StatusResponse],
            headers(("link" = String, description = "Address of the next page (`rel=\"next\"`), relative to this one, if there may be one."))),
        (status = 404, description = "`Device not found` with the missing devices, or `User not found`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn list_status(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(query): Parsed<StatusQuery>,
) -> Result<Listed<StatusResponse>, ApiError> {
    let StatusQuery { request, others } = query;
    let page = service.list_status(granted, &request).await?;
    let entries = page.entries.into_iter().map(StatusResponse::from).collect();
    Ok(Listed::new(entries, page.next.map(|next| next.0), &others))
}
