//! `/stats/.../analysis`: analyses by `GET`, for links and dashboards, of a device, of all devices of a user,
//! or of chosen devices.

use axum::extract::State;
use axum::response::Response;
use device_stats_formats::Faults;
use device_stats_service::{DeviceSelection, Read, Service};
use utoipa::IntoParams;

use super::analyses::{AnalysisRequest, AnalysisResponse, DevicesAnalysisResponse, respond};
use super::statistics::read_wanted_query;
use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, IF_EMPTY_NAME, IfEmpty, IfEmptyParam, Input, PERIOD_NAMES, Parsed,
    PathReadingSource, PeriodParams, PeriodQuery, SELECTION_NAMES, SelectionParams, required_selection,
};

/// `percentiles`, `stats` and `magnitude`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the optional statistics of a query")]
pub(crate) struct StatisticsParams {
    /// Percentiles to compute for each axis, in percent: 1 to 20 numbers from 0 (the minimum) to 100 (the
    /// maximum), separated by commas.
    #[param(style = Form, explode = false, example = json!([50, 95, 99.9]), min_items = 1, max_items = 20)]
    percentiles: Option<Vec<f64>>,
    /// Optional statistics to compute for each axis, separated by commas.
    #[param(style = Form, explode = false, example = json!(["mean", "stddev"]), min_items = 1)]
    stats: Option<Vec<String>>,
    /// Whether to add the magnitude √(x² + y² + z²) as a fourth axis. The first request computes and stores
    /// the magnitudes of the readings, which can take minutes for a billion readings.
    #[param(example = true, default = false)]
    magnitude: Option<bool>,
}

const STATISTICS_NAMES: [&str; 3] = ["percentiles", "stats", "magnitude"];

/// Reads the period and the optional statistics of a query. Returns `None` after reporting a fault.
fn read_request(input: &Input, faults: &mut Faults) -> Option<AnalysisRequest> {
    let period = PeriodQuery::read(input, faults);
    let wanted = read_wanted_query(input, faults);
    let PeriodQuery(period) = period?;
    Some(AnalysisRequest { period, wanted: wanted? })
}

/// The query of an analysis of a device or of a user.
pub(crate) struct AnalysisQuery {
    request: AnalysisRequest,
    if_empty: IfEmpty,
}

impl FromInput for AnalysisQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let (request, if_empty) = (read_request(input, faults), IfEmpty::read(input, faults));
        let known = PERIOD_NAMES.into_iter().chain(STATISTICS_NAMES).chain([IF_EMPTY_NAME]);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        Some(Self { request: request?, if_empty: if_empty? })
    }
}

/// The query of an analysis of chosen devices.
pub(crate) struct DevicesAnalysisQuery {
    selection: DeviceSelection,
    request: AnalysisRequest,
    if_empty: IfEmpty,
}

impl FromInput for DevicesAnalysisQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let selection = required_selection(input, faults);
        let (request, if_empty) = (read_request(input, faults), IfEmpty::read(input, faults));
        let known = SELECTION_NAMES.into_iter().chain(PERIOD_NAMES).chain(STATISTICS_NAMES);
        let known = known.chain([IF_EMPTY_NAME]);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        Some(Self { selection: selection?, request: request?, if_empty: if_empty? })
    }
}

pub(super) const GET_USER_ANALYSIS: UserOperation = UserOperation {
    id: "get_user_analysis",
    summary: "Get an analysis of all devices of a user",
    description: "Returns the same as `POST .../analyze`.",
    schema: Some("UserAnalysis"),
};

/// Get an analysis of a device
///
/// Returns the same as `POST .../analyze`. The request has no body, so it fits into a link or a dashboard.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/analysis", tag = "statistics",
    operation_id = "get_device_analysis",
    params(DeviceIdParam, PeriodParams, StatisticsParams, IfEmptyParam),
    responses(
        (status = 200, description = "The statistics.", body = AnalysisResponse),
        (status = 204, description = "The period has no readings, and `if_empty` is `no_content`."),
        (status = 404, description = "`Device not found`, or `No statistics found for the specified period`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn get_analysis(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathReadingSource, AnalysisQuery)>,
) -> Result<Response, ApiError> {
    let (source, AnalysisQuery { request, if_empty }) = input;
    respond(&service, granted, source, &request, if_empty).await
}

/// Get an analysis of chosen devices
///
/// Computes the statistics over the readings of all chosen devices in one pool, and the statistics of each
/// device with a reading in the period. All come from one snapshot. The request chooses up to 1,000 devices.
#[utoipa::path(
    get, path = "/api/v1/stats/analysis", tag = "statistics",
    params(SelectionParams, PeriodParams, StatisticsParams, IfEmptyParam),
    responses(
        (status = 200, description = "The statistics.", body = DevicesAnalysisResponse),
        (status = 204, description = "The period has no readings, and `if_empty` is `no_content`."),
        (status = 404, description = "`Device not found` with the missing devices, or `No statistics found for the \
            specified period`.", body = ErrorResponse),
    ),
)]
pub(super) async fn get_devices_analysis(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(query): Parsed<DevicesAnalysisQuery>,
) -> Result<Response, ApiError> {
    let DevicesAnalysisQuery { selection, request, if_empty } = query;
    let window = request.period.to_window();
    let found = service.analyze_devices(granted, &selection, window, &request.wanted).await;
    if_empty.respond(found, |found| DevicesAnalysisResponse::new(found, &request))
}
