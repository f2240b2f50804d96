//! Errors of requests to a server.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tracing::debug;

use crate::connection_fault::ConnectionFault;

/// An error of a request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up; for an https URL, the system must have trusted certificates")]
    Setup,
    /// No complete response arrived. The server may have executed the request.
    #[error("no answer from the server at {url}")]
    Unreachable {
        /// Base URL of the server.
        url: String,
        /// The cause.
        #[source]
        source: ConnectionFault,
    },
    /// The connection was lost in the middle of a streamed response.
    #[error("the answer of the server at {url} broke off")]
    Interrupted {
        /// Base URL of the server.
        url: String,
        /// The cause.
        #[source]
        source: ConnectionFault,
    },
    /// The server refused the request.
    #[error("{detail}")]
    Refused {
        /// Status of the response.
        status: StatusCode,
        /// Error code of the server, for programs.
        code: Option<String>,
        /// Value of `Retry-After`.
        retry_after: Option<Duration>,
        /// Error message of the server.
        detail: String,
    },
    /// The server found faults in the request.
    #[error("{}", join_faults(.0))]
    Faulty(Vec<Fault>),
    /// The response has an unexpected form.
    #[error(
        "the answer of the server has an unexpected form; check that the URL is that of a device-stats server"
    )]
    UnexpectedResponse,
    /// No URL can contain this device id.
    #[error("no URL can contain the device id {0:?}")]
    NotAddressable(String),
}

/// A fault in a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fault {
    /// Location: `body`, `path` or `query`, followed by names and indexes.
    pub loc: Vec<Value>,
    /// Error message of the server.
    pub msg: String,
}

impl ClientError {
    /// Returns the error for a response that cannot be parsed. The text of the library is only logged.
    #[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
    pub fn unexpected(cause: serde_json::Error) -> Self {
        debug!(%cause, "the answer of the server has an unexpected form");
        Self::UnexpectedResponse
    }

    /// Returns the error for a response that is not a success. A body that is not an error of this service,
    /// such as the page of a proxy, is ignored.
    pub(crate) fn from_response(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Detail {
            Text(String),
            Faults(Vec<Fault>),
        }
        #[derive(Deserialize)]
        struct ErrorBody {
            detail: Detail,
            code: Option<String>,
        }
        match serde_json::from_slice(body) {
            Ok(ErrorBody { detail: Detail::Faults(faults), .. }) => Self::Faulty(faults),
            Ok(ErrorBody { detail: Detail::Text(detail), code }) => {
                Self::Refused { status, code, retry_after, detail }
            }
            Err(_) => {
                let detail = format!("the server answered {status}");
                Self::Refused { status, code: None, retry_after, detail }
            }
        }
    }
}

impl Fault {
    /// Returns the row of a batch, counted from 0, or `None` if the fault concerns no row.
    pub fn row(&self) -> Option<usize> {
        match self.loc.as_slice() {
            [body, row, ..] if body == "body" => row.as_u64().and_then(|row| usize::try_from(row).ok()),
            _ => None,
        }
    }

    /// Returns the location after its first `skipped` steps, joined with dots.
    pub fn location(&self, skipped: usize) -> String {
        let steps = self.loc.iter().skip(skipped).map(|step| match step {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        steps.collect::<Vec<_>>().join(".")
    }
}

fn join_faults(faults: &[Fault]) -> String {
    let faults = faults.iter().map(|fault| format!("{}: {}", fault.location(1), fault.msg));
    format!("the server refused the request: {}", faults.collect::<Vec<_>>().join("; "))
}
