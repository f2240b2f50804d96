//! The reasons why no complete answer arrives.

use std::error::Error;
use std::io;

use device_stats_domain::error_chain;
use tracing::debug;

/// A reason why no complete answer arrives. `Display` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionFault {
    /// The host name has no address.
    #[error("the host name cannot be found")]
    UnknownHost,
    /// The host refuses connections to the port.
    #[error("the connection is refused; no server listens at this address")]
    Refused,
    /// The server's certificate is missing, untrusted, expired or of another host.
    #[error(
        "no encrypted connection is possible; the certificate may not be trusted, or the server may not use https"
    )]
    Untrusted,
    /// No connection was made in time.
    #[error("the server did not accept the connection in time")]
    ConnectTimeout,
    /// No connection was made, for another reason.
    #[error("the server cannot be reached")]
    NotConnected,
    /// The answer did not arrive in time.
    #[error("the answer did not arrive in time")]
    Timeout,
    /// The connection was closed early, or the answer is not HTTP.
    #[error("the connection was closed, or the answer is not HTTP")]
    BrokenOff,
}

impl ConnectionFault {
    /// Returns the reason of an error of the HTTP client. The texts of the library are only logged.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        debug!(cause = error_chain(error), "no complete answer arrived");
        if !error.is_connect() {
            return if error.is_timeout() { Self::Timeout } else { Self::BrokenOff };
        }
        if error.is_timeout() {
            return Self::ConnectTimeout;
        }
        let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
        let is_refused = |cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionRefused;
        // The client has no types for these errors.
        let says = |word: &str| causes().any(|cause| cause.to_string().contains(word));
        if causes().filter_map(|cause| cause.downcast_ref()).any(is_refused) {
            Self::Refused
        } else if says("dns error") {
            Self::UnknownHost
        } else if says("certificate") || says("invalid peer") || says("corrupt message") {
            Self::Untrusted
        } else {
            Self::NotConnected
        }
    }

    /// Returns whether the server may have received the request.
    pub(crate) fn may_follow_request(self) -> bool {
        matches!(self, Self::Timeout | Self::BrokenOff)
    }
}
