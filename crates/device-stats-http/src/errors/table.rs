//! The table of errors: status, code and text of each.

use std::fmt::Write as _;

use axum::http::StatusCode;
use device_stats_domain::limits::SERIES_BUCKETS_MAX;
use device_stats_domain::{
    DeviceId, IdempotencyKey, Scope, Timestamp, TokenKind, TooManyBuckets, redact_tokens,
};
use device_stats_formats::limits::FAULTS_MAX;
use device_stats_formats::{BodyError, Fault, JsonError, LocationStep, Problem, RowLocations};
use device_stats_service::limits::{
    CHOSEN_DEVICES_MAX, DELETIONS_AT_ONCE, EXPORTS_MAX, EXPORTS_PER_ADDRESS_MAX, LIVE_DEVICES_TOTAL_MAX,
    LIVE_STREAMS_MAX, LIVE_STREAMS_PER_ADDRESS_MAX, REGISTERED_DEVICES_MAX,
};
use device_stats_service::{
    Forbidden, LimitScope, RatePolicy, RateState, ReadingSpan, SeriesTooLong, ServiceError,
};
use device_stats_store::StoreError;
use device_stats_store::limits::TOKENS_MAX;
use serde_json::{Value, json};

use super::api_error::{ApiError, TooManyOpenRequests};
use crate::extract::key_location;
use crate::limits::{NAMED_DEVICES_MAX, RETRY_AFTER_SECONDS, ZSTD_WINDOW_LOG_MAX};

/// The response to an error, independent of the form (the contract or RFC 9457).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) status: StatusCode,
    /// Identifier for programs. A published code never changes.
    pub(crate) code: &'static str,
    pub(crate) detail: Detail,
    /// Time after which the client may try again, in seconds, if it is known.
    pub(crate) retry_after_s: Option<u64>,
}

/// The explanation of an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    Text(String),
    Faults(Vec<Fault>),
}

