//! Everything a request can be answered with instead of what it asked for, and the one table that says how: status,
//! code, words. An [`ApiError`] travels inside its response to `answers`, which writes it once the request is known.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use device_stats_domain::limits::{
    EXPORTS_MAX, FAULTS_MAX, LIVE_STREAMS_MAX, SERIES_BUCKETS_MAX, ZSTD_WINDOW_LOG_MAX,
};
use device_stats_domain::{IdempotencyKey, TooManyBuckets};
use device_stats_store::StoreError;
use serde_json::json;

use crate::body::seconds;
use crate::extract::idempotency_key;
use device_stats_formats::batch::Places;
use device_stats_formats::error::FormatError;
use device_stats_formats::faults::{Fault, Problem, Step};
use device_stats_formats::json::NotJson;
use device_stats_service::ServiceError;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No operation has that path.
    #[error("unknown path")]
    UnknownPath,
    /// The path has no operation of that method.
    #[error("unknown method")]
    UnknownMethod,
    /// Parts of the request break rules.
    #[error("invalid request")]
    Invalid(Vec<Fault>),
    /// The body cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The body ended before its end.
    #[error("body broke off")]
    BrokenBody,
    /// The body cannot be decompressed.
    #[error("body cannot be decompressed")]
    BrokenCoding {
        /// How it says it is compressed.
        coding: &'static str,
    },
    /// There is no memory to decompress the body.
    #[error("no decoder")]
    NoDecoder(#[source] std::io::Error),
    /// The body is compressed in a way that is not known here.
    #[error("unknown content coding")]
    UnknownCoding {
        /// Whether there is one that would have been.
        may_be_coded: bool,
    },
    /// The body is too large.
    #[error("body too large")]
    LargeBody {
        /// The limit.
        bytes_max: usize,
    },
    /// The body did not arrive in time.
    #[error("body too slow")]
    SlowBody(Duration),
    /// The service refused or failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The service refused rows of a body, or failed at them.
    #[error("a batch was not stored")]
    Rows {
        /// What the service says.
        #[source]
        error: ServiceError,
        /// Where in the body they are.
        places: Places,
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

/// An error on its way through a response.
#[derive(Clone, Debug)]
pub(crate) struct Raised(pub(crate) Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.describe().status.into_response();
        response.extensions_mut().insert(Raised(Arc::new(self)));
        response
    }
}

/// The words of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    Text(String),
    Faults(Vec<Fault>),
}

/// How an error is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) status: StatusCode,
    /// A word for programs; never changes once published.
    pub(crate) code: &'static str,
    pub(crate) detail: Detail,
}

