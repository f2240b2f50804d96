//! `/stats/fleet`: the number of devices that report.

use axum::Json;
use axum::extract::State;
use device_stats_domain::UserId;
use device_stats_formats::{Faults, values};
use device_stats_service::{FleetSummary, Read, Service};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{Caller, FromInput, Input, Parsed};

/// `user_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `FleetQuery`")]
pub(crate) struct FleetParams {
    /// Only devices of the user with this id.
    #[param(example = 1)]
    user_id: Option<i64>,
}

/// The query of a summary of a fleet.
pub(crate) struct FleetQuery(Option<UserId>);

impl FromInput for FleetQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let user_id = input.query("user_id", faults, values::user_id);
        input.refuse_other_queries(&["user_id"], faults);
        user_id.map(Self)
    }
}

/// The numbers of devices by their state.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetSummary)]
pub(crate) struct FleetResponse {
    /// Number of devices.
    #[schema(example = 1200)]
    devices: u64,
    /// Number of devices that are reporting: their last readings were received not longer ago than expected.
    #[schema(example = 1190)]
    reporting: u64,
    /// Number of silent devices: their last readings were received longer ago.
    #[schema(example = 7)]
    silent: u64,
    /// Number of waiting devices: they have no readings.
    #[schema(example = 3)]
    waiting: u64,
    /// Number of devices whose clock is wrong, in any state.
    #[schema(example = 1)]
    wrong_clock: u64,
    /// Number of readings of all devices per second, as received, smoothed.
    #[schema(example = 11900.5, minimum = 0)]
    readings_per_second: f64,
    /// Time of the summary, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    as_of: String,
}

impl From<FleetSummary> for FleetResponse {
    fn from(summary: FleetSummary) -> Self {
        let FleetSummary { devices, reporting, silent, waiting, wrong_clock, readings_per_second, as_of } =
            summary;
        let as_of = as_of.to_string();
        Self { devices, reporting, silent, waiting, wrong_clock, readings_per_second, as_of }
    }
}

/// Summarize all devices
///
/// Counts all devices that the caller may see, or the devices of a user, by their state. The request reads
/// all of these devices.
#[utoipa::path(
    get, path = "/api/v1/stats/fleet", tag = "statistics",
    params(FleetParams),
    responses(
        (status = 200, description = "The numbers of devices.", body = FleetResponse),
        (status = 404, description = "`User not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn show_fleet(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(FleetQuery(owner)): Parsed<FleetQuery>,
) -> Result<Json<FleetResponse>, ApiError> {
    Ok(Json(service.summarize_fleet(granted, owner).await?.into()))
}
