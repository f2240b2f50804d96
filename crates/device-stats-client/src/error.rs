//! What can go wrong between a client and a server.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No request can be made at all.
    #[error("the HTTP client cannot start")]
    Setup(#[source] reqwest::Error),
    /// There is no answer, or only a part of one. What was asked may have been done.
    #[error("no answer from the server at {url}")]
    Unreachable {
        /// Base address of the server.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// An answer began and has no end.
    #[error("the answer of the server at {url} broke off")]
    BrokenOff {
        /// Base address of the server.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{detail}")]
    Refused {
        /// Status of the answer.
        status: StatusCode,
        /// The server's word for it, for programs.
        code: Option<String>,
        /// How long to wait before it is asked again, where the server says so.
        retry_after: Option<Duration>,
        /// What the server says about it.
        detail: String,
    },
    /// The server found faults in what it was sent.
    #[error("{}", listed(.0))]
    Faulty(Vec<Fault>),
    /// The answer is not what this client expects.
    #[error("the answer of the server is not understood")]
    NotUnderstood(#[source] serde_json::Error),
    /// This name cannot be part of a URL.
    #[error("the device {0:?} cannot be addressed in a URL")]
    NotAddressable(String),
}

/// One fault of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fault {
    /// Where it is: `body`, `path` or `query`, then names and indexes.
    pub loc: Vec<Value>,
    /// What is wrong.
    pub msg: String,
}

impl ClientError {
    /// The error an answer tells. An answer that is not of this service is told by its status.
    pub(super) fn from_answer(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Detail {
            Text(String),
            Faults(Vec<Fault>),
        }
        #[derive(Deserialize)]
        struct Answer {
            detail: Detail,
            code: Option<String>,
        }
        match serde_json::from_slice(body) {
            Ok(Answer { detail: Detail::Faults(faults), .. }) => Self::Faulty(faults),
            Ok(Answer { detail: Detail::Text(detail), code }) => {
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
    /// The row of a batch it is in, counted from 0, if it is in one.
    pub fn row(&self) -> Option<usize> {
        match self.loc.as_slice() {
            [body, row, ..] if body == "body" => row.as_u64().and_then(|row| usize::try_from(row).ok()),
            _ => None,
        }
    }

    /// The names on the way to it after the first `skipped`, joined with dots.
    pub fn place(&self, skipped: usize) -> String {
        let names = self.loc.iter().skip(skipped).map(|step| match step {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        names.collect::<Vec<_>>().join(".")
    }
}

fn listed(faults: &[Fault]) -> String {
    let faults = faults.iter().map(|fault| format!("{}: {}", fault.place(1), fault.msg));
    format!("the server refused: {}", faults.collect::<Vec<_>>().join("; "))
}
