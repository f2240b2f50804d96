//! `/demo`: start, show and stop the demonstration, a user with three simulated devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::DeviceId;
use device_stats_service::{Demonstrate, Demonstration, Service};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{Caller, NoQuery, Parsed};

/// The state of the demonstration.
#[derive(Serialize, ToSchema)]
#[schema(as = Demo)]
pub(crate) struct DemoResponse {
    /// Whether the node that responds stores readings of the simulated devices.
    #[schema(example = true)]
    running: bool,
    /// Id of the user `demo`; `null` if it does not exist.
    #[schema(example = 4, minimum = 1)]
    user_id: Option<i64>,
    /// The simulated devices that exist and belong to this user.
    #[schema(example = json!(["demo-pump", "demo-drone", "demo-weather"]))]
    device_ids: Vec<String>,
}

impl From<Demonstration> for DemoResponse {
    fn from(demonstration: Demonstration) -> Self {
        let Demonstration { is_running, user, devices } = demonstration;
        Self {
            running: is_running,
            user_id: user.map(|user| user.0),
            device_ids: devices.iter().map(DeviceId::as_str).map(str::to_owned).collect(),
        }
    }
}

/// Start the demonstration
///
/// Creates the user `demo` with the devices `demo-pump`, `demo-drone` and `demo-weather`, or uses them again
/// if they exist. Then stores their readings of the last 24 hours, unless they are stored, and live readings:
/// 10, 5 and 0.1 per second. It ends with `DELETE /api/v1/demo`, with the deletion of the user, and with the
/// process. If it is running, nothing changes.
#[utoipa::path(
    post, path = "/api/v1/demo", tag = "demo",
    responses(
        (status = 201, description = "The demonstration is running.", body = DemoResponse),
        (status = 400, description = "`Email already registered`: another user has the email address `demo@example.com`. \
            `Device with this ID already exists`: a device with one of these ids does not belong to the user `demo`. Or the \
            header `Host` is malformed.", body = ErrorResponse),
    ),
)]
pub(super) async fn create_demo(
    State(service): State<Service>,
    Caller(granted): Caller<Demonstrate>,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<(StatusCode, Json<DemoResponse>), ApiError> {
    let demonstration = service.create_demonstration(granted).await?;
    Ok((StatusCode::CREATED, Json(demonstration.into())))
}

/// Show the demonstration
///
/// Returns whether the demonstration is running on the node that responds, with its user and its devices.
#[utoipa::path(
    get, path = "/api/v1/demo", tag = "demo",
    responses((status = 200, description = "The state of the demonstration.", body = DemoResponse)),
)]
pub(super) async fn find_demo(
    State(service): State<Service>,
    Caller(granted): Caller<Demonstrate>,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<Json<DemoResponse>, ApiError> {
    Ok(Json(service.find_demonstration(granted).await?.into()))
}

/// Stop the demonstration
///
/// Stops the demonstration on the node that responds. The user, the devices and their readings stay until
/// they are deleted. If the demonstration is not running, nothing changes.
#[utoipa::path(
    delete, path = "/api/v1/demo", tag = "demo",
    responses((status = 204, description = "The demonstration is not running.")),
)]
pub(super) async fn delete_demo(
    State(service): State<Service>,
    Caller(granted): Caller<Demonstrate>,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<StatusCode, ApiError> {
    service.stop_demonstration(granted).await;
    Ok(StatusCode::NO_CONTENT)
}
