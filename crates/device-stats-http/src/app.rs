//! The application: all routes, and the layers around them.

#[cfg(test)]
mod fuzz_tests;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_extractor_with_state, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use device_stats_service::Service;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::browsers::BrowserAccess;
use crate::compression::compression;
use crate::dashboard::Dashboard;
use crate::errors::{ApiError, TooManyOpenRequests};
use crate::extract::Anyone;
use crate::metrics::Metrics;
use crate::observers::Observers;
use crate::overload::refuse_if_overloaded;
use crate::{browsers, middleware, openapi, routes};

/// Returns the application over a service, with the page of the dashboard.
pub(crate) fn app(service: Service, access: &BrowserAccess, dashboard: &Dashboard) -> Router {
    let metrics = Metrics::new(&service);
    let (operations, document) = routes::operations(Some(&metrics)).split_for_parts();
    // The base layout has no logo with inline styles, which the policy of pages forbids. Without a validator,
    // the page sends nothing to other servers.
    let config = Config::default().use_base_layout().validator_url("none");
    let swagger_ui = SwaggerUi::new("/docs").config(config);
    let swagger_ui = swagger_ui.url("/api/v1/openapi.json", openapi::complete(document));
    let charged = from_extractor_with_state::<Anyone, _>(service.clone());
    let pages = Router::new().merge(swagger_ui).merge(routes::dashboard(dashboard)).layer(charged);
    let routes = operations.merge(routes::aliases()).merge(pages);
    let routes = routes.layer(from_fn_with_state(service.clone(), refuse_if_overloaded));
    with_layers(routes.with_state(service.clone()), access, Observers::new(service, metrics))
}

/// Returns the application while the database is being opened. Only the check of the liveness succeeds;
/// everything else is refused.
pub(crate) fn opening_app(access: &BrowserAccess) -> Router {
    around(
        Router::new().merge(routes::liveness()).fallback(refuse_while_opening),
        access,
        Observers::default(),
    )
}

/// Adds the layers of every request. From the inside out, they answer unknown paths and methods, refuse
/// requests above the limits on open requests, answer panics, refuse web pages of other sites, complete the
/// response, and compress it.
pub(crate) fn with_layers(routes: Router, access: &BrowserAccess, observers: Observers) -> Router {
    around(routes.fallback(refuse_path).method_not_allowed_fallback(refuse_method), access, observers)
}

fn around(routes: Router, access: &BrowserAccess, observers: Observers) -> Router {
    // The layers are one service, because `Router::layer` allocates memory for each layer and request.
    let layers = ServiceBuilder::new()
        .layer(CatchPanicLayer::custom(|_| ApiError::Panicked.into_response()))
        .layer(ValidateRequestHeaderLayer::custom(RefuseTooManyOpen));
    browsers::protect(routes.layer(layers), access)
        .layer(from_fn_with_state(observers, middleware::complete_response))
        .layer(compression())
}

/// Refuses a request that the listener has marked, because too many are open.
#[derive(Clone, Copy, Debug)]
struct RefuseTooManyOpen;

impl ValidateRequest<Body> for RefuseTooManyOpen {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request) -> Result<(), Response> {
        match request.extensions_mut().remove::<TooManyOpenRequests>() {
            Some(refused) => Err(ApiError::from(refused).into_response()),
            None => Ok(()),
        }
    }
}

async fn refuse_while_opening() -> ApiError {
    ApiError::Opening
}

/// Responds to a path that no operation has.
async fn refuse_path() -> ApiError {
    ApiError::UnknownPath
}

/// Responds to a method that a path does not have. The router adds the `Allow` header.
async fn refuse_method(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => ApiError::UnknownMethod.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get_while_opening(path: &str) -> Response {
        opening_app(&BrowserAccess::default())
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    /// The server did not listen until it had read all hot readings, so it was restarted again and again.
    #[tokio::test]
    async fn only_the_liveness_is_answered_while_the_database_is_being_opened() {
        assert_eq!(get_while_opening("/health/live").await.status(), StatusCode::OK);
        for path in ["/health/ready", "/api/v1/users/", "/docs", "/", "/unknown"] {
            let response = get_while_opening(path).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(response.headers()["retry-after"], "1", "{path}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(r#""detail":"The database is being opened, try again""#), "{path}: {body}");
            assert!(body.contains(r#""code":"unavailable""#), "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn foreign_hosts_are_refused_while_the_database_is_being_opened() {
        let request =
            Request::get("/api/v1/users").header("host", "site.example").body(Body::empty()).unwrap();
        let response = opening_app(&BrowserAccess::default()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    }

    #[tokio::test]
    async fn a_panic_is_answered_like_any_error() {
        let routes = Router::new().route("/", get(async || -> () { panic!("boom") }));
        let request = Request::get("/").header("x-request-id", "r-1").body(Body::empty()).unwrap();
        let response = with_layers(routes, &BrowserAccess::default(), Observers::default())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"detail":"Internal Server Error","code":"internal","request_id":"r-1"}"#);
    }
}
