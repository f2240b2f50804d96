//! The caller of a request. Today everybody may do everything; sign-in will read the credentials here.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::{Action, Granted, Principal, ServiceError};

use crate::errors::ApiError;

/// The principal that makes a request, with the right to the action `A`. Each operation names its action as
/// the type of this extractor. The right is checked before the body is read.
pub(crate) struct Caller<A>(pub(crate) Granted<A>);

impl<A: Action, S: Send + Sync> FromRequestParts<S> for Caller<A> {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(Principal::ANYONE.grant().map_err(ServiceError::from)?))
    }
}
