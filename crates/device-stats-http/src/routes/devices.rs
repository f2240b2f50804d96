//! `/devices`: create, find, update, delete and list devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Device, DeviceChange, DeviceFilter, DeviceKey, ExpectedInterval, NewDevice};
use device_stats_formats::Members;
use device_stats_formats::values::{self, nullable};
use device_stats_service::{Manage, Read, Service};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use utoipa::ToSchema;

use super::created::{Created, ENCODED};
use super::listed::Listed;
use super::tagged::Tagged;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, ConditionParams, Conditions, Cursor, DeviceFilterParams, DeviceIdParam, Include, IncludeParam,
    JsonBody, ListParams, ListQuery, Parsed, PathDevice, RequestBody,
};
use crate::headers::entity_tag::EntityTag;

/// A new device.
#[derive(ToSchema)]
#[schema(as = DeviceCreate)]
#[expect(dead_code, reason = "describes `NewDevice`")]
pub(crate) struct DeviceCreateBody {
    /// The client's name for the device, unique among devices: 1 to 255 bytes without control characters and
    /// without a space at either end, neither `.` nor `..`, compared byte by byte.
    #[schema(example = "pump-7", min_length = 1, format = "device-id")]
    device_id: String,
    /// Display name of the device: up to 1,024 bytes without NUL.
    #[schema(example = "Pump in hall 3", pattern = r"^[^\u0000]*$")]
    name: Option<String>,
    /// Id of the user that owns the device.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// Longest time without readings that is normal for the device, in seconds: greater than 0, up to
    /// 2,678,400 (31 days), kept to the microsecond. After it, the device counts as silent. `null` or absent:
    /// learned from the times at which readings are received.
    #[schema(example = 90.0, exclusive_minimum = 0, maximum = 2_678_400)]
    expected_interval_s: Option<f64>,
}

impl RequestBody for DeviceCreateBody {
    type Value = NewDevice;
    const NAMES: &'static [&'static str] = &["device_id", "name", "user_id", "expected_interval_s"];

    fn read(members: &mut Members<'_>) -> Option<NewDevice> {
        let device_id = members.required("device_id", values::device_id);
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        let interval = members.optional("expected_interval_s", nullable(values::expected_interval));
        let (name, user_id) = (name?.flatten(), user_id?.flatten());
        Some(NewDevice { device_id: device_id?, name, user_id, expected_interval: interval?.flatten() })
    }
}

/// Changes of a device. An absent member leaves the value unchanged, `null` clears it.
#[derive(ToSchema)]
#[schema(as = DeviceUpdate)]
#[expect(dead_code, reason = "describes `DeviceChange`")]
pub(crate) struct DeviceUpdateBody {
    /// The new display name: up to 1,024 bytes without NUL.
    #[schema(example = "Pump in hall 4", pattern = r"^[^\u0000]*$")]
    name: Option<String>,
    /// Id of the new owner.
    #[schema(example = 2)]
    user_id: Option<i64>,
    /// The new longest time without readings that is normal, in seconds: greater than 0, up to 2,678,400 (31
    /// days). `null`: learned from the times at which readings are received.
    #[schema(example = 90.0, exclusive_minimum = 0, maximum = 2_678_400)]
    expected_interval_s: Option<f64>,
}

impl RequestBody for DeviceUpdateBody {
    type Value = DeviceChange;
    const NAMES: &'static [&'static str] = &["name", "user_id", "expected_interval_s"];

    fn read(members: &mut Members<'_>) -> Option<DeviceChange> {
        let name = members.optional("name", nullable(values::device_name));
        let user_id = members.optional("user_id", nullable(values::user_id));
        let interval = members.optional("expected_interval_s", nullable(values::expected_interval));
        Some(DeviceChange { name: name?, user_id: user_id?, expected_interval: interval? })
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
    /// Time of creation, RFC 3339 in UTC; `null` if it is unknown. Absent unless requested with `include`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T10:00:00.250000Z", value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a time are three outcomes")]
    created_at: Option<Option<String>>,
    /// Longest time without readings that a client has set as normal, in seconds; `null` if none is set.
    /// Absent unless requested with `include`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 90.0, value_type = Option<f64>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a number are three outcomes")]
    expected_interval_s: Option<Option<f64>>,
}

impl DeviceResponse {
    pub(super) fn new(device: &Device, include: Include) -> Self {
        Self {
            device_id: device.device_id.as_str().to_owned(),
            name: device.name.as_ref().map(|name| name.as_str().to_owned()),
            user_id: device.user_id.map(|user| user.0),
            id: device.key.0,
            created_at: include.created_at.then(|| device.created_at.map(|time| time.to_string())),
            expected_interval_s: include
                .expected_interval
                .then(|| device.expected_interval.map(ExpectedInterval::seconds)),
        }
    }

    /// Returns the tag of a device. It does not depend on `include`.
    fn tag(device: &Device) -> EntityTag {
        EntityTag::of(&Self::new(device, Include::STATE))
    }
}

