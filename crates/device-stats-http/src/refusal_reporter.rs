//! Reports refused requests for the audit log.

use axum::http::StatusCode;
use device_stats_service::{Refusal, Service};

use crate::errors::{ApiError, Description};
use crate::extract::{Known, Sender};

/// The receiver of the reports; `None` while the database is being opened.
#[derive(Clone)]
pub(crate) struct RefusalReporter(pub(crate) Option<Service>);

impl RefusalReporter {
    /// Reports a request that was answered with 401, 403 or 421. A request without credentials is not
    /// reported, because its answer already says that it needs some.
    pub(crate) fn report(
        &self,
        sender: &Sender,
        operation: impl FnOnce() -> String,
        description: &Description,
        error: &ApiError,
    ) {
        let Self(Some(service)) = self else { return };
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
