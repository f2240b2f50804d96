//! `if_empty`: the response to a period without readings.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use device_stats_formats::{Faults, Json as Value, Problem};
use device_stats_service::ServiceError;
use serde::Serialize;
use utoipa::IntoParams;

use super::choice::one_of;
use super::input::{FromInput, Input};
use crate::errors::ApiError;

/// Name of the parameter.
pub(crate) const IF_EMPTY_NAME: &str = "if_empty";
/// The values of the parameter.
pub(crate) const IF_EMPTY_WORDS: &[&str] = &[NOT_FOUND, NO_CONTENT];
const NOT_FOUND: &str = "not_found";
const NO_CONTENT: &str = "no_content";

/// The parameter, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `IfEmpty`")]
pub(crate) struct IfEmptyParam {
    /// Response to a period without readings: `not_found` (status 404) or `no_content` (status 204, without
    /// a body).
    #[param(example = "no_content", default = "not_found")]
    if_empty: Option<String>,
}

/// The response to a period without readings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum IfEmpty {
    /// 404, an error.
    #[default]
    NotFound,
    /// 204.
    NoContent,
}

impl IfEmpty {
    /// Returns the response to a query, whose result becomes JSON.
    pub(crate) fn respond<T, J: Serialize>(
        self,
        result: Result<T, ServiceError>,
        to_json: impl FnOnce(T) -> J,
    ) -> Result<Response, ApiError> {
        match (self, result) {
            (Self::NoContent, Err(ServiceError::NoReadings)) => Ok(StatusCode::NO_CONTENT.into_response()),
            (_, result) => Ok(Json(to_json(result?)).into_response()),
        }
    }
}

impl FromInput for IfEmpty {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        Some(input.query(IF_EMPTY_NAME, faults, if_empty)?.unwrap_or_default())
    }
}

fn if_empty(value: &Value) -> Result<IfEmpty, Problem> {
    match value {
        Value::String(word) if word == NOT_FOUND => Ok(IfEmpty::NotFound),
        Value::String(word) if word == NO_CONTENT => Ok(IfEmpty::NoContent),
        _ => Err(one_of(IF_EMPTY_WORDS)),
    }
}
