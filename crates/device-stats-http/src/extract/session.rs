//! The session of a browser, and whether a cookie is safe with its connection.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_domain::SessionSecret;

use crate::errors::ApiError;
use crate::headers::session_cookie::{self, Transport};

/// How a request has arrived. The listener stores it in the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Whether the client has used TLS, to this server or to a trusted proxy.
    pub(crate) is_encrypted: bool,
    /// Whether the client is a program on this machine.
    pub(crate) is_local: bool,
}

impl Arrival {
    fn of(head: &Parts) -> Self {
        head.extensions.get().copied().unwrap_or_default()
    }
}

/// Returns the secret of the session in the cookie of a request; `None` without one.
pub(super) fn session(head: &Parts) -> Option<SessionSecret> {
    let transport = if Arrival::of(head).is_encrypted { Transport::Tls } else { Transport::Plain };
    session_cookie::session(&head.headers, transport)
}

/// The transport of a new cookie. A request over a network without TLS is refused: everybody on the way could
/// read the cookie, and have the rights of the person.
pub(crate) struct CookieTransport(pub(crate) Transport);

/// The secret in the cookie of a request; `None` without one.
pub(crate) struct SessionCookie(pub(crate) Option<SessionSecret>);

impl<S: Send + Sync> FromRequestParts<S> for CookieTransport {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Arrival::of(head) {
            Arrival { is_encrypted: true, .. } => Ok(Self(Transport::Tls)),
            Arrival { is_local: true, .. } => Ok(Self(Transport::Plain)),
            Arrival { is_encrypted: false, is_local: false } => Err(ApiError::InsecureSignIn),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SessionCookie {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(session(head)))
    }
}
