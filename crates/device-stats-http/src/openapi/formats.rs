//! Formats and bounds of parameters that their Rust types do not state.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr};

/// Formats of texts. JSON Schema defines most of them. The document adds `device-id`, `entity-tags`
/// (RFC 9110), `iana-time-zone` and `idempotency-key` (1 to 255 printable ASCII characters).
const FORMATS: [(&str, &str); 11] = [
    ("device_id", "device-id"),
    ("start_time", "date-time"),
    ("end_time", "date-time"),
    ("until", "date-time"),
    ("timestamp", "date-time"),
    ("interval", "duration"),
    ("span", "duration"),
    ("timezone", "iana-time-zone"),
    ("If-Match", "entity-tags"),
    ("If-None-Match", "entity-tags"),
    ("Idempotency-Key", "idempotency-key"),
];
/// Texts without U+0000.
const WITHOUT_NUL: [&str; 3] = ["prefix", "q", "username"];
const WITHOUT_NUL_PATTERN: &str = r"^[^\u0000]*$";

/// Adds the formats to the parameters in queries and headers, and the bounds of the elements of lists.
pub(super) fn add(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        operations.into_iter().flatten().for_each(add_to);
    }
    let schemas = document.components.as_mut().map(|components| &mut components.schemas);
    let request = schemas.and_then(|schemas| schemas.get_mut("AnalysisRequest"));
    if let Some(RefOr::T(Schema::Object(request))) = request
        && let Some(RefOr::T(Schema::Array(percentiles))) = request.properties.get_mut("percentiles")
        && let Some(one) = elements(&mut percentiles.items)
    {
        describe("percentiles", one);
    }
}

fn add_to(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let schema = match &mut parameter.schema {
            Some(RefOr::T(Schema::Object(schema))) => Some(schema),
            Some(RefOr::T(Schema::Array(list))) => elements(&mut list.items),
            _ => None,
        };
        if let Some(schema) = schema {
            describe(&parameter.name, schema);
        }
    }
}

/// Returns the schema of the elements of a list.
fn elements(items: &mut ArrayItems) -> Option<&mut Object> {
    match items {
        ArrayItems::RefOrSchema(items) => match items.as_mut() {
            RefOr::T(Schema::Object(one)) => Some(one),
            _ => None,
        },
        ArrayItems::False => None,
    }
}

fn describe(parameter: &str, schema: &mut Object) {
    if let Some((_, format)) = FORMATS.iter().find(|(name, _)| *name == parameter) {
        schema.format = Some(SchemaFormat::Custom((*format).to_owned()));
    }
    if WITHOUT_NUL.contains(&parameter) {
        schema.pattern = Some(WITHOUT_NUL_PATTERN.to_owned());
    }
    match parameter {
        "percentiles" => (schema.minimum, schema.maximum) = (Some(0.into()), Some(100.into())),
        // There is no number on the other side.
        "low" => schema.exclusive_maximum = Some(f64::MAX.into()),
        "high" => schema.exclusive_minimum = Some(f64::MIN.into()),
        _ => {}
    }
    if schema.schema_type == SchemaType::Type(Type::Integer) {
        // An integer can have any number of digits.
        schema.format = None;
    }
}
