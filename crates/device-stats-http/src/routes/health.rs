//! `/health`: for load balancers and operators.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use device_stats_service::Service;

/// The state of this node.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthAnswer {
    /// `ok`; anything else is answered with an error.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<HealthAnswer> = Json(HealthAnswer { status: "ok" });

/// Whether the process lives
///
/// Answers as long as the process serves requests, whatever the state of the database.
#[utoipa::path(
    get, path = "/health/live", tag = "health",
    responses((status = 200, description = "It does.", body = HealthAnswer)),
)]
pub(crate) async fn check_live() -> Json<HealthAnswer> {
    OK
}

/// Whether requests can be served
///
/// Asks the database for a sign of life.
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "They can.", body = HealthAnswer)),
)]
pub(crate) async fn check_ready(State(service): State<Service>) -> Result<Json<HealthAnswer>, ApiError> {
    service.check_store().await?;
    Ok(OK)
}
