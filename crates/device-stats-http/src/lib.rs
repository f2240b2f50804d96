//! HTTP in front of the service: the contract of version 1, as routes.
//!
//! A handler reads a request into domain values (`extract`), makes one call to the service, and encodes what it gets.
//! What can go wrong is one table (`errors`), and every answer leaves through one place (`middleware`).

mod body;
mod errors;
mod extract;
mod headers;
mod listener;
mod middleware;
mod openapi;
mod routes;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use device_stats_service::Service;
use errors::ApiError;
use routes::{
    analyses, batches, devices, exports, health, histograms, live, points, readings, series, users,
};

pub use listener::serve;
pub use openapi::openapi;

/// The operations, and the document that describes them.
fn operations() -> OpenApiRouter<Service> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::find_user, users::update_user, users::delete_user))
        .routes(routes!(devices::list_devices, devices::create_device))
        .routes(routes!(devices::find_device, devices::update_device, devices::delete_device))
        .routes(routes!(readings::list_readings, readings::append_reading))
        .routes(routes!(batches::append_batch))
        .routes(routes!(batches::append_mixed_batch))
        .routes(routes!(points::append_points))
        .routes(routes!(analyses::analyze_device))
        .routes(routes!(analyses::analyze_user))
        .routes(routes!(series::list_device_series))
        .routes(routes!(series::list_user_series))
        .routes(routes!(histograms::count_device_histogram))
        .routes(routes!(histograms::count_user_histogram))
        .routes(routes!(exports::export_device_readings))
        .routes(routes!(exports::export_user_readings))
        .routes(routes!(live::watch_device))
        .routes(routes!(live::watch_user))
        .routes(routes!(health::check_live))
        .routes(routes!(health::check_ready))
}

/// Everything that is served.
fn app(service: Service) -> Router {
    let (operations, document) = operations().split_for_parts();
    let page = SwaggerUi::new("/docs").url("/api/v1/openapi.json", openapi::complete(document));
    finished(operations.merge(points::other_paths()).merge(page).with_state(service))
}

/// Routes with all that happens to every request, inside out: unknown paths and methods, panics, and the answer.
fn finished(routes: Router) -> Router {
    routes
        .fallback(async || ApiError::UnknownPath)
        .method_not_allowed_fallback(unknown_method)
        .layer(CatchPanicLayer::custom(|_| ApiError::Panicked.into_response()))
        .layer(from_fn(middleware::finish))
}

/// A method that a path does not know; the router adds which it knows.
async fn unknown_method(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => ApiError::UnknownMethod.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_answered_in_the_usual_form() {
        let routes = Router::new().route("/", axum::routing::get(async || -> () { panic!("boom") }));
        let request =
            Request::get("/").header("x-request-id", "r-1").body(axum::body::Body::empty()).unwrap();
        let response = finished(routes).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"detail":"Internal Server Error","code":"internal","request_id":"r-1"}"#);
    }
}
