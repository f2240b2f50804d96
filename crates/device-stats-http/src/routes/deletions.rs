//! `DELETE /stats/devices/{device_id}`: delete the readings of a device in a period.

use axum::Json;
use axum::extract::State;
use device_stats_formats::{Faults, Json as JsonValue, Problem, values};
use device_stats_service::{Manage, Service};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, DeviceIdParam, FromInput, Input, PERIOD_NAMES, Parsed, PathDevice, Period, PeriodParams,
    PeriodQuery,
};

/// `all`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `DeletionQuery`")]
pub(crate) struct AllParam {
    /// Whether all readings of the device are deleted. Required if `start_time`, `end_time` and `until` are
    /// absent; refused together with one of them.
    #[param(example = false, default = false)]
    all: Option<bool>,
}

/// The query of a deletion: a period with at least one bound, or `all=true`.
pub(crate) struct DeletionQuery(Period);

impl FromInput for DeletionQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let period = PeriodQuery::read(input, faults);
        let all = input.query("all", faults, values::boolean);
        let [start_time, end_time, until] = PERIOD_NAMES;
        input.refuse_other_queries(&[start_time, end_time, until, "all"], faults);
        let (PeriodQuery(period), all) = (check_order(input, period?, faults)?, all?.unwrap_or(false));
        let has_bound = period.start.is_some() || period.end.is_some();
        let checked = match (has_bound, all) {
            (true, false) | (false, true) => Ok(Self(period)),
            (false, false) => {
                let msg =
                    "Give start_time, end_time or until, or all=true to delete all readings of the device";
                Err(Problem::new("missing", msg))
            }
            (true, true) => {
                let msg = "Value error, give either all=true or a period, not both";
                Err(Problem::new("value_error", msg))
            }
        };
        let sent = if all { JsonValue::String("true".to_owned()) } else { JsonValue::Null };
        faults.keep(vec!["query".into(), "all".into()], &sent, checked)
    }
}

/// Reports a fault if the period is empty: its bounds may have been confused.
fn check_order(input: &Input, period: PeriodQuery, faults: &mut Faults) -> Option<PeriodQuery> {
    if !period.0.is_empty() {
        return Some(period);
    }
    let (end, msg) = if input.has_query("until") {
        ("until", "Value error, until should be after start_time")
    } else {
        ("end_time", "Value error, end_time should not be before start_time")
    };
    let (_, sent) = period.0.to_texts();
    let sent = sent.map_or(JsonValue::Null, JsonValue::String);
    faults.add(vec!["query".into(), end.into()], Problem::new("value_error", msg), &sent);
    None
}

/// The outcome of a deletion.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletionResult)]
pub(crate) struct DeletionResponse {
    /// Number of deleted readings.
    #[schema(example = 12, minimum = 0)]
    deleted: u64,
}

/// Delete readings
///
/// Deletes the readings of a device in a period. To delete one reading, give `start_time` and `end_time` its
/// time. A period that ends before it starts is refused. Every other request sees all of these readings or
/// none. A 200 response means that the deletion is in stable storage. Readings with the same times can be
/// posted again; a request with an `Idempotency-Key` then needs a new key.
#[utoipa::path(
    delete, path = "/api/v1/stats/devices/{device_id}", tag = "statistics",
    params(DeviceIdParam, PeriodParams, AllParam),
    responses(
        (status = 200, description = "The number of deleted readings, which may be 0.", body = DeletionResponse),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn delete_readings(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<(PathDevice, DeletionQuery)>,
) -> Result<Json<DeletionResponse>, ApiError> {
    let (device, DeletionQuery(period)) = input;
    let device = service.find_device(granted, device.id()?).await?;
    let deleted = service.delete_readings(device, period.to_window()).await?;
    Ok(Json(DeletionResponse { deleted }))
}
