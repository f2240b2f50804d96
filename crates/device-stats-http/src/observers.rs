//! The places that learn of each request: the audit log of refusals, the figures of the service, and the
//! metrics.

use axum::http::StatusCode;
use device_stats_service::{CountedRequest, Refusal, Service};

use crate::errors::{ApiError, Description};
use crate::extract::{Known, Sender};
use crate::metrics::Metrics;

/// The observers of requests; none while the database is being opened.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<(Service, Metrics)>);

impl Observers {
    /// Creates the observers of a service.
    pub(crate) fn new(service: Service, metrics: Metrics) -> Self {
        Self(Some((service, metrics)))
    }

    /// Counts a request as in progress.
    pub(crate) fn count(&self) -> Option<CountedRequest<'_>> {
        self.0.as_ref().map(|(service, _)| service.count_request())
    }

    /// Returns the metrics.
    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.0.as_ref().map(|(_, metrics)| metrics)
    }

    /// Reports a refusal (401, 403 or 421) for the audit log. Ignores other errors, and requests without
    /// credentials: browsers and programs send them to learn that they need some.
    pub(crate) fn report(
        &self,
        sender: &Sender,
        operation: impl FnOnce() -> String,
        description: &Description,
        error: &ApiError,
    ) {
        let Self(Some((service, _))) = self else { return };
        let is_refusal = matches!(
            description.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST
        );
        if !is_refusal || matches!(error, ApiError::TokenMissing) {
            return;
        }
        let (principal, prefix) = match sender.known() {
            Some(Known::Principal(principal)) => (Some(*principal), None),
            Some(Known::UnknownToken(prefix)) => (None, Some(prefix.clone())),
            None => (None, None),
        };
        let origin = sender.origin();
        service.note_refusal(Refusal {
            principal,
            origin,
            prefix,
            operation: operation(),
            reason: description.code,
        });
    }
}
