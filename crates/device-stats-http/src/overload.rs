//! Refusal of requests by an overloaded service, before their sign-in. Their bodies are discarded, not
//! parsed. The class of a request follows from its method and its route; the sign-in checks the class of
//! requests with an unknown token.

mod counted_body;

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use device_stats_service::{RequestClass, Service};

use self::counted_body::count_while_working;
use crate::errors::ApiError;
use crate::routes::{METRICS_PATH, is_health_path, is_write_path};

/// Runs a request if the service admits its class, and refuses it otherwise. Health checks are never refused.
pub(crate) async fn refuse_if_overloaded(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let class = route.and_then(|route| class(request.method(), route.as_str()));
    let Some(class) = class else { return next.run(request).await };
    match service.admit_request(class) {
        Ok(permit) if permit.is_counted() => {
            let permit = Arc::new(permit);
            next.run(count_while_working(request, &permit)).await
        }
        Ok(_) => next.run(request).await,
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// Returns the class of a request; `None` for health checks and metrics, which an operator needs most during
/// an overload.
fn class(method: &Method, route: &str) -> Option<RequestClass> {
    let is_about_readings = route.starts_with("/api/v1/stats/");
    Some(match route {
        _ if is_health_path(route) || route == METRICS_PATH => return None,
        _ if is_write_path(route) => RequestClass::Batch,
        "/api/v1/version" | "/api/v1/openapi.json" => RequestClass::Unauthenticated,
        "/api/v1/audit" => RequestClass::Query,
        "/api/v1/session" if method == Method::POST => RequestClass::Unauthenticated,
        // The dashboard, and the pages of the documentation.
        _ if !route.starts_with("/api/") => RequestClass::Unauthenticated,
        _ if is_about_readings && (method.is_safe() || route.ends_with("/analyze")) => RequestClass::Query,
        _ if is_about_readings && route.ends_with("/batch") => RequestClass::Batch,
        _ => RequestClass::Other,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use bytes::Bytes;
    use device_stats_service::ServiceSettings;
    use device_stats_store::Model;
    use futures_util::{FutureExt, stream};
    use serde_json::Value;
    use tokio::task::yield_now;
    use tokio::time::advance;
    use tokio_util::task::AbortOnDropHandle;
    use tower::ServiceExt;

    use super::*;
    use crate::app::app;
    use crate::browsers::BrowserAccess;
    use crate::dashboard::Dashboard;
    use crate::limits::BODY_COUNTED_TIME;
    use crate::testing::Log;

    async fn get(app: &Router, path: &str) -> Response {
        app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Returns a service that takes each wait for an overload, the task that measures its load, and its
    /// application.
    fn overloadable() -> (Service, AbortOnDropHandle<()>, Router) {
        let wait_max = Duration::from_millis(1);
        let settings = ServiceSettings { overload_wait_max: Some(wait_max), ..ServiceSettings::default() };
        let service = Service::new(Arc::new(Model::default()), settings).unwrap();
        let load = service.measure_load_in_background();
        let app = app(service.clone(), &BrowserAccess::default(), &Dashboard::default());
        (service, load, app)
    }

    /// Makes the runtime late: the clock passes its timers by far.
    async fn be_late(service: &Service) {
        // The runtime is measured while requests are in progress.
        let _permit = service.admit_request(RequestClass::Other);
        for _ in 0..3 {
            advance(Duration::from_millis(100)).await;
            yield_now().await;
            // The limit follows when a request arrives.
            drop(service.admit_request(RequestClass::Other));
        }
    }

    /// Clients with slow bodies made the service refuse all others.
    #[tokio::test(start_paused = true)]
    async fn a_request_counts_unless_it_waits_long_for_its_body() {
        let (service, _load, app) = overloadable();
        for _ in 0..2 {
            be_late(&service).await;
        }
        let mut requests: Vec<_> = (0..16)
            .map(|_| {
                let body = Body::from_stream(stream::pending::<Result<Bytes, axum::Error>>());
                let request = Request::post("/api/v1/stats/devices/d").body(body).unwrap();
                app.clone().oneshot(request).boxed()
            })
            .collect();
        let analysis = "/api/v1/stats/devices/d/analysis";
        for (expected, time) in [(503, BODY_COUNTED_TIME), (404, Duration::ZERO)] {
            for request in &mut requests {
                assert!(request.now_or_never().is_none());
            }
            assert_eq!(get(&app, analysis).await.status(), expected);
            advance(time).await;
        }
    }

    /// Each refused request wrote two lines, which made the overload worse.
    #[tokio::test(start_paused = true)]
    async fn the_log_has_the_beginning_and_the_end_of_refusals_only() {
        let (log, _guard) = Log::start();
        let (service, _load, app) = overloadable();
        be_late(&service).await;
        let permits: Vec<_> = (0..16).map(|_| service.admit_request(RequestClass::Other)).collect();
        for _ in 0..3 {
            be_late(&service).await;
            let response = get(&app, "/api/v1/stats/devices/d/analysis").await;
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["retry-after"], "1");
        }
        assert_eq!(get(&app, "/api/v1/devices").await.status(), 200);
        let text = log.text();
        let count = |text: &str, what| text.matches(what).count();
        assert_eq!(count(&text, "refusing requests of this class"), 1, "{text}");
        assert_eq!((count(&text, "request answered"), count(&text, "request refused")), (1, 0), "{text}");
        drop(permits);
        for _ in 0..60 {
            be_late(&service).await;
        }
        assert_eq!(get(&app, "/api/v1/stats/devices/d/analysis").await.status(), 404);
        let text = log.text();
        assert_eq!(count(&text, "accepting requests of this class again"), 1, "{text}");
        assert!(text.contains(r#"class="queries" refused=3"#), "{text}");
        assert_eq!(count(&text, "request answered"), 2, "{text}");
    }

    #[test]
    fn every_operation_has_the_class_of_its_work() {
        let document: Value = serde_json::from_str(&crate::openapi::openapi()).unwrap();
        let mut classes = String::new();
        for (route, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let class = class(&method.to_uppercase().parse().unwrap(), route);
                writeln!(classes, "{class:?} {method} {route}").unwrap();
            }
        }
        let mut lines: Vec<&str> = classes.lines().collect();
        lines.sort_unstable();
        insta::assert_snapshot!(lines.join("\n"), @r"
        None get /health/live
        None get /health/ready
        None get /metrics
        Some(Batch) post /api/v1/stats/batch
        Some(Batch) post /api/v1/stats/devices/{device_id}/batch
        Some(Batch) post /api/v1/write
        Some(Other) delete /api/v1/demo
        Some(Other) delete /api/v1/devices/{device_id}
        Some(Other) delete /api/v1/session
        Some(Other) delete /api/v1/stats/devices/{device_id}
        Some(Other) delete /api/v1/tokens/{token_id}
        Some(Other) delete /api/v1/users/{user_id}
        Some(Other) get /api/v1/demo
        Some(Other) get /api/v1/devices
        Some(Other) get /api/v1/devices/{device_id}
        Some(Other) get /api/v1/me
        Some(Other) get /api/v1/service
        Some(Other) get /api/v1/tokens
        Some(Other) get /api/v1/users
        Some(Other) get /api/v1/users/{user_id}
        Some(Other) post /api/v1/demo
        Some(Other) post /api/v1/devices
        Some(Other) post /api/v1/stats/devices/{device_id}
        Some(Other) post /api/v1/tokens
        Some(Other) post /api/v1/users
        Some(Other) put /api/v1/devices/{device_id}
        Some(Other) put /api/v1/users/{user_id}
        Some(Query) get /api/v1/audit
        Some(Query) get /api/v1/stats/analysis
        Some(Query) get /api/v1/stats/devices/{device_id}
        Some(Query) get /api/v1/stats/devices/{device_id}/analysis
        Some(Query) get /api/v1/stats/devices/{device_id}/export
        Some(Query) get /api/v1/stats/devices/{device_id}/histogram
        Some(Query) get /api/v1/stats/devices/{device_id}/latest
        Some(Query) get /api/v1/stats/devices/{device_id}/live
        Some(Query) get /api/v1/stats/devices/{device_id}/path
        Some(Query) get /api/v1/stats/devices/{device_id}/readings/{timestamp}
        Some(Query) get /api/v1/stats/devices/{device_id}/series
        Some(Query) get /api/v1/stats/fleet
        Some(Query) get /api/v1/stats/latest
        Some(Query) get /api/v1/stats/status
        Some(Query) get /api/v1/stats/users/{user_id}/analysis
        Some(Query) get /api/v1/stats/users/{user_id}/export
        Some(Query) get /api/v1/stats/users/{user_id}/histogram
        Some(Query) get /api/v1/stats/users/{user_id}/live
        Some(Query) get /api/v1/stats/users/{user_id}/series
        Some(Query) post /api/v1/stats/devices/{device_id}/analyze
        Some(Query) post /api/v1/stats/users/{user_id}/analyze
        Some(Unauthenticated) get /api/v1/version
        Some(Unauthenticated) post /api/v1/session
        ");
        for route in ["/write", "/api/v2/write"] {
            assert_eq!(class(&Method::POST, route), Some(RequestClass::Batch), "{route}");
        }
        for route in ["/", "/assets/{*path}", "/docs", "/docs/{*rest}", "/api/v1/openapi.json"] {
            assert_eq!(class(&Method::GET, route), Some(RequestClass::Unauthenticated), "{route}");
        }
    }
}
