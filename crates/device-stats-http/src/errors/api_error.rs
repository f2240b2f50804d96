//! The reasons why a request fails.

use std::time::Duration;

use device_stats_formats::{BodyError, Fault, RowLocations};
use device_stats_service::{LimitScope, ServiceError};
use device_stats_store::StoreError;

use crate::headers::credentials::InvalidCredentials;

/// A limit on the requests that are open at the same time is reached. The listener marks a refused request
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many open requests")]
pub(crate) struct TooManyOpenRequests {
    pub(crate) scope: LimitScope,
    /// The limit.
    pub(crate) max: usize,
}

/// Reason why a request fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server has started, but its database is not open yet.
    #[error("the database is being opened")]
    Opening,
    /// Too many requests are open.
    #[error(transparent)]
    TooManyOpenRequests(#[from] TooManyOpenRequests),
    /// No operation has the path.
    #[error("unknown path")]
    UnknownPath,
    /// The path has no operation with the method.
    #[error("unknown method")]
    UnknownMethod,
    /// The header `Host` is not a host with an optional port, or there are several.
    #[error("malformed host")]
    MalformedHost,
    /// The request is for a name that is not one of the service.
    #[error("foreign host")]
    ForeignHost {
        /// The name, without the port.
        name: String,
    },
    /// A web page of another site sent a request that may change data.
    #[error("change by a web page of another site")]
    CrossSite,
    /// The service needs a token, and the request has none.
    #[error("a request without a token")]
    TokenMissing,
    /// The credentials of the request are not a token.
    #[error("credentials that are not a token")]
    InvalidCredentials(#[from] InvalidCredentials),
    /// A page of another origin sent a request that may change data, and the browser added the cookie.
    #[error("a cookie in a request by a page of another origin")]
    CookieOfAnotherOrigin,
    /// A browser signs in over a network without TLS.
    #[error("a sign-in without TLS")]
    InsecureSignIn,
    /// Parts of the request break rules.
    #[error("invalid request")]
    Invalid(Vec<Fault>),
    /// The body cannot be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The connection ended within the body, or its framing is invalid.
    #[error("incomplete body")]
    IncompleteBody,
    /// The body cannot be decompressed.
    #[error("the body is not valid {coding}")]
    InvalidCoding {
        /// The content coding of the body.
        coding: &'static str,
    },
    /// The decoder of the body cannot be created.
    #[error("creating a decoder failed")]
    NoDecoder(#[source] std::io::Error),
    /// The content coding of the body is not supported.
    #[error("unsupported content coding")]
    UnsupportedCoding {
        /// Whether the operation supports compression.
        compression_supported: bool,
    },
    /// The body is too large.
    #[error("the body is larger than {bytes_max} bytes")]
    LargeBody {
        /// Maximum size, in bytes.
        bytes_max: usize,
    },
    /// The body did not arrive within this time.
    #[error("the body did not arrive in time")]
    SlowBody(Duration),
    /// The body holds much memory, and arrives more slowly than such a body may.
    #[error("the body arrives too slowly")]
    SlowLargeBody {
        /// Minimum rate, in bytes per second.
        bytes_per_second_min: usize,
    },
    /// The current state does not meet the conditions of the request.
    #[error("the current state does not meet the conditions")]
    ConditionFailed,
    /// The service refused the request, or failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The service refused the rows of a body, or failed to store them.
    #[error("the rows of a body were not stored")]
    Rows {
        /// The error of the service.
        #[source]
        error: ServiceError,
        /// Locations of the rows in the body.
        locations: Box<RowLocations>,
    },
    /// A handler panicked.
    #[error("a handler panicked")]
    Panicked,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}
