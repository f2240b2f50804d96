//! The rates to which a request is charged, collected for the headers of its response.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Extensions;
use device_stats_service::{RateState, ServiceError};

/// The charges of a request. The middleware puts them into the request, extractors and handlers add to them,
/// and the middleware writes them into the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charges(Arc<Mutex<Vec<RateState>>>);

impl Charges {
    /// Returns the charges of a request.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Adds a charge, also a refused one.
    ///
    /// # Errors
    /// The error of the charge.
    pub(super) fn add(&self, charged: Result<Option<RateState>, ServiceError>) -> Result<(), ServiceError> {
        let state = match &charged {
            Ok(state) => *state,
            Err(ServiceError::RateExceeded(state)) => Some(*state),
            Err(_) => None,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(state);
        charged.map(|_| ())
    }

    /// Returns the states of all rates to which the request was charged.
    pub(crate) fn states(&self) -> Vec<RateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