impl From<Device> for DeviceResponse {
    fn from(device: Device) -> Self {
        Self::new(&device, Include::default())
    }
}

/// List devices
///
/// Returns a page of the devices, by ascending `id`. The page is chosen by position (`skip`), or by cursor
/// (`after`), optionally with filters.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices",
    params(ListParams, DeviceFilterParams, IncludeParam),
    responses(
        (status = 200, description = "A page of devices.", body = [DeviceResponse],
            headers(("link" = String, description = "Address of the next page by cursor (`rel=\"next\"`), relative to this one, if there is one."))),
        (status = 404, description = "`User not found` if no user has this `user_id`.", body = ErrorResponse),
    ),
)]
pub(super) async fn list_devices(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed((query, include)): Parsed<(ListQuery<DeviceFilter>, Include)>,
) -> Result<Listed<DeviceResponse>, ApiError> {
    let (entries, next, others) = match query {
        ListQuery::Page(page) => (service.list_devices(granted, page).await?, None, Vec::new()),
        ListQuery::After { cursor: Cursor { after, limit }, filter, others } => {
            let page = service.list_devices_after(granted, DeviceKey(after), &filter, limit).await?;
            let next = page.entries.last().filter(|_| page.has_more).map(|last| last.key.0);
            (page.entries, next, others)
        }
    };
    let entries = entries.iter().map(|device| DeviceResponse::new(device, include)).collect();
    Ok(Listed::new(entries, next, &others))
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
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<JsonBody<DeviceCreateBody>>,
) -> Result<Created<DeviceResponse>, ApiError> {
    let JsonBody(device) = input;
    let device = service.create_device(granted, device).await?;
    let segment = utf8_percent_encode(device.device_id.as_str(), ENCODED);
    Ok(Created { location: format!("/api/v1/devices/{segment}"), body: device.into() })
}

/// Find a device
///
/// Returns a device. The header `ETag` identifies its state: it changes when the device changes.
#[utoipa::path(
    get, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam, IncludeParam, ConditionParams),
    responses(
        (status = 200, description = "The device.", body = DeviceResponse,
            headers(("etag" = String, description = "Identifies the state of the device."))),
        (status = 304, description = "The state is one of those in `If-None-Match`."),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
        (status = 412, description = "The state is none of those in `If-Match`.", body = ErrorResponse),
    ),
)]
pub(super) async fn find_device(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathDevice, Include, Conditions)>,
) -> Result<Tagged<DeviceResponse>, ApiError> {
    let (device, include, conditions) = input;
    let device = service.find_device(granted, device.id()?).await?;
    let tag = DeviceResponse::tag(&device);
    let is_known = conditions.check_read(&tag)?;
    Ok(Tagged { tag, is_known, body: DeviceResponse::new(&device, include) })
}

/// Change a device
///
/// Changes the values of the members that are present; `null` clears a value. With `If-Match` and the `ETag`
/// of the device, the request changes nothing if another client has changed the device since. The response
/// has the new `ETag`.
#[utoipa::path(
    put, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam, ConditionParams),
    request_body = DeviceUpdateBody,
    responses(
        (status = 200, description = "The device after the change.", body = DeviceResponse),
        (status = 400, description = "`User not found` if no user has this `user_id`, or the body is incomplete or not \
            UTF-8.", body = ErrorResponse),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
        (status = 412, description = "The state of the device does not meet the conditions; nothing has changed.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn update_device(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<(PathDevice, JsonBody<DeviceUpdateBody>, Conditions)>,
) -> Result<Json<DeviceResponse>, ApiError> {
    let (device, JsonBody(change), conditions) = input;
    let device = service.find_device(granted, device.id()?).await?;
    let expected = expected_state(&device, &conditions)?;
    Ok(Json(service.update_device(&device, expected, change).await?.into()))
}

/// Returns the state that the conditions of a change have been checked with; `None` without conditions.
fn expected_state<'d>(device: &'d Device, conditions: &Conditions) -> Result<Option<&'d Device>, ApiError> {
    if conditions.are_always_met() {
        return Ok(None);
    }
    conditions.check_change(&DeviceResponse::tag(device))?;
    Ok(Some(device))
}

/// Delete a device
///
/// Deletes a device and all its readings.
#[utoipa::path(
    delete, path = "/api/v1/devices/{device_id}", tag = "devices",
    params(DeviceIdParam, ConditionParams),
    responses(
        (status = 204, description = "The device is deleted."),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
        (status = 412, description = "The state of the device does not meet the conditions; nothing is deleted.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn delete_device(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<(PathDevice, Conditions)>,
) -> Result<StatusCode, ApiError> {
    let (device, conditions) = input;
    let device = service.find_device(granted, device.id()?).await?;
    let expected = expected_state(&device, &conditions)?;
    service.delete_device(&device, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
