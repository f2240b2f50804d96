//! `/stats/.../analyze`: the statistics of a device, or of all devices of a user.

use axum::extract::State;
use axum::response::Response;
use device_stats_domain::{Axes, AxisResults, RequestedStatistics, Statistics, UserId};
use device_stats_formats::{Faults, Members};
use device_stats_service::{Analysis, Granted, Read, ReadingSource, Service};
use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::{StatisticsResponse, read_wanted};
use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, IfEmpty, Input, OptionalJsonBody, Parsed, PathReadingSource, Period,
    RequestBody, read_period,
};

/// The period of an analysis, and the optional statistics.
#[derive(ToSchema)]
#[schema(as = AnalysisRequest)]
#[expect(dead_code, reason = "describes `AnalysisRequest`")]
pub(crate) struct AnalysisRequestBody {
    /// First moment of the period (inclusive): RFC 3339 (UTC if it has no offset), a date, or seconds or
    /// milliseconds since 1970. If absent or `null`, the period has no start.
    #[schema(example = "2026-11-23T00:00:00Z", format = "date-time")]
    start_time: Option<String>,
    /// Last moment of the period (inclusive), in the same forms. If absent or `null`, the period has no end.
    #[schema(example = "2026-11-23T23:59:59.999999Z", format = "date-time")]
    end_time: Option<String>,
    /// First moment after the period (exclusive), in the same forms; instead of `end_time`.
    #[schema(example = "2026-11-24T00:00:00Z", format = "date-time")]
    until: Option<String>,
    /// Percentiles to compute for each axis, in percent: 1 to 20 numbers from 0 (the minimum) to 100 (the
    /// maximum).
    #[schema(example = json!([50, 95, 99.9]), min_items = 1, max_items = 20)]
    percentiles: Option<Vec<f64>>,
    /// Whether to compute the mean of each axis.
    #[schema(example = true, default = false)]
    mean: Option<bool>,
    /// Whether to compute the sample standard deviation of each axis.
    #[schema(example = true, default = false)]
    stddev: Option<bool>,
    /// Whether to compute the root mean square of each axis.
    #[schema(example = true, default = false)]
    rms: Option<bool>,
    /// Whether to compute the range of each axis: the maximum minus the minimum.
    #[schema(example = true, default = false)]
    range: Option<bool>,
    /// Whether to compute the interquartile range of each axis: the 75th percentile minus the 25th.
    #[schema(example = true, default = false)]
    iqr: Option<bool>,
    /// Whether to add the magnitude √(x² + y² + z²) as a fourth axis. The first request computes and stores
    /// the magnitudes of the readings, which can take minutes for a billion readings.
    #[schema(example = true, default = false)]
    magnitude: Option<bool>,
}

/// The optional body of an analysis. Members of the body in the query are refused, because otherwise all
/// readings would be analyzed.
pub(crate) struct AnalysisInput(AnalysisRequest);

impl FromInput for AnalysisInput {
    const NEEDS_BODY: bool = true;

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        input.refuse_queries_of_body(AnalysisRequestBody::NAMES, faults);
        OptionalJsonBody::<AnalysisRequestBody>::read(input, faults).map(|OptionalJsonBody(body)| Self(body))
    }
}

/// A request for an analysis.
#[derive(Default)]
pub(crate) struct AnalysisRequest {
    pub(super) period: Period,
    pub(super) wanted: RequestedStatistics,
}

impl RequestBody for AnalysisRequestBody {
    type Value = AnalysisRequest;
    const NAMES: &'static [&'static str] = &[
        "start_time",
        "end_time",
        "until",
        "percentiles",
        "mean",
        "stddev",
        "rms",
        "range",
        "iqr",
        "magnitude",
    ];

    fn read(members: &mut Members<'_>) -> Option<AnalysisRequest> {
        let period = read_period(members);
        let wanted = read_wanted(members);
        Some(AnalysisRequest { period: period?, wanted: wanted? })
    }
}

/// The statistics of all axes over a period.
#[derive(Serialize, ToSchema)]
#[schema(as = Analysis)]
pub(crate) struct AnalysisResponse {
    /// Statistics of the first axis.
    x: StatisticsResponse,
    /// Statistics of the second axis.
    y: StatisticsResponse,
    /// Statistics of the third axis.
    z: StatisticsResponse,
    /// Statistics of the magnitude, √(x² + y² + z²) of each reading, rounded once. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    magnitude: Option<StatisticsResponse>,
    /// Start of the requested period, RFC 3339 in UTC; `null` if the period has no start.
    #[schema(example = "2026-11-23T00:00:00.000000Z")]
    period_start: Option<String>,
    /// End of the requested period (inclusive), RFC 3339 in UTC; `null` if the period has no end.
    #[schema(example = "2026-11-23T23:59:59.999999Z")]
    period_end: Option<String>,
}

