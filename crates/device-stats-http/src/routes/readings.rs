//! `/stats/devices/{device_id}`: posting one reading and listing readings. (The contract calls readings "stats".)

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Axes, Reading};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::idempotency_key::{KeyHeader, KeyParam};
use crate::extract::input::{JsonBody, PageQuery, Parsed, PathDevice, PeriodQuery, RequestBody};
use crate::openapi::ErrorAnswer;
use device_stats_domain::Measurement;
use device_stats_formats::members::{FromMembers, Members};
use device_stats_service::{Action, Service};

/// A reading to be stored.
#[derive(ToSchema)]
#[schema(as = ReadingCreate)]
#[expect(dead_code, reason = "describes the body; `Measurement` is its value")]
pub(crate) struct ReadingCreateBody {
    /// A finite IEEE 754 double, in the device's own unit; kept to the last bit (`-0.0` becomes `0.0`). A numeric
    /// string is taken for its number.
    #[schema(example = 1.5)]
    x: f64,
    /// As `x`.
    #[schema(example = -0.25)]
    y: f64,
    /// As `x`.
    #[schema(example = 9.81)]
    z: f64,
    /// When it was taken: RFC 3339 (without offset: UTC), a date, or seconds or milliseconds since 1970; years 1 to
    /// 9999, cut to the microsecond. A device has one reading a moment: the same moment again is a repeat and changes
    /// nothing. Without it, the server's clock decides.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    timestamp: Option<String>,
}

impl RequestBody for ReadingCreateBody {
    type Value = Measurement;

    fn read(members: &mut Members<'_>) -> Option<Measurement> {
        Measurement::read(members)
    }
}

/// A stored reading.
#[derive(Serialize, ToSchema)]
#[schema(as = Reading)]
pub(crate) struct ReadingAnswer {
    /// The first number, in the device's own unit.
    #[schema(example = 1.5)]
    x: f64,
    /// The second number, in the device's own unit.
    #[schema(example = -0.25)]
    y: f64,
    /// The third number, in the device's own unit.
    #[schema(example = 9.81)]
    z: f64,
    /// The reading's id; 1 and up, never given twice, in no particular order.
    #[schema(example = 1, minimum = 1)]
    id: i64,
    /// The number (`id`) of the device.
    #[schema(example = 1, minimum = 1)]
    device_id: i64,
    /// When it was taken: RFC 3339, UTC, microseconds.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    timestamp: String,
}

impl From<Reading> for ReadingAnswer {
    fn from(reading: Reading) -> Self {
        let Axes { x, y, z } = reading.values.map(device_stats_domain::Finite::get);
        Self { x, y, z, id: reading.id.0, device_id: reading.device.0, timestamp: reading.time.to_string() }
    }
}

/// Post a reading
///
/// An answer of 201 means that the reading is in stable storage and part of every analysis that starts later. Of a
/// repeat, the answer shows the reading that was stored first.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}", tag = "statistics",
    params(crate::openapi::DeviceIdParam, KeyParam),
    request_body = ReadingCreateBody,
    responses(
        (status = 201, description = "The reading as stored.", body = ReadingAnswer),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn append_reading(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, KeyHeader, JsonBody<ReadingCreateBody>)>,
) -> Result<(StatusCode, Json<ReadingAnswer>), ApiError> {
    let (device, KeyHeader(key), JsonBody(measurement)) = input;
    let reading = service.append_reading(who, device.id()?, measurement, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(reading.into())))
}

/// List readings
///
/// A page of the readings of a device, newest first. Both ends of the period belong to it.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}", tag = "statistics",
    params(crate::openapi::DeviceIdParam, crate::openapi::PeriodParams, crate::openapi::PageParams),
    responses(
        (status = 200, description = "The page.", body = [ReadingAnswer]),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_readings(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, PeriodQuery, PageQuery)>,
) -> Result<Json<Vec<ReadingAnswer>>, ApiError> {
    let (device, PeriodQuery(period), PageQuery(page)) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let readings = service.list_readings(&device, period.window(), page).await?;
    Ok(Json(readings.into_iter().map(ReadingAnswer::from).collect()))
}
