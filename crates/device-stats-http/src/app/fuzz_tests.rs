//! Random requests to the whole application, without a network. No request may be answered with a server
//! error, or make the application panic.
//!
//! Open applications alternate with applications whose clients need tokens. `FUZZ_REQUESTS` sets the number
//! of requests (50,000), `FUZZ_SEED` the seed of a run that failed.

mod application;
mod credentials;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use device_stats_service::AuthMode;
use fastrand::Rng;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use application::Application;
use request::{Operation, operations, request};

const REQUESTS: u64 = 50_000;
const SEED: u64 = 20_261_129;
/// A new application with an empty store is used after this number of requests, so that each run sees empty
/// and full stores.
const REQUESTS_PER_APPLICATION: u64 = 2_000;
/// Number of requests after which deleted objects and credentials are created again.
const REQUESTS_PER_RESTORE: u64 = 50;
/// Number of requests in a mode after which many operations must have succeeded.
const REQUESTS_FOR_MANY_OPERATIONS: u64 = 10_000;

/// The outcomes of the requests to the applications of a mode.
#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    /// Number of responses with each status.
    statuses: BTreeMap<u16, u64>,
    /// Number of successful requests for operations that need a token if the service is not open.
    successes: u64,
    /// The operations that have succeeded.
    succeeded: BTreeSet<String>,
}

impl Tally {
    fn note(&mut self, operation: &Operation, status: StatusCode) {
        self.requests += 1;
        *self.statuses.entry(status.as_u16()).or_default() += 1;
        if status.is_success() {
            self.successes += u64::from(operation.needs_token);
            self.succeeded.insert(operation.id.clone());
        }
    }

    /// Checks that the requests have reached the handlers of many operations, and not only the checks before
    /// them, and that each kind of refusal has occurred.
    fn check(&self, auth: AuthMode, operations: usize) {
        let successes_min = match auth {
            AuthMode::Open => self.requests / 10,
            AuthMode::Token => self.requests / 20,
        };
        assert!(self.successes >= successes_min, "too few successes, {auth:?}: {self:?}");
        let are_many =
            self.requests < REQUESTS_FOR_MANY_OPERATIONS || self.succeeded.len() >= operations * 3 / 4;
        assert!(are_many, "too few operations have succeeded, {auth:?}: {self:?}");
        if auth == AuthMode::Token {
            for status in [401, 403, 404, 429] {
                let found = self.statuses.get(&status).copied().unwrap_or_default();
                assert!(found >= self.requests / 1_000, "too few responses with {status}: {self:?}");
            }
        }
    }
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
    let mut application = Application::new(AuthMode::Open, &mut rng);
    let (mut open, mut with_tokens) = (Tally::default(), Tally::default());
    for number in 0..count {
        if number.is_multiple_of(REQUESTS_PER_APPLICATION) {
            let is_open = (number / REQUESTS_PER_APPLICATION).is_multiple_of(2);
            let auth = if is_open { AuthMode::Open } else { AuthMode::Token };
            application = Application::new(auth, &mut rng);
        }
        if number.is_multiple_of(REQUESTS_PER_RESTORE) {
            application.restore_objects(&mut rng).await;
        }
        application.let_time_pass(&mut rng);
        let operation = &operations[rng.usize(..operations.len())];
        let (head, bytes) = request(&mut rng, operation, &application.credentials).into_parts();
        let bytes = bytes.collect().await.unwrap().to_bytes();
        let shown = format!(
            "FUZZ_SEED={seed}, request {number}: {head:?} {:?}",
            bytes.slice(..bytes.len().min(2_000))
        );
        let sent = Request::from_parts(head, Body::from(bytes));
        let response = application.router.clone().oneshot(sent).await.unwrap();
        let status = response.status();
        assert!(!status.is_server_error(), "{status} {shown}");
        let tally = if application.auth == AuthMode::Open { &mut open } else { &mut with_tokens };
        tally.note(operation, status);
        let answer = read(response).await;
        if status.is_client_error() && !answer.is_empty() {
            let answer: Value =
                serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{error} {shown}"));
            assert!(answer["detail"].is_string() || answer["detail"].is_array(), "{answer} {shown}");
        }
    }
    open.check(AuthMode::Open, operations.len());
    with_tokens.check(AuthMode::Token, operations.len());
}
