//! `/devices`: create, find, update, delete and list devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Device, DeviceChange, DeviceFilter, DeviceKey, NewDevice};
use device_stats_formats::Members;
use device_stats_formats::values::{self, nullable};
use device_stats_service::{Action, Service};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use utoipa::ToSchema;

use super::created::{Created, ENCODED};
use super::listed::Listed;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, Cursor, DeviceFilterParams, DeviceIdParam, JsonBody, ListParams, ListQuery, Parsed, PathDevice,
    RequestBody,
};

/// A new device.
#[derive(ToSchema)]
#[schema(as = DeviceCreate)]
#[expect(dead_code, reason = "describes `NewDevice`")]
pub(crate) struct DeviceCreateBody {
    /// The client's name for the device, unique among devices: 1 to 255 bytes without control characters and
    /// without a space at either end, neither `.` nor `..`, compared byte by byte.
    #[schema(example = "pump-7", min_length = 1)]
    device_id: String,
    /// Display name of the device: up to 1,024 bytes without NUL.
    #[schema(example = "Pump in hall 3")]
    name: Option<String>,
    /// Id of the user that owns the device.
    #[schema(example = 1)]
    user_id: Option<i64>,
}

impl RequestBody for DeviceCreateBody {
    type Value = NewDevice;
    const NAMES: &'static [&'static str] = &["device_id", "name", "user_id"];

    fn read(members: &mut Members<'_>) -> Option<NewDevice> {
        let device_id = members.required("device_id", values::device_id);
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        Some(NewDevice { device_id: device_id?, name: name?.flatten(), user_id: user_id?.flatten() })
    }
}

/// Changes of a device. An absent member leaves the value unchanged, `null` clears it.
#[derive(ToSchema)]
#[schema(as = DeviceUpdate)]
#[expect(dead_code, reason = "describes `DeviceChange`")]
pub(crate) struct DeviceUpdateBody {
    /// The new display name: up to 1,024 bytes without NUL.
    #[schema(example = "Pump in hall 4")]
    name: Option<String>,
    /// Id of the new owner.
    #[schema(example = 2)]
    user_id: Option<i64>,
}

impl RequestBody for DeviceUpdateBody {
    type Value = DeviceChange;
    const NAMES: &'static [&'static str] = &["name", "user_id"];

    fn read(members: &mut Members<'_>) -> Option<DeviceChange> {
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        Some(DeviceChange { name: name?, user_id: user_id? })
    }
}

/// A device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceResponse {
    /// The client's name for the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// Display name of the device.
    #[schema(example = "Pump in hall 3")]
    name: Option<String>,
    /// Id of the user that owns the device.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// Number that the service gave the device; 1 or more, never reused. It is the `device_id` of a
    /// `Reading`.
    #[schema(example = 1, minimum = 1)]
    id: i64,
}

impl From<Device> for DeviceResponse {
    fn from(device: Device) -> Self {
        Self {
            device_id: device.device_id.as_str().to_owned(),
            name: device.name.map(|name| name.as_str().to_owned()),
            user_id: device.user_id.map(|user| user.0),
            id: device.key.0,
        }
    }
}

/// List devices
///
/// Returns a page of the devices, by ascending `id`: by number (`skip`), or by cursor (`after`), optionally
/// with filters.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices",
    params(ListParams, DeviceFilterParams),
    responses(
        (status = 200, description = "A page of devices.", body = [DeviceResponse],
            headers(("link" = String, description = "Address of the next page by cursor (`rel=\"next\"`), if there is one."))),
        (status = 404, description = "`User not found` if no user has this `user_id`.", body = ErrorResponse),
    ),
)]
pub(super) async fn list_devices(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed(input): Parsed<ListQuery<DeviceFilter>>,
) -> Result<Listed<DeviceResponse>, ApiError> {
    let (entries, next, others) = match input {
        ListQuery::Page(page) => (service.list_devices(principal, page).await?, None, Vec::new()),
        ListQuery::After { cursor: Cursor { after, limit }, filter, others } => {
            let page = service.list_devices_after(principal, DeviceKey(after), &filter, limit).await?;
            let next = page.entries.last().filter(|_| page.has_more).map(|last| last.key.0);
            (page.entries, next, others)
        }
    };
    let entries = entries.into_iter().map(DeviceResponse::from).collect();
    Ok(Listed::new(entries, "/api/v1/devices", next, &others))
}

/// Register a device
///
/// A device accepts readings after it is registered. Its owner is optional.
#[utoipa::path(
    post, path = "/api/v1/devices", tag = "devices",
    request_body = DeviceCreateBody,
    responses(
        (status = 201, description = "The new device.", body = DeviceResponse,
            headers(("location" = String, description = "Path of the device."))),
        (status = 400, description = "`Device with this ID already exists` (checked first), `User not found` if no \
            user has this `user_id`, or the body is incomplete or not UTF-8.", body = ErrorResponse),
    ),
)]
pub(super) async fn create_device(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed(input): Parsed<JsonBody<DeviceCreateBody>>,
) -> Result<Created<DeviceResponse>, ApiError> {
    let JsonBody(device) = input;
    let device = service.create_device(principal, device).await?;
    let segment = utf8_percent_encode(device.device_id.as_str(), ENCODED);
    Ok(Created { location: format!("/api/v1/devices/{segment}"), body: device.into() })
}

/// Find a device
///
/// Returns a device.
#[utoipa::path(
    get, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam),
    responses(
        (status = 200, description = "The device.", body = DeviceResponse),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn find_device(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed(device): Parsed<PathDevice>,
) -> Result<Json<DeviceResponse>, ApiError> {
    let device = service.find_device(principal, device.id()?, Action::Read).await?;
    Ok(Json(device.into_inner().into()))
}

/// Change a device
///
/// Changes the values of the members that are present; `null` clears a value.
#[utoipa::path(
    put, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam),
    request_body = DeviceUpdateBody,
    responses(
        (status = 200, description = "The device after the change.", body = DeviceResponse),
        (status = 400, description = "`User not found` if no user has this `user_id`, or the body is incomplete or not \
            UTF-8.", body = ErrorResponse),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn update_device(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed(input): Parsed<(PathDevice, JsonBody<DeviceUpdateBody>)>,
) -> Result<Json<DeviceResponse>, ApiError> {
    let (device, JsonBody(change)) = input;
    let device = service.find_device(principal, device.id()?, Action::Manage).await?;
    Ok(Json(service.update_device(&device, change).await?.into()))
}

/// Delete a device
///
/// Deletes a device and all its readings.
#[utoipa::path(
    delete, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam),
    responses(
        (status = 204, description = "The device is deleted."),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn delete_device(
    State(service): State<Service>,
    Caller(principal): Caller,
    Parsed(device): Parsed<PathDevice>,
) -> Result<StatusCode, ApiError> {
    let device = service.find_device(principal, device.id()?, Action::Manage).await?;
    service.delete_device(&device).await?;
    Ok(StatusCode::NO_CONTENT)
}
