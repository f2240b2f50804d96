//! `/stats/.../analyze`: the statistics of a device, and of all devices of a user.

use axum::Json;
use axum::extract::State;
use device_stats_domain::{Axes, Moment, Summary, UserId, Window};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::ErrorAnswer;
use super::error::ApiError;
use super::input::{OptionalJsonBody, Parsed, PathDevice, PathUser, Period};
use super::members::{FromMembers, Members};
use super::values::{self, nullable};
use crate::service::{Action, Principal, Service, UserSummary};

/// The period to analyse; both ends belong to it, a missing or `null` end is open.
#[derive(ToSchema)]
#[schema(as = AnalysisRequest)]
#[expect(dead_code, reason = "describes the body; `Period` is read from it")]
pub(crate) struct AnalysisRequestBody {
    /// The first moment: RFC 3339 (without offset: UTC), a date, or seconds or milliseconds since 1970.
    #[schema(example = "2026-11-23T00:00:00Z")]
    start_time: Option<String>,
    /// The last moment, written likewise.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    end_time: Option<String>,
}

impl FromMembers for Period {
    fn read(members: &mut Members<'_>) -> Option<Self> {
        let start = members.optional("start_time", nullable(values::moment));
        let end = members.optional("end_time", nullable(values::moment));
        Some(Self { start: start?.flatten(), end: end?.flatten() })
    }
}

/// The statistics of one axis, each exact, in the device's own unit.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct StatisticsAnswer {
    /// The smallest value.
    #[schema(example = -0.25)]
    min_value: f64,
    /// The greatest value.
    #[schema(example = 1.5)]
    max_value: f64,
    /// How many readings; 1 and up.
    #[schema(example = 2, minimum = 1)]
    count: u64,
    /// The true sum, rounded once to the nearest double; `null` where it is beyond a double.
    #[schema(example = 1.25)]
    sum: Option<f64>,
    /// The middle value; of an even count the middle of the two middle values.
    #[schema(example = 0.625)]
    median: f64,
}

impl From<Summary> for StatisticsAnswer {
    fn from(summary: Summary) -> Self {
        let Summary { min, max, count, sum, median } = summary;
        Self { min_value: min, max_value: max, count, sum, median }
    }
}

/// The statistics of all axes over a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Analysis)]
pub(crate) struct AnalysisAnswer {
    /// The statistics of the first axis.
    x: StatisticsAnswer,
    /// The statistics of the second axis.
    y: StatisticsAnswer,
    /// The statistics of the third axis.
    z: StatisticsAnswer,
    /// The first moment asked for, RFC 3339 in UTC; `null` where open.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// The last moment asked for, RFC 3339 in UTC; `null` where open.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
}

impl AnalysisAnswer {
    fn new(summaries: Axes<Summary>, period: Period) -> Self {
        let Axes { x, y, z } = summaries.map(StatisticsAnswer::from);
        let write = |moment: Moment| moment.nearest_timestamp().to_string();
        Self { x, y, z, period_start: period.start.map(write), period_end: period.end.map(write) }
    }
}

/// The statistics of one device of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceAnalysis)]
pub(crate) struct DeviceAnalysisAnswer {
    /// The caller's own name of the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// Its statistics.
    stats: AnalysisAnswer,
}

/// The statistics of all devices of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = UserAnalysis)]
pub(crate) struct UserAnalysisAnswer {
    /// The user's id.
    #[schema(example = 1)]
    user_id: i64,
    /// Over all readings of all devices in one pool.
    aggregate_stats: AnalysisAnswer,
    /// Each device that has a reading in the period, by ascending number.
    device_stats: Vec<DeviceAnalysisAnswer>,
}

impl UserAnalysisAnswer {
    fn new(user: UserId, summary: UserSummary, period: Period) -> Self {
        let devices = summary.devices.into_iter().map(|(id, summaries)| DeviceAnalysisAnswer {
            device_id: id.as_str().to_owned(),
            stats: AnalysisAnswer::new(summaries, period),
        });
        let aggregate_stats = AnalysisAnswer::new(summary.aggregate, period);
        Self { user_id: user.0, aggregate_stats, device_stats: devices.collect() }
    }
}

/// Analyse a device
///
/// Minimum, maximum, count, sum and median of each axis over the readings of the period. Every statistic is exact.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}/analyze", tag = "statistics",
    params(super::document::DeviceIdParam),
    request_body = Option<AnalysisRequestBody>,
    responses(
        (status = 200, description = "The statistics.", body = AnalysisAnswer),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(super) async fn analyze_device(
    State(service): State<Service>,
    who: Principal,
    Parsed(input): Parsed<(PathDevice, OptionalJsonBody<Period>)>,
) -> Result<Json<AnalysisAnswer>, ApiError> {
    let (device, OptionalJsonBody(period)) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let summaries = service.analyze_device(&device, Window::closed(period.start, period.end)).await?;
    Ok(Json(AnalysisAnswer::new(summaries, period)))
}

/// Analyse all devices of a user
///
/// The same over all readings of all devices of a user in one pool, and for each device that has a reading in the
/// period.
#[utoipa::path(
    post, path = "/api/v1/stats/users/{user_id}/analyze", tag = "statistics",
    params(super::document::UserIdParam),
    request_body = Option<AnalysisRequestBody>,
    responses(
        (status = 200, description = "The statistics.", body = UserAnalysisAnswer),
        (status = 404, description = "`User not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(super) async fn analyze_user(
    State(service): State<Service>,
    who: Principal,
    Parsed(input): Parsed<(PathUser, OptionalJsonBody<Period>)>,
) -> Result<Json<UserAnalysisAnswer>, ApiError> {
    let (PathUser(id), OptionalJsonBody(period)) = input;
    let user = service.user(who, id, Action::Read).await?;
    let summary = service.analyze_user(&user, Window::closed(period.start, period.end)).await?;
    Ok(Json(UserAnalysisAnswer::new(user.id, summary, period)))
}
