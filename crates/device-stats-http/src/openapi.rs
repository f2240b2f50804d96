//! The OpenAPI document: the descriptions of the handlers, and the parts that all operations share.

mod choices;
mod common_errors;
mod formats;
mod links;
mod security;

use utoipa::OpenApi as _;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi};

use crate::errors::{ErrorResponse, ValidationErrorResponse};
use crate::routes::{UserAnalysisResponse, operations};

/// Schemas that no handler names.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorResponse, ValidationErrorResponse, UserAnalysisResponse)))]
struct SharedSchemas;

const DESCRIPTION: &str = "Registers users and their devices, stores readings of the devices, and computes exact \
    statistics of each axis over any period: minimum, maximum, count, correctly rounded sum and median.\n\n\
    A path gives the same response with and without a trailing slash. Every response has the header `x-request-id`. \
    With `Accept: application/problem+json`, errors have the form of RFC 9457.";

/// Returns the OpenAPI document as JSON, with a line break at its end.
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "every value of the document is valid JSON"
)]
pub fn openapi() -> String {
    let document = complete(operations(None).into_openapi());
    document.to_pretty_json().expect("the document is valid JSON") + "\n"
}

/// Adds the title, the shared schemas and the common errors to the document of the operations.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0"));
    document.info = InfoBuilder::new()
        .title("Device Statistics Service")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license.build()))
        .description(Some(DESCRIPTION))
        .build();
    document.merge(SharedSchemas::openapi());
    security::add(&mut document);
    common_errors::add(&mut document);
    links::add(&mut document);
    choices::add(&mut document);
    formats::add(&mut document);
    document
}
