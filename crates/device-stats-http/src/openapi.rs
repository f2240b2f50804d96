//! The OpenAPI document: what the handlers say of themselves, and what is true of every operation.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, Object, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder,
};
use utoipa::{IntoParams, OpenApi as _, ToSchema};

use crate::operations;

/// `skip` and `limit`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `PageQuery` is read from it")]
pub(crate) struct PageParams {
    /// How many entries come before the page; 0 and up.
    #[param(example = 0, minimum = 0, default = 0)]
    skip: Option<i64>,
    /// How many entries the page has at most; 1 to 100.
    #[param(example = 100, minimum = 1, maximum = 100, default = 100)]
    limit: Option<i64>,
}

/// `start_time` and `end_time`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `PeriodQuery` is read from it")]
pub(crate) struct PeriodParams {
    /// The first moment: RFC 3339 (without offset: UTC; encode a `+` as `%2B`), a date, or seconds or milliseconds
    /// since 1970. Open where it is missing.
    #[param(example = "2026-11-23T00:00:00Z")]
    start_time: Option<String>,
    /// The last moment, written likewise.
    #[param(example = "2026-11-23T23:59:59.999999Z")]
    end_time: Option<String>,
}

/// `user_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path; `PathUser` is read from it")]
pub(crate) struct UserIdParam {
    /// The user's id.
    #[param(example = 1)]
    user_id: i64,
}

/// `device_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path; `PathDevice` is read from it")]
pub(crate) struct DeviceIdParam {
    /// The caller's own name of the device, percent-encoded once (`a%2Fb` is the device `a/b`).
    #[param(example = "pump-7")]
    device_id: String,
}

/// An error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorAnswer {
    /// What went wrong, for people.
    #[schema(example = "Device not found")]
    detail: String,
    /// What went wrong, for programs.
    #[schema(example = "device_not_found")]
    code: String,
    /// The id of the request, as in the header `x-request-id` and in the server's log.
    #[schema(example = "0199f3c2-6f0e-7c3a-9a51-0d6f7f0b5a11")]
    request_id: String,
}

/// A request that breaks rules, with all its faults (100 at most).
#[derive(Serialize, ToSchema)]
#[schema(as = ValidationError)]
pub(crate) struct ValidationErrorAnswer {
    /// The faults: of the path, then of the query, then of the body.
    detail: Vec<FaultAnswer>,
    /// What went wrong, for programs.
    #[schema(example = "invalid_request")]
    code: String,
    /// The id of the request, as in the header `x-request-id` and in the server's log.
    #[schema(example = "0199f3c2-6f0e-7c3a-9a51-0d6f7f0b5a11")]
    request_id: String,
}

/// A fault of a request.
#[derive(Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultAnswer {
    /// The rule that is broken, in pydantic's words.
    #[serde(rename = "type")]
    #[schema(example = "finite_number")]
    kind: String,
    /// Where: `body`, `path`, `query` or `header`, then names and positions (from 0).
    #[schema(value_type = Vec<Value>, example = json!(["body", 17, "x"]))]
    loc: Vec<Value>,
    /// On which line of the body, counted from 1; only where it consists of lines (NDJSON, CSV, line protocol).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 18, minimum = 1, nullable = false)]
    line: Option<u64>,
    /// The rule, for people.
    #[schema(example = "Input should be a finite number")]
    msg: String,
    /// What was sent; cut where it is long.
    #[schema(schema_with = any_input)]
    input: Value,
    /// The numbers and words inside `msg`, where there are any.
    #[schema(schema_with = words_of_a_rule, required = false)]
    ctx: Option<Value>,
}

/// Any JSON value. (The derived schema of such a value would lose its example.)
fn any_input() -> Object {
    let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue).examples([Value::from("1e999")]);
    any.description(Some("What was sent; cut where it is long.")).build()
}

/// An object with whatever members. (The derived one would lose its example, too.)
fn words_of_a_rule() -> Object {
    let any = ObjectBuilder::new().examples([json!({"ge": 1})]);
    any.description(Some("The numbers and words inside `msg`, where there are any.")).build()
}

/// Schemas that no handler names.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorAnswer, ValidationErrorAnswer, FaultAnswer)))]
struct Components;

/// The document without operations.
pub(crate) fn frame() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Device Statistics Service")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license.build()))
        .description(Some(
            "Registers users and their devices, keeps their readings, and answers exactly: minimum, maximum, count, \
             correctly rounded sum and median of each axis over any period.\n\nEvery path answers the same with and \
             without a last slash. Every answer carries `x-request-id`. With `Accept: application/problem+json`, \
             errors are written after RFC 9457.",
        ));
    OpenApiBuilder::new().info(info.build()).components(Components::openapi().components).build()
}

/// The document, as text.
pub fn openapi() -> String {
    let mut text = complete(operations().into_openapi()).to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Adds to each operation the errors it can be answered with whatever it does.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let writes = [&mut item.post, &mut item.put, &mut item.delete].into_iter().flatten();
        let reads = [&mut item.get].into_iter().flatten();
        for (operation, writes) in reads.map(|read| (read, false)).chain(writes.map(|write| (write, true))) {
            let in_api = path.starts_with("/api/");
            add_errors(operation, in_api, writes && in_api && !path.ends_with("/analyze"));
        }
    }
    document
}

fn add_errors(operation: &mut Operation, in_api: bool, writes: bool) {
    let with_body = operation.request_body.is_some();
    // A path that could be no device's id is not refused as such.
    let has_rules =
        |parameter: &RefOr<Parameter>| !matches!(parameter, RefOr::T(known) if known.name == "device_id");
    let with_input = with_body || operation.parameters.iter().flatten().any(has_rules);
    let has_key = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| matches!(parameter, RefOr::T(known) if known.name == "Idempotency-Key"));
    let error = |operation: &mut Operation, applies: bool, status: &str, schema: &str, description: &str| {
        if applies && !operation.responses.responses.contains_key(status) {
            let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(schema))));
            let response =
                ResponseBuilder::new().description(description).content("application/json", content);
            operation.responses.responses.insert(status.to_owned(), response.build().into());
        }
    };
    error(operation, with_body, "400", "Error", "The body is no UTF-8, or broken off.");
    error(operation, with_body, "408", "Error", "The body did not arrive within 30 seconds.");
    let under_way =
        "The request of the same `Idempotency-Key` is under way; try again after `Retry-After` seconds.";
    error(operation, has_key, "409", "Error", under_way);
    error(operation, with_body, "413", "Error", "The body is larger than 64 KiB; of a batch, than 10 MiB.");
    error(
        operation,
        with_body,
        "415",
        "Error",
        "The body has an encoding, or a batch a format, that is not known.",
    );
    error(
        operation,
        with_input,
        "422",
        "ValidationError",
        "Parts of the request break rules; all are listed.",
    );
    error(operation, true, "500", "Error", "A fault of the service.");
    let unavailable =
        "The database cannot be reached, or has no capacity left; try again after `Retry-After` seconds.";
    error(
        operation,
        in_api || operation.operation_id.as_deref() == Some("check_ready"),
        "503",
        "Error",
        unavailable,
    );
    error(
        operation,
        writes,
        "507",
        "Error",
        "The database has no space left; try again after `Retry-After` seconds.",
    );
}
