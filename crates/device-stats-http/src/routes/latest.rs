//! `/stats/.../latest`: the latest reading of each device.

use axum::Json;
use axum::extract::State;
use device_stats_domain::{DeviceFilter, DeviceKey};
use device_stats_formats::{Faults, values};
use device_stats_service::{DeviceSelection, LatestReading, Read, Service};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::listed::Listed;
use super::readings::ReadingResponse;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, Cursor, DeviceIdParam, FromInput, Input, NoQuery, Parsed, PathDevice, SelectionParams,
    listed_devices, read_cursor,
};

/// `user_id`, `after` and `limit`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `LatestQuery`")]
pub(crate) struct LatestParams {
    /// Only devices of the user with this id, instead of `device_id`.
    #[param(example = 1)]
    user_id: Option<i64>,
    /// The `id` of the last device of the previous page; 0 for the first page. Not with `device_id`.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
    /// Maximum number of devices of the page; 1 to 1,000. Not with `device_id`.
    #[param(example = 100, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

/// The query of a list of latest readings.
pub(crate) struct LatestQuery {
    selection: DeviceSelection,
    cursor: Cursor,
    /// The parameters of the next page, without `after`.
    others: Vec<(String, String)>,
}

impl FromInput for LatestQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let listed = listed_devices(input, &["prefix", "user_id", "after", "limit"], faults);
        let prefix = input.query("prefix", faults, values::device_id_prefix);
        let user_id = input.query("user_id", faults, values::user_id);
        let cursor = read_cursor(input, faults);
        input.refuse_other_queries(&["device_id", "prefix", "user_id", "after", "limit"], faults);
        let filter = DeviceFilter { user_id: user_id?, prefix: prefix?, text: None };
        let selection = listed?.unwrap_or(DeviceSelection::Matching(filter));
        Some(Self { selection, cursor: cursor?, others: input.queries_except("after") })
    }
}

/// A device and its latest reading.
#[derive(Serialize, ToSchema)]
#[schema(as = LatestReading)]
pub(crate) struct LatestResponse {
    /// The client's name for the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// Number (`id`) of the device.
    #[schema(example = 1, minimum = 1)]
    id: i64,
    /// The latest reading; `null` if the device has no readings.
    reading: Option<ReadingResponse>,
}

impl From<LatestReading> for LatestResponse {
    fn from((device, reading): LatestReading) -> Self {
        let device_id = device.device_id.as_str().to_owned();
        Self { device_id, id: device.key.0, reading: reading.map(ReadingResponse::from) }
    }
}

/// Find the latest reading of a device
///
/// Returns the reading with the latest time.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/latest", tag = "statistics",
    params(DeviceIdParam),
    responses(
        (status = 200, description = "The reading.", body = ReadingResponse),
        (status = 404, description = "`Device not found`, or `Reading not found` if the device has no readings.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn find_latest(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed((device, NoQuery)): Parsed<(PathDevice, NoQuery)>,
) -> Result<Json<ReadingResponse>, ApiError> {
    let device = service.find_device(granted, device.id()?).await?;
    Ok(Json(service.find_latest(&device).await?.into()))
}

/// List the latest readings of many devices
///
/// Returns the chosen devices, each with its latest reading, by ascending `id` of the device. Without
/// `device_id`, the response is a page: the header `Link` contains the address of the next page.
#[utoipa::path(
    get, path = "/api/v1/stats/latest", tag = "statistics",
    params(SelectionParams, LatestParams),
    responses(
        (status = 200, description = "The devices.", body = [LatestResponse],
            headers(("link" = String, description = "Address of the next page (`rel=\"next\"`), relative to this one, if there is one."))),
        (status = 404, description = "`Device not found` with the missing devices, or `User not found`.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn list_latest(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(query): Parsed<LatestQuery>,
) -> Result<Listed<LatestResponse>, ApiError> {
    let LatestQuery { selection, cursor: Cursor { after, limit }, others } = query;
    let page = service.list_latest(granted, &selection, DeviceKey(after), limit).await?;
    let next = page.entries.last().filter(|_| page.has_more).map(|(device, _)| device.key.0);
    let entries = page.entries.into_iter().map(LatestResponse::from).collect();
    Ok(Listed::new(entries, next, &others))
}
