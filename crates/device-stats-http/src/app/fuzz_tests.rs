//! Random requests to the whole application, without a network. No request may be answered with a server
//! error, or make the application panic.
//!
//! `FUZZ_REQUESTS` sets the number of requests (50,000), `FUZZ_SEED` the seed of a run that failed.

mod request;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use device_stats_service::{Service, ServiceSettings};
use device_stats_store::Model;
use fastrand::Rng;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use request::{operations, request};

const REQUESTS: u64 = 50_000;
const SEED: u64 = 20_261_129;
/// A new service with an empty store is used after this number of requests, so that each run sees empty and
/// full stores.
const REQUESTS_PER_SERVICE: u64 = 2_000;

fn new_app() -> Router {
    let service = Service::new(Arc::new(Model::default()), ServiceSettings::default()).unwrap();
    app(service, &BrowserAccess::default())
}

#[expect(clippy::disallowed_methods, reason = "the number of requests of a longer run")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Reads the body, unless the response has no end.
async fn read(response: Response) -> Bytes {
    let is_stream = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    if is_stream { Bytes::new() } else { response.into_body().collect().await.unwrap().to_bytes() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_answered_with_a_server_error() {
    let (count, seed) = (setting("FUZZ_REQUESTS", REQUESTS), setting("FUZZ_SEED", SEED));
    // Without a subscriber, this test would switch off spans for tests that run at the same time and read
    // logs.
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let operations = operations();
    let mut rng = Rng::with_seed(seed);
    let mut app = new_app();
    let mut successes = 0_u64;
    for number in 0..count {
        if number % REQUESTS_PER_SERVICE == 0 {
            app = new_app();
        }
        let request = request(&mut rng, &operations);
        let (head, bytes) = request.into_parts();
        let bytes = bytes.collect().await.unwrap().to_bytes();
        let shown = format!(
            "FUZZ_SEED={seed}, request {number}: {head:?} {:?}",
            bytes.slice(..bytes.len().min(2_000))
        );
        let response = app.clone().oneshot(Request::from_parts(head, Body::from(bytes))).await.unwrap();
        let status = response.status();
        successes += u64::from(status.is_success());
        assert!(!status.is_server_error(), "{status} {shown}");
        let is_error = status.is_client_error();
        let answer = read(response).await;
        if is_error && !answer.is_empty() {
            let answer: Value =
                serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{error} {shown}"));
            assert!(answer["detail"].is_string() || answer["detail"].is_array(), "{answer} {shown}");
        }
    }
    // Otherwise, the requests would not reach the handlers.
    assert!(successes > count / 20, "only {successes} of {count} requests have succeeded");
}
