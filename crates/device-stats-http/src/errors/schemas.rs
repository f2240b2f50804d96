//! The bodies of errors, in the form of the contract and by RFC 9457.

use device_stats_formats::Fault;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder};

/// An error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorResponse {
    /// Explanation for people.
    #[schema(example = "Device not found")]
    pub(super) detail: String,
    /// Identifier of the error for programs. It never changes.
    #[schema(example = "device_not_found")]
    pub(super) code: &'static str,
    /// Id of the request, as in the header `x-request-id` and in the server's log.
    #[schema(example = "0199f3c2-6f0e-7c3a-9a51-0d6f7f0b5a11")]
    pub(super) request_id: String,
    #[serde(flatten)]
    pub(super) influx: InfluxMembers,
}

/// Members that clients of InfluxDB show. Only errors of `/api/v1/write` and its other paths have them.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct InfluxMembers {
    /// The explanation, for clients of InfluxDB; of several faults the first one, with its line.
    #[schema(example = "line 2: x: Input should be a finite number", nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// The same explanation, for clients of InfluxDB 1.
    #[schema(example = "line 2: x: Input should be a finite number", nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Line of the first fault, from 1, for clients of InfluxDB.
    #[schema(example = 2, minimum = 1, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
}

/// A request that breaks rules, with all its faults (up to 100).
#[derive(Serialize, ToSchema)]
#[schema(as = ValidationError)]
pub(crate) struct ValidationErrorResponse {
    /// The faults: first of the path, then of the query, then of the body.
    #[schema(value_type = Vec<FaultSchema>)]
    pub(super) detail: Vec<Fault>,
    /// Identifier of the error for programs. It never changes.
    #[schema(example = "invalid_request")]
    pub(super) code: &'static str,
    /// Id of the request, as in the header `x-request-id` and in the server's log.
    #[schema(example = "0199f3c2-6f0e-7c3a-9a51-0d6f7f0b5a11")]
    pub(super) request_id: String,
    #[serde(flatten)]
    pub(super) influx: InfluxMembers,
}

/// A fault of a request.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[expect(dead_code, reason = "describes `Fault` of `device-stats-formats`")]
pub(crate) struct FaultSchema {
    /// Name of the broken rule, in the vocabulary of pydantic.
    #[schema(rename = "type", example = "finite_number")]
    kind: String,
    /// Location of the fault: `body`, `path`, `query` or `header`, then names and positions (from 0).
    #[schema(value_type = Vec<Value>, example = json!(["body", 17, "x"]))]
    loc: Vec<Value>,
    /// Line of the body, from 1. Present only if the body consists of lines (NDJSON, CSV, line protocol).
    #[schema(example = 18, minimum = 1, nullable = false)]
    line: Option<u64>,
    /// The broken rule, for people.
    #[schema(example = "Input should be a finite number")]
    msg: String,
    /// The faulty input, truncated if it is long.
    #[schema(schema_with = input_schema)]
    input: Value,
    /// The numbers and words in `msg`, for programs. Absent if `msg` has none.
    #[schema(schema_with = context_schema, required = false)]
    ctx: Option<Value>,
}

/// Returns the schema of any JSON value. The derived schema would have no example.
fn input_schema() -> Object {
    let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue).examples([Value::from("1e999")]);
    any.description(Some("The faulty input, truncated if it is long.")).build()
}

/// Returns the schema of an object with any members. The derived schema would have no example.
fn context_schema() -> Object {
    let any = ObjectBuilder::new().examples([json!({"ge": 1})]);
    any.description(Some("The numbers and words in `msg`, for programs. Absent if `msg` has none.")).build()
}

/// An error by RFC 9457.
#[derive(Serialize)]
pub(super) struct ProblemResponse {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) status: u16,
    pub(super) detail: String,
    pub(super) instance: String,
    pub(super) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errors: Option<Vec<Fault>>,
}
