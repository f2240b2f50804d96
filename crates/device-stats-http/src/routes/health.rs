//! `/health` and `/version`: checks for load balancers and operators.

use axum::Json;
use axum::extract::State;
use device_stats_service::Service;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::{Anyone, NoQuery, Parsed};

/// The health of this node.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthResponse {
    /// `ok`, or `damaged` if some readings cannot be read. A node that is not healthy returns an error
    /// instead.
    #[schema(example = "ok")]
    status: &'static str,
    /// `open` if everybody may do everything; `token` if clients need a token. Absent in `/health/live`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "token")]
    auth: Option<&'static str>,
    /// Number of devices whose most recently stored readings are damaged. Requests about readings of these
    /// devices are answered with 500 `damaged_readings` until they are repaired. Absent if there are none.
    /// `device-stats verify` names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1)]
    damaged_devices: Option<usize>,
}

/// Path of the check of the liveness.
pub(super) const LIVE_PATH: &str = "/health/live";
const READY_PATH: &str = "/health/ready";

const OK: HealthResponse = HealthResponse { status: "ok", auth: None, damaged_devices: None };

/// Check that the process is alive
///
/// Succeeds while the process serves requests, whatever the state of the database.
#[utoipa::path(
    get, path = "/health/live", tag = "health",
    responses((status = 200, description = "The process is alive.", body = HealthResponse)),
)]
pub(super) async fn check_live() -> Json<HealthResponse> {
    Json(OK)
}

/// Check that the service is ready
///
/// Succeeds if the database responds, even if the most recently stored readings of some devices are damaged,
/// because all other devices work. Fails while the server opens its database, and while it stops.
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "The service is ready.", body = HealthResponse)),
)]
pub(super) async fn check_ready(State(service): State<Service>) -> Result<Json<HealthResponse>, ApiError> {
    let damaged = service.check_ready().await?.damaged_devices.len();
    let auth = Some(service.auth().name());
    Ok(Json(match damaged {
        0 => HealthResponse { auth, ..OK },
        _ => HealthResponse { status: "damaged", auth, damaged_devices: Some(damaged) },
    }))
}

/// Returns whether a path is that of a health check.
pub(crate) fn is_health_path(path: &str) -> bool {
    [LIVE_PATH, READY_PATH].contains(&path)
}

/// The version of this node.
#[derive(Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionResponse {
    /// Version of the service, in semantic versioning.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Get the version
///
/// Returns the version of the node that responds.
#[utoipa::path(
    get, path = "/api/v1/version", tag = "health",
    responses((status = 200, description = "The version.", body = VersionResponse)),
)]
pub(super) async fn show_version(_: Anyone, _: Parsed<NoQuery>) -> Json<VersionResponse> {
    Json(VersionResponse { version: env!("CARGO_PKG_VERSION") })
}
