//! `/stats/devices/{device_id}`: append one reading, list readings, and find one. The contract calls readings
//! "stats".

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Axes, Finite, ListPage, Measurement, Reading};
use device_stats_formats::{Faults, ReadingTimes, Row};
use device_stats_service::{Read, Service};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, Input, KeyHeader, KeyParam, PERIOD_NAMES, PageParams, PageQuery,
    Parsed, PathDevice, PathTime, Period, PeriodParams, PeriodQuery, PrecisionParam, ReadingSender,
    TimestampParam, precision, read_object,
};

/// A new reading.
#[derive(ToSchema)]
#[schema(as = ReadingCreate)]
#[expect(dead_code, reason = "describes `Measurement`")]
pub(crate) struct ReadingCreateBody {
    /// Value of the first axis, in the unit of the device: a finite IEEE 754 double, stored exactly (`-0.0`
    /// becomes `0.0`). A numeric string counts as a number.
    #[schema(example = 1.5)]
    x: f64,
    /// Value of the second axis; same rules as `x`.
    #[schema(example = -0.25)]
    y: f64,
    /// Value of the third axis; same rules as `x`.
    #[schema(example = 9.81)]
    z: f64,
    /// Time of the reading: RFC 3339 (UTC if it has no offset), a date, or seconds or milliseconds since
    /// 1970; years 1 to 9999, truncated to microseconds. A device has at most one reading per microsecond: a
    /// second reading with the same time is a repeat and changes nothing. If absent, the server sets the
    /// time.
    #[schema(example = "2026-11-23T10:00:00.250000Z", format = "date-time")]
    timestamp: Option<String>,
}

/// A new reading as the body of a request.
pub(crate) struct NewReadingBody(Measurement);

impl FromInput for NewReadingBody {
    const NEEDS_BODY: bool = true;

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let mut times = ReadingTimes::new(precision(input, faults));
        let names = &["x", "y", "z", "timestamp"];
        input.refuse_queries_of_body(names, faults);
        read_object(input, names, faults, |members| Measurement::from_members(members, &mut times)).map(Self)
    }
}

/// A stored reading.
#[derive(Serialize, ToSchema)]
#[schema(as = Reading)]
pub(crate) struct ReadingResponse {
    /// Value of the first axis, in the unit of the device.
    #[schema(example = 1.5)]
    x: f64,
    /// Value of the second axis, in the unit of the device.
    #[schema(example = -0.25)]
    y: f64,
    /// Value of the third axis, in the unit of the device.
    #[schema(example = 9.81)]
    z: f64,
    /// Id of the reading; 1 or more, never reused, in no particular order.
    #[schema(example = 1, minimum = 1)]
    id: i64,
    /// Number (`id`) of the device.
    #[schema(example = 1, minimum = 1)]
    device_id: i64,
    /// Time of the reading: RFC 3339, UTC, with microseconds.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    timestamp: String,
}

impl From<Reading> for ReadingResponse {
    fn from(reading: Reading) -> Self {
        let Axes { x, y, z } = reading.values.map(Finite::get);
        Self { x, y, z, id: reading.id.0, device_id: reading.device.0, timestamp: reading.time.to_string() }
    }
}

/// Post a reading
///
/// A 201 response means that the reading is in stable storage and part of every analysis that starts later.
/// The response to a repeat shows the reading that was stored first.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}", tag = "statistics",
    params(DeviceIdParam, PrecisionParam, KeyParam),
    request_body = ReadingCreateBody,
    responses(
        (status = 201, description = "The stored reading.", body = ReadingResponse),
        (status = 404, description = "`Device not found`; or the reading of a repeated `Idempotency-Key` has been \
            deleted.", body = ErrorResponse),
    ),
)]
pub(super) async fn append_reading(
    State(service): State<Service>,
    sender: ReadingSender,
    Parsed(input): Parsed<(PathDevice, KeyHeader, NewReadingBody)>,
) -> Result<(StatusCode, Json<ReadingResponse>), ApiError> {
    let (device, KeyHeader(key), NewReadingBody(measurement)) = input;
    let granted = sender.charge(&service, 1)?;
    let reading = service.append_reading(granted, device.id()?, measurement, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(reading.into())))
}

/// The query of a list of readings.
pub(crate) struct ReadingsQuery {
    period: Period,
    page: ListPage,
}

impl FromInput for ReadingsQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let period = PeriodQuery::read(input, faults);
        let page = PageQuery::read(input, faults);
        input.refuse_misnamed_queries(&PERIOD_NAMES, faults);
        let (PeriodQuery(period), PageQuery(page)) = (period?, page?);
        Some(Self { period, page })
    }
}

/// List readings
///
/// Returns a page of the readings of a device in a period, newest first.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}", tag = "statistics",
    params(DeviceIdParam, PeriodParams, PageParams),
    responses(
        (status = 200, description = "A page of readings.", body = [ReadingResponse]),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn list_readings(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathDevice, ReadingsQuery)>,
) -> Result<Json<Vec<ReadingResponse>>, ApiError> {
    let (device, ReadingsQuery { period, page }) = input;
    let device = service.find_device(granted, device.id()?).await?;
    let readings = service.list_readings(&device, period.to_window(), page).await?;
    Ok(Json(readings.into_iter().map(ReadingResponse::from).collect()))
}

/// Find a reading by its time
///
/// Returns the reading of a device with this time.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/readings/{timestamp}", tag = "statistics",
    params(DeviceIdParam, TimestampParam, PrecisionParam),
    responses(
        (status = 200, description = "The reading.", body = ReadingResponse),
        (status = 404, description = "`Device not found`, or `Reading not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn find_reading(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathDevice, PathTime)>,
) -> Result<Json<ReadingResponse>, ApiError> {
    let (device, PathTime(time)) = input;
    let device = service.find_device(granted, device.id()?).await?;
    Ok(Json(service.reading_at(&device, time).await?.into()))
}