impl ApiError {
    /// The table.
    pub(crate) fn describe(&self) -> Description {
        let text = |status, code, detail: &str| describe(status, code, Detail::Text(detail.to_owned()));
        match self {
            Self::UnknownPath => text(StatusCode::NOT_FOUND, "unknown_path", "Not Found"),
            Self::UnknownMethod => {
                text(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", "Method Not Allowed")
            }
            Self::Invalid(faults) => invalid(faults.clone()),
            Self::Format(error) => describe_format(error),
            Self::BrokenBody => {
                text(StatusCode::BAD_REQUEST, "malformed_body", "There was an error parsing the body")
            }
            Self::BrokenCoding { coding: "zstd" } => {
                let window = (1 << ZSTD_WINDOW_LOG_MAX) / 1024 / 1024;
                let words =
                    format!("The body is no complete zstd stream, or has a window above {window} MiB");
                text(StatusCode::BAD_REQUEST, "malformed_body", &words)
            }
            Self::BrokenCoding { coding } => {
                let words = format!("The body is no complete {coding} stream");
                text(StatusCode::BAD_REQUEST, "malformed_body", &words)
            }
            Self::UnknownCoding { may_be_coded } => {
                let known = if *may_be_coded { "gzip, zstd or none" } else { "none" };
                let words = format!("The Content-Encoding is not supported here; use {known}");
                text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", &words)
            }
            Self::LargeBody { bytes_max } => large_body(*bytes_max),
            Self::SlowBody(limit) => {
                let words = format!("The body did not arrive within {} seconds", seconds(*limit));
                text(StatusCode::REQUEST_TIMEOUT, "body_timeout", &words)
            }
            Self::Service(error) => describe_service(error, &Places::default()),
            Self::Rows { error, places } => describe_service(error, places),
            Self::NoDecoder(_) | Self::Panicked => {
                text(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal Server Error")
            }
        }
    }
}

fn describe_format(error: &FormatError) -> Description {
    let text = |status, code, detail: &str| describe(status, code, Detail::Text(detail.to_owned()));
    match error {
        FormatError::NotJson(NotJson { position, error }) => invalid(vec![json_invalid(*position, error)]),
        FormatError::NotArrow(error) => invalid(vec![arrow_invalid(error)]),
        FormatError::Utf16 => invalid(vec![json_invalid(0, "the body is UTF-16, send UTF-8")]),
        FormatError::NotUtf8 => {
            text(StatusCode::BAD_REQUEST, "malformed_body", "There was an error parsing the body")
        }
        FormatError::TooLarge { bytes_max } => large_body(*bytes_max),
        FormatError::TooManyReadings { readings_max } => {
            let words = format!("The body holds more than {readings_max} readings");
            text(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", &words)
        }
        FormatError::UnknownMediaType => {
            let words = "The Content-Type is not supported here; use application/json, application/x-ndjson, \
                text/csv or application/vnd.apache.arrow.stream";
            text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", words)
        }
    }
}

fn large_body(bytes_max: usize) -> Description {
    let words = format!("The body is larger than {bytes_max} bytes");
    describe(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", Detail::Text(words))
}

fn describe_service(error: &ServiceError, places: &Places) -> Description {
    let text = |status, code, detail: &str| describe(status, code, Detail::Text(detail.to_owned()));
    match error {
        ServiceError::Store(StoreError::EmailTaken) => {
            text(StatusCode::BAD_REQUEST, "email_taken", "Email already registered")
        }
        ServiceError::Store(StoreError::UsernameTaken) => {
            text(StatusCode::BAD_REQUEST, "username_taken", "Username already taken")
        }
        ServiceError::Store(StoreError::DeviceIdTaken) => {
            text(StatusCode::BAD_REQUEST, "device_id_taken", "Device with this ID already exists")
        }
        ServiceError::Store(StoreError::UserMissing) => {
            text(StatusCode::NOT_FOUND, "user_not_found", "User not found")
        }
        ServiceError::Store(StoreError::DeviceMissing) => {
            text(StatusCode::NOT_FOUND, "device_not_found", "Device not found")
        }
        ServiceError::OwnerMissing => text(StatusCode::BAD_REQUEST, "user_not_found", "User not found"),
        ServiceError::UnknownDevices(rows) => {
            let faults = rows.iter().take(FAULTS_MAX).map(|(row, id)| places.unknown_device(*row, id));
            invalid(faults.collect())
        }
        ServiceError::TooManyBuckets(error) => invalid(vec![too_many_buckets(error)]),
        ServiceError::NoReadings => {
            text(StatusCode::NOT_FOUND, "no_readings", "No statistics found for the specified period")
        }
        ServiceError::TooManyExports => {
            let words = format!("{EXPORTS_MAX} exports are running, try again when one has ended");
            text(StatusCode::SERVICE_UNAVAILABLE, "too_many_exports", &words)
        }
        ServiceError::TooManyStreams => {
            let words = format!("{LIVE_STREAMS_MAX} live streams are open, try again when one has ended");
            text(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", &words)
        }
        ServiceError::Store(StoreError::Unavailable(_)) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database is unavailable, try again")
        }
        ServiceError::UnderWay => text(
            StatusCode::CONFLICT,
            "request_under_way",
            "The request of this Idempotency-Key is under way, try again",
        ),
        ServiceError::OtherPayload(key) => invalid(vec![other_payload(key)]),
        ServiceError::QueueFull => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "queue_full",
            "Too many readings wait to be stored, try again",
        ),
        ServiceError::Store(StoreError::OutcomeUnknown(_)) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            "The database was lost while it stored this; it may be stored or not. Try again",
        ),
        ServiceError::Store(StoreError::OutOfSpace(_)) => {
            text(StatusCode::INSUFFICIENT_STORAGE, "out_of_space", "The database has no space left")
        }
        ServiceError::Store(StoreError::Corrupt { device, segment, .. }) => {
            let words = format!("Segment {} of the device with id {} is corrupt", segment.0, device.0);
            text(StatusCode::INTERNAL_SERVER_ERROR, "corrupt_segment", &words)
        }
        ServiceError::Store(StoreError::Broken(_)) | ServiceError::Died(_) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal Server Error")
        }
    }
}

fn describe(status: StatusCode, code: &'static str, detail: Detail) -> Description {
    Description { status, code, detail }
}

fn invalid(faults: Vec<Fault>) -> Description {
    describe(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", Detail::Faults(faults))
}

fn other_payload(key: &IdempotencyKey) -> Fault {
    Fault {
        kind: "idempotency_key_reused",
        loc: idempotency_key::loc(),
        line: None,
        msg: "Another payload was sent with this key before".into(),
        input: json!(key.as_str()),
        ctx: None,
    }
}

fn too_many_buckets(error: &TooManyBuckets) -> Fault {
    let TooManyBuckets { interval, asked } = error;
    let loc: Vec<Step> = vec!["query".into(), "interval".into()];
    Fault {
        kind: "too_many_buckets",
        loc,
        line: None,
        msg: format!("The period has {asked} buckets of this interval, more than {SERIES_BUCKETS_MAX}")
            .into(),
        input: json!(interval.to_string()),
        ctx: Some(json!({"buckets_max": SERIES_BUCKETS_MAX, "buckets": asked})),
    }
}

fn json_invalid(position: usize, error: &str) -> Fault {
    let Problem { kind, msg, ctx } =
        Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
    let loc: Vec<Step> = vec!["body".into(), position.into()];
    Fault { kind, loc, line: None, msg, input: json!({}), ctx }
}

fn arrow_invalid(error: &str) -> Fault {
    let problem = Problem::new("arrow_invalid", "Input should be an Arrow IPC stream");
    let Problem { kind, msg, ctx } = problem.with(json!({ "error": error }));
    Fault { kind, loc: vec!["body".into()], line: None, msg, input: json!({}), ctx }
}
