//! Errors of requests: the reasons, the table that maps each reason to a response, and the bodies of these
//! responses.

mod api_error;
mod response;
mod schemas;
mod table;

pub(crate) use api_error::{ApiError, TooManyOpenRequests};
pub(crate) use response::{ErrorForm, Raised, error_response};
pub(crate) use schemas::{ErrorResponse, FaultSchema, ValidationErrorResponse};
pub(crate) use table::Description;