impl ApiError {
    /// Returns the response to this error.
    pub(crate) fn describe(&self) -> Description {
        match self {
            Self::Opening => unavailable("unavailable", "The database is being opened, try again"),
            Self::TooManyOpenRequests(refused) => too_many_open_requests(*refused),
            Self::UnknownPath => text(StatusCode::NOT_FOUND, "unknown_path", "Not Found"),
            Self::UnknownMethod => {
                text(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", "Method Not Allowed")
            }
            Self::MalformedHost => {
                let detail = "The header Host is not a host name or an address, with or without a port";
                text(StatusCode::BAD_REQUEST, "malformed_host", detail)
            }
            Self::ForeignHost { name } => foreign_host(name),
            Self::CrossSite => {
                let detail = "A web page of another site sent this request. To let the page change data, add its \
                    origin to the setting --cors-origin (DEVICE_STATS_CORS_ORIGIN)";
                text(StatusCode::FORBIDDEN, "cross_site", detail)
            }
            Self::TokenMissing => {
                unauthorized("This service needs a token; send it in the header Authorization: Bearer TOKEN")
            }
            Self::InvalidCredentials(error) => unauthorized(upper_first(&error.to_string())),
            Self::CookieOfAnotherOrigin => {
                let detail =
                    "Only pages of this service may change data with a session; send a token instead";
                text(StatusCode::FORBIDDEN, "cross_site", detail)
            }
            Self::InsecureSignIn => {
                let detail = "The connection is not encrypted, so others could read the cookie of the session; use \
                    https";
                text(StatusCode::FORBIDDEN, "insecure_connection", detail)
            }
            Self::Invalid(faults) => invalid(faults.clone()),
            Self::Body(error) => describe_body(error),
            Self::IncompleteBody => malformed_body("There was an error parsing the body"),
            Self::InvalidCoding { coding: "zstd" } => {
                let window = (1 << ZSTD_WINDOW_LOG_MAX) / 1024 / 1024;
                malformed_body(format!(
                    "The body is not a complete zstd stream, or its window is above {window} MiB"
                ))
            }
            Self::InvalidCoding { coding } => {
                malformed_body(format!("The body is not a complete {coding} stream"))
            }
            Self::UnsupportedCoding { compression_supported } => {
                let supported = if *compression_supported { "gzip, zstd or none" } else { "none" };
                let detail = format!("The Content-Encoding is not supported here; use {supported}");
                text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail)
            }
            Self::LargeBody { bytes_max } => large_body(*bytes_max),
            Self::SlowBody(limit) => {
                let detail = format!("The body did not arrive within {} seconds", limit.as_secs());
                text(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            }
            Self::SlowLargeBody { bytes_per_second_min } => {
                let rate = bytes_per_second_min / 1024;
                let detail =
                    format!("The body arrives at less than {rate} KiB per second; send smaller batches");
                text(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            }
            Self::ConditionFailed => condition_failed(),
            Self::Service(error) => describe_service(error, &RowLocations::default()),
            Self::Rows { error, locations } => describe_service(error, locations),
            Self::NoDecoder(_) | Self::Panicked => internal(),
        }
    }
}

/// A proxy takes a node out of service because of many answers with 503, so the limit of one client address
/// has another status than the limit of the node.
fn too_many_open_requests(TooManyOpenRequests { scope, max }: TooManyOpenRequests) -> Description {
    let code = "too_many_open_requests";
    match scope {
        LimitScope::Node => unavailable(
            code,
            format!("{max} requests are open, which is the limit; nothing was done, try again"),
        ),
        LimitScope::Address => {
            let detail = format!(
                "{max} requests of this client address are open, which is the limit; nothing was done, try again \
                 when some are answered"
            );
            let description = text(StatusCode::TOO_MANY_REQUESTS, code, detail);
            Description { retry_after_s: Some(RETRY_AFTER_SECONDS.into()), ..description }
        }
    }
}

fn unauthorized(detail: impl Into<String>) -> Description {
    text(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// Returns the text of an error as a sentence.
fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn foreign_host(name: &str) -> Description {
    let detail = format!(
        "The request is for {name}, which is not a name of this service. To allow it, add {name} to the setting \
         --allowed-host (DEVICE_STATS_ALLOWED_HOST)"
    );
    text(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail)
}

fn describe_body(error: &BodyError) -> Description {
    match error {
        BodyError::NotJson(JsonError { position, error }) => invalid(vec![json_invalid(*position, error)]),
        BodyError::NotArrow(error) => invalid(vec![arrow_invalid(error)]),
        BodyError::Utf16 => invalid(vec![json_invalid(0, "the body is UTF-16, send UTF-8")]),
        BodyError::NotUtf8 { line } => {
            malformed_body(format!("There was an error parsing the body: line {line} is not UTF-8"))
        }
        BodyError::TooLarge { bytes_max } => large_body(*bytes_max),
        BodyError::TooManyReadings { readings_max } => {
            let detail = format!("The body holds more than {readings_max} readings");
            text(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        BodyError::OutOfMemory => describe_service(&ServiceError::QueueFull, &RowLocations::default()),
        BodyError::UnknownMediaType => {
            let detail = "The Content-Type is not supported here; use application/json, \
                application/x-ndjson, text/csv or application/vnd.apache.arrow.stream";
            text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        }
    }
}

fn describe_service(error: &ServiceError, locations: &RowLocations) -> Description {
    match error {
        ServiceError::Store(error) => describe_store(error),
        ServiceError::Forbidden(reason) => text(StatusCode::FORBIDDEN, "forbidden", forbidden(*reason)),
        // The same for every reason, so that nobody learns which tokens have existed.
        ServiceError::TokenUnknown => unauthorized("The token is unknown, expired or revoked"),
        ServiceError::SessionUnknown => unauthorized("The session has ended; sign in again"),
        ServiceError::RateExceeded(state) => rate_exceeded(*state),
        ServiceError::ScopeUnusable { scope, kind } => invalid(vec![unusable_scope(*scope, *kind)]),
        ServiceError::AlreadyExpired => invalid(vec![already_expired()]),
        ServiceError::ReservedTokenName => invalid(vec![reserved_token_name()]),
        ServiceError::OwnerMissing => text(StatusCode::BAD_REQUEST, "user_not_found", "User not found"),
        ServiceError::UnknownDevices(rows) => {
            let faults = rows.iter().take(FAULTS_MAX).map(|(row, id)| locations.unknown_device(*row, id));
            invalid(faults.collect())
        }
        ServiceError::DevicesMissing(ids) => {
            text(StatusCode::NOT_FOUND, "device_not_found", missing_devices(ids))
        }
        ServiceError::TooManyDevices => invalid(vec![too_many_devices()]),
        ServiceError::ReadingMissing => text(StatusCode::NOT_FOUND, "reading_not_found", "Reading not found"),
        ServiceError::TooManyNewDevices(count) => invalid(vec![too_many_new_devices(*count)]),
        ServiceError::TooManyRegistered { devices_max } => {
            invalid(vec![too_many_owned_devices(&["query", "register"], *devices_max, json!(true))])
        }
        ServiceError::SeriesTooLong(error) => invalid(vec![too_many_buckets(error)]),
        ServiceError::NoReadings => {
            text(StatusCode::NOT_FOUND, "no_readings", "No statistics found for the specified period")
        }
        ServiceError::ReadingDeleted => {
            let detail = "The reading of this Idempotency-Key was deleted; use a new key to store it again";
            text(StatusCode::NOT_FOUND, "reading_deleted", detail)
        }
        ServiceError::TooManyDeletions => {
            let detail = format!("{DELETIONS_AT_ONCE} deletions are running; nothing is deleted, try again");
            unavailable("too_many_deletions", detail)
        }
        ServiceError::DeletionOvertaken => {
            let detail = "Other requests changed the same readings repeatedly; nothing is deleted, try again";
            unavailable("deletion_overtaken", detail)
        }
        ServiceError::TooManyExports(scope) => too_many_exports(*scope),
        ServiceError::TooManyStreams(scope) => too_many_streams(*scope),
        ServiceError::TooManyLiveDevices => too_many_live_devices(),
        ServiceError::Stopping => unavailable("stopping", "The server is stopping"),
        ServiceError::TooManyAnalyses => {
            let detail = "Too many analyses and other queries are running; nothing was computed; try again";
            unavailable("too_many_analyses", detail)
        }
        ServiceError::QueryTimedOut(limit) => {
            let seconds = limit.as_secs();
            let detail = format!(
                "The query did not end within {seconds} seconds; try again later, or request a shorter \
                 period, fewer devices or fewer statistics"
            );
            unavailable("query_timeout", detail)
        }
        ServiceError::Overloaded => {
            unavailable("overloaded", "The service is overloaded; nothing was done, try again")
        }
        ServiceError::QueueFull => unavailable("queue_full", "The queue of readings is full, try again"),
        ServiceError::HotReadingsFull { hot_readings_max } => hot_readings_full(*hot_readings_max),
        ServiceError::RequestInProgress => text(
            StatusCode::CONFLICT,
            "request_under_way",
            "A request with this Idempotency-Key is in progress, try again",
        ),
        ServiceError::KeyReused(key) => invalid(vec![other_payload(key)]),
        ServiceError::ComputationFailed(_)
        | ServiceError::RandomnessMissing(_)
        | ServiceError::AdminTokenUnusable => internal(),
    }
}

fn hot_readings_full(hot_readings_max: u64) -> Description {
    let detail = format!(
        "{hot_readings_max} readings wait to be sealed, because sealing does not keep up; nothing was stored, try \
         again"
    );
    unavailable("queue_full", detail)
}

fn forbidden(reason: Forbidden) -> String {
    match reason {
        Forbidden::Scope(scope) => format!("The token lacks the scope {scope}"),
        Forbidden::NotAdministrator => "Only an administrator may do this".to_owned(),
        Forbidden::Device => "A device may not do this; use a token of its owner".to_owned(),
        Forbidden::Open => {
            "The service is open for everybody, so it creates no tokens over HTTP; use `device-stats token`"
                .to_owned()
        }
        Forbidden::WiderScope(scope) => {
            format!("The new token cannot have the scope {scope}, because your token lacks it")
        }
    }
}

fn rate_exceeded(state: RateState) -> Description {
    let (code, what) = match state.policy {
        RatePolicy::Requests => ("too_many_requests", "Too many requests"),
        RatePolicy::Readings => ("too_many_readings", "Too many readings"),
        RatePolicy::AddressRequests => ("too_many_requests", "Too many requests of this client address"),
        RatePolicy::FailedSignIns => {
            ("too_many_requests", "Too many requests of this client address without a valid token")
        }
    };
    let seconds = state.wait_s;
    let plural = if seconds == 1 { "" } else { "s" };
    let detail = format!("{what}; nothing was done, try again in {seconds} second{plural}");
    let description = text(StatusCode::TOO_MANY_REQUESTS, code, detail);
    Description { retry_after_s: Some(seconds), ..description }
}

fn too_many_exports(scope: LimitScope) -> Description {
    let limits = [EXPORTS_MAX, EXPORTS_PER_ADDRESS_MAX];
    unavailable("too_many_exports", limit_reached(scope, limits, "exports", "are running"))
}

fn too_many_streams(scope: LimitScope) -> Description {
    let limits = [LIVE_STREAMS_MAX, LIVE_STREAMS_PER_ADDRESS_MAX];
    unavailable("too_many_streams", limit_reached(scope, limits, "live streams", "are open"))
}

fn too_many_live_devices() -> Description {
    let detail = format!(
        "The live streams of the server watch {LIVE_DEVICES_TOTAL_MAX} devices; watch fewer devices, or try \
         again later"
    );
    unavailable("too_many_streams", detail)
}

fn describe_store(error: &StoreError) -> Description {
    match error {
        StoreError::EmailTaken => text(StatusCode::BAD_REQUEST, "email_taken", "Email already registered"),
        StoreError::UsernameTaken => {
            text(StatusCode::BAD_REQUEST, "username_taken", "Username already taken")
        }
        StoreError::DeviceIdTaken => {
            text(StatusCode::BAD_REQUEST, "device_id_taken", "Device with this ID already exists")
        }
        StoreError::UserMissing => text(StatusCode::NOT_FOUND, "user_not_found", "User not found"),
        StoreError::DeviceMissing => text(StatusCode::NOT_FOUND, "device_not_found", "Device not found"),
        StoreError::TokenMissing => text(StatusCode::NOT_FOUND, "token_not_found", "Token not found"),
        StoreError::TooManyOwnedDevices { devices_max } => {
            invalid(vec![too_many_owned_devices(&["body"], *devices_max, Value::Null)])
        }
        StoreError::TooManyTokens => invalid(vec![too_many_tokens()]),
        // It has changed after its conditions were checked.
        StoreError::Changed => condition_failed(),
        StoreError::Restored => unavailable(
            "unavailable",
            "An older copy has replaced the database; nothing was stored, try again",
        ),
        StoreError::Unavailable(_) => unavailable("unavailable", "The database is unavailable, try again"),
        StoreError::DevicesLocked(_) => unavailable(
            "unavailable",
            "Another request is changing the device; nothing was changed, try again",
        ),
        StoreError::OutcomeUnknown(_) => unavailable(
            "outcome_unknown",
            "The database was lost during a commit; the request may have been stored or not, try again",
        ),
        StoreError::OutOfSpace(_) => {
            text(StatusCode::INSUFFICIENT_STORAGE, "out_of_space", "The database has no space left")
        }
        StoreError::Corrupt { device, segment, .. } => {
            let detail = format!("Segment {} of the device with id {} is corrupt", segment.0, device.0);
            text(StatusCode::INTERNAL_SERVER_ERROR, "corrupt_segment", detail)
        }
        StoreError::HotReadingsDamaged { device, .. } => {
            let detail = format!(
                "The most recently stored readings of the device with id {} are damaged; requests about its \
                 readings fail until they are repaired",
                device.0
            );
            text(StatusCode::INTERNAL_SERVER_ERROR, "damaged_readings", detail)
        }
        StoreError::Broken(_) => internal(),
    }
}

/// Describes an error by a text. Redacts tokens that a client has sent in a wrong place, because clients log
/// errors.
fn text(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Description {
    let detail: String = detail.into();
    let detail = redact_tokens(&detail).into_owned();
    Description { status, code, detail: Detail::Text(detail), retry_after_s: None }
}

fn internal() -> Description {
    text(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal Server Error")
}

fn unavailable(code: &'static str, detail: impl Into<String>) -> Description {
    text(StatusCode::SERVICE_UNAVAILABLE, code, detail)
}

/// Returns the text for a limit of the node or of a client address.
fn limit_reached(scope: LimitScope, [node, address]: [usize; 2], what: &str, state: &str) -> String {
    let running = match scope {
        LimitScope::Node => format!("{node} {what} {state}"),
        LimitScope::Address => format!("{address} {what} of this client address {state}"),
    };
    format!("{running}, try again when one has ended")
}

fn condition_failed() -> Description {
    let detail = "The current state does not meet the conditions of the request; get the state again";
    text(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
}

fn malformed_body(detail: impl Into<String>) -> Description {
    text(StatusCode::BAD_REQUEST, "malformed_body", detail)
}

fn large_body(bytes_max: usize) -> Description {
    let detail = format!("The body is larger than {bytes_max} bytes");
    text(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn invalid(faults: Vec<Fault>) -> Description {
    let (status, code) = (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request");
    Description { status, code, detail: Detail::Faults(faults), retry_after_s: None }
}

fn fault(loc: Vec<LocationStep>, problem: Problem, input: Value) -> Fault {
    Fault::new(loc, None, problem, input)
}

fn other_payload(key: &IdempotencyKey) -> Fault {
    let problem = Problem::new("idempotency_key_reused", "The key was used with another payload before");
    fault(key_location(), problem, json!(key.as_str()))
}

/// Returns the text for chosen devices that do not exist.
fn missing_devices(ids: &[DeviceId]) -> String {
    if ids.is_empty() {
        return "Device not found: no device has an id with this prefix".to_owned();
    }
    let named: Vec<&str> = ids.iter().take(NAMED_DEVICES_MAX).map(DeviceId::as_str).collect();
    let others = match ids.len() - named.len() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    format!("Device not found: {}{others}", named.join(", "))
}

fn too_many_devices() -> Fault {
    let msg =
        format!("More than {CHOSEN_DEVICES_MAX} devices have an id with this prefix; use a longer prefix");
    let problem = Problem::new("too_many_devices", msg).with(json!({ "devices_max": CHOSEN_DEVICES_MAX }));
    fault(vec!["query".into(), "prefix".into()], problem, Value::Null)
}

fn too_many_tokens() -> Fault {
    let msg = format!(
        "The holder has {TOKENS_MAX} tokens, the maximum (all administrators count as one holder); revoke one first"
    );
    let problem = Problem::new("too_many_tokens", msg).with(json!({ "tokens_max": TOKENS_MAX }));
    fault(vec!["body".into(), "for".into()], problem, Value::Null)
}

fn too_many_owned_devices(loc: &[&'static str], devices_max: u32, input: Value) -> Fault {
    let msg = format!(
        "You may have at most {devices_max} devices; delete some, or let an administrator create further ones"
    );
    let problem = Problem::new("too_many_owned_devices", msg).with(json!({ "devices_max": devices_max }));
    fault(loc.iter().copied().map(LocationStep::from).collect(), problem, input)
}

fn unusable_scope(scope: Scope, kind: TokenKind) -> Fault {
    let msg = match kind {
        TokenKind::User => format!("A token of a user cannot have the scope {scope}"),
        TokenKind::Device => format!("A token of a device cannot have the scope {scope}"),
        TokenKind::Administrator => format!("A token of an administrator cannot have the scope {scope}"),
    };
    fault(vec!["body".into(), "scopes".into()], Problem::new("scope_unusable", msg), json!(scope.name()))
}

fn reserved_token_name() -> Fault {
    let problem = Problem::new("reserved_name", "The name is reserved for the token of --admin-token-file");
    fault(vec!["body".into(), "name".into()], problem, Value::Null)
}

fn already_expired() -> Fault {
    let problem =
        Problem::new("already_expired", "The time is in the past; the token would never be accepted");
    fault(vec!["body".into(), "expires_at".into()], problem, Value::Null)
}

fn too_many_new_devices(count: usize) -> Fault {
    let max = REGISTERED_DEVICES_MAX;
    let msg = format!("The batch has {count} missing devices; a request registers at most {max}");
    let problem =
        Problem::new("too_many_new_devices", msg).with(json!({"devices_max": max, "devices": count}));
    fault(vec!["query".into(), "register".into()], problem, json!(true))
}

fn too_many_buckets(error: &SeriesTooLong) -> Fault {
    let SeriesTooLong { error: TooManyBuckets { interval, asked }, readings } = error;
    let mut msg = format!("The period has {asked} buckets of this interval, more than {SERIES_BUCKETS_MAX}");
    let mut ctx = json!({"buckets_max": SERIES_BUCKETS_MAX, "buckets": asked});
    if let Some(ReadingSpan { first, last, most }) = readings {
        let [first, last, most_from, most_until] = [first, last, &most.0, &most.1].map(Timestamp::to_string);
        let _ = write!(msg, ". The readings are from {first} to {last}");
        if (&first, &last) != (&most_from, &most_until) {
            let _ = write!(msg, ", most of them from {most_from} to {most_until}");
        }
        msg.push_str(". Request a shorter period with start_time and end_time, a longer interval, or points");
        let readings = json!({"first": first, "last": last, "most": [most_from, most_until]});
        ctx = json!({"buckets_max": SERIES_BUCKETS_MAX, "buckets": asked, "readings": readings});
    }
    let problem = Problem::new("too_many_buckets", msg).with(ctx);
    fault(vec!["query".into(), "interval".into()], problem, json!(interval.to_string()))
}

fn json_invalid(position: usize, error: &str) -> Fault {
    let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
    fault(vec!["body".into(), position.into()], problem, json!({}))
}

fn arrow_invalid(error: &str) -> Fault {
    let problem = Problem::new("arrow_invalid", "Input should be an Arrow IPC stream");
    fault(vec!["body".into()], problem.with(json!({ "error": error })), json!({}))
}