impl AnalysisResponse {
    fn new(statistics: AxisResults<Statistics>, request: &AnalysisRequest) -> Self {
        let AxisResults { axes: Axes { x, y, z }, magnitude } =
            statistics.map(|axis| StatisticsResponse::new(axis, &request.wanted));
        let (period_start, period_end) = request.period.to_texts();
        Self { x, y, z, magnitude, period_start, period_end }
    }
}

/// The statistics of one of several devices.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceAnalysis)]
pub(crate) struct DeviceAnalysisResponse {
    /// The client's name for the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// Statistics of the device.
    stats: AnalysisResponse,
}

/// The statistics of all devices of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = UserAnalysis)]
pub(crate) struct UserAnalysisResponse {
    /// Id of the user.
    #[schema(example = 1)]
    user_id: i64,
    /// Statistics over the readings of all devices in one pool.
    aggregate_stats: AnalysisResponse,
    /// Statistics of each device with a reading in the period, by ascending `id` of the device.
    device_stats: Vec<DeviceAnalysisResponse>,
}

impl UserAnalysisResponse {
    fn new(user: UserId, found: Analysis, request: &AnalysisRequest) -> Self {
        let DevicesAnalysisResponse { aggregate_stats, device_stats } =
            DevicesAnalysisResponse::new(found, request);
        Self { user_id: user.0, aggregate_stats, device_stats }
    }
}

/// The statistics of several devices.
#[derive(Serialize, ToSchema)]
#[schema(as = DevicesAnalysis)]
pub(crate) struct DevicesAnalysisResponse {
    /// Statistics over the readings of all devices in one pool.
    aggregate_stats: AnalysisResponse,
    /// Statistics of each device with a reading in the period, by ascending `id` of the device.
    device_stats: Vec<DeviceAnalysisResponse>,
}

impl DevicesAnalysisResponse {
    pub(super) fn new(found: Analysis, request: &AnalysisRequest) -> Self {
        let devices = found.devices.into_iter().map(|(id, statistics)| DeviceAnalysisResponse {
            device_id: id.as_str().to_owned(),
            stats: AnalysisResponse::new(statistics, request),
        });
        let aggregate_stats = AnalysisResponse::new(found.aggregate, request);
        Self { aggregate_stats, device_stats: devices.collect() }
    }
}

pub(super) const ANALYZE_USER: UserOperation = UserOperation {
    id: "analyze_user",
    summary: "Analyze all devices of a user",
    description: "Computes the same statistics over the readings of all devices of a user in one pool, and for each \
        device with a reading in the period.",
    schema: Some("UserAnalysis"),
};

/// Analyze a device
///
/// Computes minimum, maximum, count, sum and median of each axis over the readings of a period, and
/// percentiles, mean, standard deviation, root mean square, range and interquartile range on request. Every
/// statistic is exact.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}/analyze", tag = "statistics", operation_id = "analyze_device",
    params(DeviceIdParam),
    request_body = Option<AnalysisRequestBody>,
    responses(
        (status = 200, description = "The statistics.", body = AnalysisResponse),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn analyze(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathReadingSource, AnalysisInput)>,
) -> Result<Response, ApiError> {
    let (source, AnalysisInput(request)) = input;
    respond(&service, granted, source, &request, IfEmpty::NotFound).await
}

/// Analyzes a source of readings.
pub(super) async fn respond(
    service: &Service,
    granted: Granted<Read>,
    source: PathReadingSource,
    request: &AnalysisRequest,
    if_empty: IfEmpty,
) -> Result<Response, ApiError> {
    let source = source.find(service, granted).await?;
    let found = service.analyze(&source, request.period.to_window(), &request.wanted).await;
    match &*source {
        ReadingSource::Device(_) => {
            if_empty.respond(found, |found| AnalysisResponse::new(found.aggregate, request))
        }
        ReadingSource::User(user) => {
            if_empty.respond(found, |found| UserAnalysisResponse::new(user.id, found, request))
        }
    }
}
