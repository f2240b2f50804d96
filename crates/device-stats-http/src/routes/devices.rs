//! `/devices`: registering, listing, finding, changing and deleting devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Device, DeviceChange, NewDevice};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{JsonBody, PageQuery, Parsed, PathDevice, RequestBody};
use crate::openapi::ErrorAnswer;
use device_stats_formats::members::Members;
use device_stats_formats::values::{self, nullable};
use device_stats_service::{Action, Service};

/// A device to be registered.
#[derive(ToSchema)]
#[schema(as = DeviceCreate)]
#[expect(dead_code, reason = "describes the body; `NewDevice` is its value")]
pub(crate) struct DeviceCreateBody {
    /// The caller's own name of the device, unique among devices: 1 to 255 bytes, no control character, no space at
    /// either end, neither `.` nor `..`; compared byte by byte.
    #[schema(example = "pump-7", min_length = 1)]
    device_id: String,
    /// What people call it; at most 1,024 bytes, no NUL.
    #[schema(example = "Pump in hall 3")]
    name: Option<String>,
    /// The id of the user whose device it is.
    #[schema(example = 1)]
    user_id: Option<i64>,
}

impl RequestBody for DeviceCreateBody {
    type Value = NewDevice;

    fn read(members: &mut Members<'_>) -> Option<NewDevice> {
        let device_id = members.required("device_id", values::device_id);
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        Some(NewDevice { device_id: device_id?, name: name?.flatten(), user_id: user_id?.flatten() })
    }
}

/// What is to change about a device; an absent member stays as it is, `null` clears.
#[derive(ToSchema)]
#[schema(as = DeviceUpdate)]
#[expect(dead_code, reason = "describes the body; `DeviceChange` is its value")]
pub(crate) struct DeviceUpdateBody {
    /// The new name; at most 1,024 bytes, no NUL.
    #[schema(example = "Pump in hall 4")]
    name: Option<String>,
    /// The id of the new owner.
    #[schema(example = 2)]
    user_id: Option<i64>,
}

impl RequestBody for DeviceUpdateBody {
    type Value = DeviceChange;

    fn read(members: &mut Members<'_>) -> Option<DeviceChange> {
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        Some(DeviceChange { name: name?, user_id: user_id? })
    }
}

/// A device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceAnswer {
    /// The caller's own name of the device.
    #[schema(example = "pump-7")]
    device_id: String,
    /// What people call it.
    #[schema(example = "Pump in hall 3")]
    name: Option<String>,
    /// The id of the user whose device it is.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// The device's number, which readings carry; 1 and up, never given twice.
    #[schema(example = 1, minimum = 1)]
    id: i64,
}

impl From<Device> for DeviceAnswer {
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
/// A page of all devices, by ascending id.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices",
    params(crate::openapi::PageParams),
    responses((status = 200, description = "The page.", body = [DeviceAnswer])),
)]
pub(crate) async fn list_devices(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<PageQuery>,
) -> Result<Json<Vec<DeviceAnswer>>, ApiError> {
    let PageQuery(page) = input;
    let devices = service.list_devices(who, page).await?;
    Ok(Json(devices.into_iter().map(DeviceAnswer::from).collect()))
}

/// Register a device
#[utoipa::path(
    post, path = "/api/v1/devices", tag = "devices",
    request_body = DeviceCreateBody,
    responses(
        (status = 201, description = "The device.", body = DeviceAnswer),
        (status = 400, description = "`Device with this ID already exists` (looked at first), `User not found` where \
            `user_id` names nobody, or a body that is no UTF-8.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn create_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<JsonBody<DeviceCreateBody>>,
) -> Result<(StatusCode, Json<DeviceAnswer>), ApiError> {
    let JsonBody(device) = input;
    Ok((StatusCode::CREATED, Json(service.create_device(who, device).await?.into())))
}

/// Find a device
#[utoipa::path(
    get, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(crate::openapi::DeviceIdParam),
    responses(
        (status = 200, description = "The device.", body = DeviceAnswer),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn find_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(device): Parsed<PathDevice>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let device = service.device(who, device.id()?, Action::Read).await?;
    Ok(Json(device.into_inner().into()))
}

/// Change a device
///
/// Changes the members that are present; `null` clears.
#[utoipa::path(
    put, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(crate::openapi::DeviceIdParam),
    request_body = DeviceUpdateBody,
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceAnswer),
        (status = 400, description = "`User not found` where `user_id` names nobody, or a body that is no UTF-8.",
            body = ErrorAnswer),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn update_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, JsonBody<DeviceUpdateBody>)>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let (device, JsonBody(change)) = input;
    let device = service.device(who, device.id()?, Action::Manage).await?;
    Ok(Json(service.update_device(&device, change).await?.into()))
}

/// Delete a device
///
/// Deletes the device with all its readings.
#[utoipa::path(
    delete, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(crate::openapi::DeviceIdParam),
    responses(
        (status = 204, description = "The device is gone."),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn delete_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(device): Parsed<PathDevice>,
) -> Result<StatusCode, ApiError> {
    let device = service.device(who, device.id()?, Action::Manage).await?;
    service.delete_device(&device).await?;
    Ok(StatusCode::NO_CONTENT)
}
