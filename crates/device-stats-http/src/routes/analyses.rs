//! `/stats/.../analyze`: the statistics of a device, and of all devices of a user.

use axum::Json;
use axum::extract::State;
use device_stats_domain::{Axes, Statistics, UserId, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::{StatisticsAnswer, read_wanted};
use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{OptionalJsonBody, Parsed, PathDevice, PathUser, Period, RequestBody};
use crate::openapi::ErrorAnswer;
use device_stats_formats::members::Members;
use device_stats_formats::values::{self, nullable};
use device_stats_service::{Action, Service, UserStatistics};

/// The period to analyse, and what to answer beyond the five statistics.
#[derive(ToSchema)]
#[schema(as = AnalysisRequest)]
#[expect(dead_code, reason = "describes the body; `AnalysisRequest` is its value")]
pub(crate) struct AnalysisRequestBody {
    /// The first moment, which belongs to the period: RFC 3339 (without offset: UTC), a date, or seconds or
    /// milliseconds since 1970. Open where it is missing or `null`.
    #[schema(example = "2026-11-23T00:00:00Z")]
    start_time: Option<String>,
    /// The last moment, which belongs to the period, written likewise.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    end_time: Option<String>,
    /// Percentiles to answer for each axis, in percent: 1 to 20 numbers from 0 (the minimum) to 100 (the maximum).
    #[schema(example = json!([50, 95, 99.9]), min_items = 1, max_items = 20)]
    percentiles: Option<Vec<f64>>,
    /// Whether to answer the mean of each axis.
    #[schema(example = true, default = false)]
    mean: Option<bool>,
    /// Whether to answer the sample standard deviation of each axis.
    #[schema(example = true, default = false)]
    stddev: Option<bool>,
}

/// What an analysis is asked for.
#[derive(Default)]
pub(crate) struct AnalysisRequest {
    period: Period,
    wanted: Wanted,
}

impl RequestBody for AnalysisRequestBody {
    type Value = AnalysisRequest;

    fn read(members: &mut Members<'_>) -> Option<AnalysisRequest> {
        let start = members.optional("start_time", nullable(values::moment));
        let end = members.optional("end_time", nullable(values::moment));
        let wanted = read_wanted(members);
        let period = Period { start: start?.flatten(), end: end?.flatten() };
        Some(AnalysisRequest { period, wanted: wanted? })
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
    fn new(statistics: Axes<Statistics>, request: &AnalysisRequest) -> Self {
        let Axes { x, y, z } = statistics.map(|axis| StatisticsAnswer::new(axis, &request.wanted));
        let (period_start, period_end) = request.period.written();
        Self { x, y, z, period_start, period_end }
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
    fn new(user: UserId, found: UserStatistics, request: &AnalysisRequest) -> Self {
        let devices = found.devices.into_iter().map(|(id, statistics)| DeviceAnalysisAnswer {
            device_id: id.as_str().to_owned(),
            stats: AnalysisAnswer::new(statistics, request),
        });
        let aggregate_stats = AnalysisAnswer::new(found.aggregate, request);
        Self { user_id: user.0, aggregate_stats, device_stats: devices.collect() }
    }
}

/// Analyse a device
///
/// Minimum, maximum, count, sum and median of each axis over the readings of the period, and percentiles, mean and
/// standard deviation where they are asked for. Every statistic is exact.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}/analyze", tag = "statistics",
    params(crate::openapi::DeviceIdParam),
    request_body = Option<AnalysisRequestBody>,
    responses(
        (status = 200, description = "The statistics.", body = AnalysisAnswer),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn analyze_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, OptionalJsonBody<AnalysisRequestBody>)>,
) -> Result<Json<AnalysisAnswer>, ApiError> {
    let (device, OptionalJsonBody(request)) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let statistics = service.analyze_device(&device, request.period.window(), &request.wanted).await?;
    Ok(Json(AnalysisAnswer::new(statistics, &request)))
}

/// Analyse all devices of a user
///
/// The same over all readings of all devices of a user in one pool, and for each device that has a reading in the
/// period.
#[utoipa::path(
    post, path = "/api/v1/stats/users/{user_id}/analyze", tag = "statistics",
    params(crate::openapi::UserIdParam),
    request_body = Option<AnalysisRequestBody>,
    responses(
        (status = 200, description = "The statistics.", body = UserAnalysisAnswer),
        (status = 404, description = "`User not found`, or `No statistics found for the specified period`.",
            body = ErrorAnswer),
    ),
)]
pub(crate) async fn analyze_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathUser, OptionalJsonBody<AnalysisRequestBody>)>,
) -> Result<Json<UserAnalysisAnswer>, ApiError> {
    let (PathUser(id), OptionalJsonBody(request)) = input;
    let user = service.user(who, id, Action::Read).await?;
    let found = service.analyze_user(&user, request.period.window(), &request.wanted).await?;
    Ok(Json(UserAnalysisAnswer::new(user.id, found, &request)))
}
