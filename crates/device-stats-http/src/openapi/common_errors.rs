//! Errors common to many operations. They follow from the parts of an operation, such as a body or a key.

use device_stats_formats::limits::BATCH_BYTES_MAX;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};

use super::security::needs_token;
use crate::limits::{BODY_BYTES_MAX, BODY_RATE_BYTES_MIN, BODY_TIMEOUT};
use crate::routes::is_health_path;

const TOO_MANY: &str = "The client has used up its quota of requests or readings, which the headers `RateLimit-Policy` and \
    `RateLimit` describe; or too many requests of its address are open. Nothing was done. Retry after `Retry-After` \
    seconds.";

/// Operations that have no parameters, and refuse unknown ones.
const WITHOUT_PARAMETERS: &[&str] = &[
    "create_demo",
    "delete_demo",
    "delete_session",
    "find_demo",
    "find_latest",
    "show_me",
    "show_metrics",
    "show_service",
    "show_version",
];

/// Adds the common errors to every operation. Keeps the errors that an operation describes itself.
pub(super) fn add(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if let Some(operation) = &mut item.get {
            add_to(operation, path, false);
        }
        for operation in [&mut item.post, &mut item.put, &mut item.delete].into_iter().flatten() {
            add_to(operation, path, !is_health_path(path));
        }
    }
}

fn add_to(operation: &mut Operation, path: &str, writes: bool) {
    // Checks of the health come from programs that know no host and no token.
    let in_api = !is_health_path(path);
    let needs_token = needs_token(path, operation);
    let has_body = operation.request_body.is_some();
    let has_parameter =
        |is_meant: fn(&str) -> bool| parameters(operation).any(|parameter| is_meant(&parameter.name));
    // An invalid `device_id` in a path is not a fault (422): no device has this id (404).
    let refuses_parameters =
        operation.operation_id.as_deref().is_some_and(|id| WITHOUT_PARAMETERS.contains(&id));
    let has_input = has_body || refuses_parameters || has_parameter(|name| name != "device_id");
    let has_key = has_parameter(|name| name == "Idempotency-Key");
    // A page of another site may send the other methods.
    let is_guarded = writes;
    // The first request for magnitudes stores them.
    let writes = writes || has_parameter(|name| name == "magnitude");
    let may_be_refused = in_api || operation.operation_id.as_deref() == Some("check_ready");
    let (seconds, rate_kib) = (BODY_TIMEOUT.as_secs(), BODY_RATE_BYTES_MIN >> 10);
    let too_slow = format!(
        "The body did not arrive within {seconds} seconds, or a large body arrived at less than {rate_kib} KiB per \
         second."
    );
    let (single_kib, batch_mib) = (BODY_BYTES_MAX >> 10, BATCH_BYTES_MAX >> 20);
    let too_large = format!("The body is larger than {single_kib} KiB; for a batch, {batch_mib} MiB.");
    let errors = [
        (has_body, "400", "Error", "The body is incomplete or not UTF-8, or the header `Host` is malformed."),
        (in_api, "400", "Error", "The header `Host` is malformed."),
        (needs_token, "401", "Error", "The service needs a token, and the request has no valid one."),
        (
            is_guarded,
            "403",
            "Error",
            "The token does not allow this, or a web page of another site sent the request, and its origin is not \
             allowed.",
        ),
        (needs_token, "403", "Error", "The token does not allow this."),
        (has_body, "408", "Error", &too_slow),
        (
            has_key,
            "409",
            "Error",
            "A request with the same `Idempotency-Key` is in progress. Retry after `Retry-After` seconds.",
        ),
        (has_body, "413", "Error", &too_large),
        (has_body, "415", "Error", "The `Content-Encoding` or the format of a batch is not supported."),
        (in_api, "421", "Error", "The host of the request is not a name of the service."),
        (has_input, "422", "ValidationError", "Parts of the request break rules. All faults are listed."),
        (in_api, "429", "Error", TOO_MANY),
        (true, "500", "Error", "An internal error of the service."),
        (
            may_be_refused,
            "503",
            "Error",
            "The database is unavailable, or the service is overloaded or at another limit. Retry after `Retry-After` \
             seconds.",
        ),
        (writes, "507", "Error", "The database has no space left. Retry after `Retry-After` seconds."),
    ];
    let responses = &mut operation.responses.responses;
    for (_, status, schema, description) in errors.into_iter().filter(|(applies, ..)| *applies) {
        let content = || Content::new(Some(RefOr::Ref(Ref::from_schema_name(schema))));
        responses.entry(status.to_owned()).or_insert_with(|| {
            ResponseBuilder::new().description(description).content("application/json", content()).into()
        });
    }
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}
