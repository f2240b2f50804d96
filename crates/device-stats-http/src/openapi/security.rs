//! The credentials of the operations.

use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use crate::routes::is_health_path;

const BEARER: &str = "bearer";
const BASIC: &str = "basic";
const SESSION: &str = "session";

/// Operations that need no token, beside checks of the health.
const PUBLIC: &[&str] = &["show_version", "create_session", "delete_session"];

/// Returns whether an operation needs a token, unless the service is open for everybody.
pub(super) fn needs_token(path: &str, operation: &Operation) -> bool {
    let is_public = operation.operation_id.as_deref().is_some_and(|id| PUBLIC.contains(&id));
    !is_health_path(path) && !is_public
}

/// Adds the ways to send a token, and names them in each operation that needs one. They are optional, because
/// a service can be open for everybody.
pub(super) fn add(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let scheme = |scheme, description: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(description)).build())
    };
    let bearer = "An access token: `Authorization: Bearer dss_u_…`. `Token` is accepted instead of `Bearer`.";
    let basic =
        "An access token as the password; the username is ignored. For clients of InfluxDB 1 and Grafana.";
    components.add_security_scheme(BEARER, scheme(HttpAuthScheme::Bearer, bearer));
    components.add_security_scheme(BASIC, scheme(HttpAuthScheme::Basic, basic));
    let session =
        "The session of a browser, after `POST /api/v1/session`. Without TLS, the name is `device-stats`.";
    let cookie = ApiKeyValue::with_description("__Host-device-stats", session);
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for (path, item) in &mut document.paths.paths {
        for operation in
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
        {
            if needs_token(path, operation) {
                let none = SecurityRequirement::default();
                let ways = [BEARER, BASIC, SESSION]
                    .map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []));
                operation.security = Some(std::iter::once(none).chain(ways).collect());
            }
        }
    }
}
