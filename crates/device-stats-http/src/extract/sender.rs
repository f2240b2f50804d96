//! The sender of a request, for the audit log.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use device_stats_domain::{RequestId, TokenPrefix};
use device_stats_service::{ClientAddress, Origin, Principal};

/// The sender of a request, as far as it is known. The middleware puts it into the request, and reads it
/// again after the response.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    origin: Origin,
    known: Arc<OnceLock<Known>>,
}

/// The result of a sign-in.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most requests sign in, so a pointer would save no memory")]
pub(crate) enum Known {
    /// The sender has signed in.
    Principal(Principal),
    /// The token of the sender is unknown, expired or revoked.
    UnknownToken(TokenPrefix),
}

/// The origin of a request.
pub(crate) struct RequestOrigin(pub(crate) Origin);

impl<S: Send + Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(head.extensions.get::<Sender>().map_or(Origin::Call, Sender::origin)))
    }
}

impl Sender {
    /// Returns the sender of a request that has this id.
    pub(crate) fn of(id: RequestId, extensions: &Extensions) -> Self {
        let address = extensions.get::<ClientAddress>().map(|client| client.ip());
        Self { origin: Origin::Request { id, address }, known: Arc::default() }
    }

    /// Notes the result of the sign-in. A request signs in once.
    pub(super) fn note(&self, known: Known) {
        let _ = self.known.set(known);
    }

    /// Returns the result of the sign-in; `None` if there was none, or it has failed for another reason.
    pub(crate) fn known(&self) -> Option<&Known> {
        self.known.get()
    }

    /// Returns the origin.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }
}
