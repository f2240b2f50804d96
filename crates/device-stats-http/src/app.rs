//! The application: all routes, and the layers around them.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use device_stats_service::Service;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::SwaggerUi;

use crate::body::drain_unread;
use crate::compression::compression;
use crate::errors::ApiError;
use crate::{middleware, openapi, routes};

/// Returns the application over a service.
pub(crate) fn app(service: Service) -> Router {
    let (operations, document) = routes::operations().split_for_parts();
    let swagger_ui = SwaggerUi::new("/docs").url("/api/v1/openapi.json", openapi::complete(document));
    with_layers(operations.merge(routes::aliases()).merge(swagger_ui).with_state(service))
}

/// Adds the layers of every request. From the inside out, they answer unknown paths and methods, answer
/// panics, complete the response, and compress it.
pub(crate) fn with_layers(routes: Router) -> Router {
    routes
        .fallback(refuse_path)
        .method_not_allowed_fallback(refuse_method)
        .layer(CatchPanicLayer::custom(|_| ApiError::Panicked.into_response()))
        .layer(from_fn(middleware::complete_response))
        .layer(compression())
}

/// Responds to a path that no operation has.
async fn refuse_path(uri: Uri, headers: HeaderMap, body: Body) -> ApiError {
    drain_unread(&headers, body);
    if uri.path() == "/" { ApiError::RootPath } else { ApiError::UnknownPath }
}

/// Responds to a method that a path does not have. The router adds the `Allow` header.
async fn refuse_method(method: Method, headers: HeaderMap, body: Body) -> Response {
    drain_unread(&headers, body);
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => ApiError::UnknownMethod.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_like_any_error() {
        let routes = Router::new().route("/", get(async || -> () { panic!("boom") }));
        let request = Request::get("/").header("x-request-id", "r-1").body(Body::empty()).unwrap();
        let response = with_layers(routes).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"detail":"Internal Server Error","code":"internal","request_id":"r-1"}"#);
    }
}
