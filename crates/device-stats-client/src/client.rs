//! The connection to a server: request, response, and the retry loop.

use std::time::Duration;

use device_stats_domain::{Token, error_chain};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use tracing::debug;

use crate::connection_fault::ConnectionFault;
use crate::error::ClientError;
use crate::limits::CLIENT_CONNECT_TIMEOUT;
use crate::retry::{Backoff, RequestFailure, RetryPolicy, is_outcome_unknown};

/// Timeout of a response; for an export, the longest time without new bytes.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout of a health check.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// The server that a client connects to.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its URL, without a trailing slash.
    pub url: String,
    /// The token that each request contains.
    pub token: Option<Token>,
}

/// A client of one server. Clones are cheap and share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    retry_policy: RetryPolicy,
}

impl Client {
    /// Returns a client of a server. Sends nothing.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if the URL is invalid, or if the system has no trusted certificates.
    pub fn new(server: &Server, retry_policy: RetryPolicy) -> Result<Self, ClientError> {
        Self::build(server, retry_policy, reqwest::Client::builder().timeout(RESPONSE_TIMEOUT))
    }

    /// Returns a client for responses of any duration. The timeout limits only the time without new bytes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_exports(server: &Server, retry_policy: RetryPolicy) -> Result<Self, ClientError> {
        Self::build(server, retry_policy, reqwest::Client::builder().read_timeout(RESPONSE_TIMEOUT))
    }

    /// Returns a client for health checks of a server on this machine. It does not check the certificate,
    /// which names the host and not the address of this machine. So it must not send secrets.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if the URL is invalid.
    pub fn for_own_health(base_url: &str) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().tls_certs_only([]).tls_danger_accept_invalid_certs(true);
        let server = Server { url: base_url.to_owned(), token: None };
        Self::build(&server, RetryPolicy::Overload, http)
    }

    /// Returns the retry policy.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry_policy
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    fn build(server: &Server, retry_policy: RetryPolicy, http: ClientBuilder) -> Result<Self, ClientError> {
        let Server { url: base_url, token } = server;
        let mut http = http
            .user_agent(concat!("device-stats/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CLIENT_CONNECT_TIMEOUT);
        if base_url.starts_with("http://") {
            // Plain HTTP needs no certificates, and a small image may have none.
            http = http.tls_certs_only([]);
        }
        if is_loopback(base_url) {
            http = http.no_proxy();
        }
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| ClientError::Setup)?;
            // No log of the library shows the header.
            value.set_sensitive(true);
            http = http.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]));
        }
        let http = http.build().map_err(|cause| {
            debug!(cause = error_chain(&cause), "the HTTP client cannot be set up");
            ClientError::Setup
        })?;
        Ok(Self { http, base_url: base_url.to_owned(), retry_policy })
    }

    /// Checks that the server can serve requests. Sends one request, without retries.
    ///
    /// # Errors
    /// [`ClientError`] if the server cannot serve requests.
    pub async fn check_health(&self) -> Result<(), ClientError> {
        self.send(self.request(Method::GET, "/health/ready").timeout(HEALTH_TIMEOUT)).await.map(drop)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    /// Sends a request and returns a successful response.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.bytes().await.map_err(|error| self.unreachable(error))?;
        Err(ClientError::from_response(status, retry_after.map(Duration::from_secs), &body))
    }

    #[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        ClientError::Unreachable { url: self.base_url.clone(), source: ConnectionFault::of(&error) }
    }

    /// Sends a request and returns the body of a successful response.
    pub(crate) async fn send_for_text(&self, request: RequestBuilder) -> Result<String, ClientError> {
        let response = self.send(request).await?;
        response.text().await.map_err(|error| self.unreachable(error))
    }

    /// Sends a request and parses the body of a successful response.
    pub(crate) async fn send_for_json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let body = self.send_for_text(request).await?;
        serde_json::from_str(&body).map_err(ClientError::unexpected)
    }

    /// Repeats an idempotent request, as the retry policy allows.
    pub(crate) async fn retry<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        self.retry_and_track_outcome(attempt).await.map_err(|failure| failure.error)
    }

    /// Like [`Self::retry`], but a failure also states whether the server may have executed an attempt.
    pub(crate) async fn retry_and_track_outcome<T, F>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, RequestFailure>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut backoff = Backoff::new(self.retry_policy);
        let mut is_unknown = false;
        loop {
            let error = match attempt().await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            is_unknown |= is_outcome_unknown(&error);
            if !backoff.wait(&error).await {
                return Err(RequestFailure { error, is_outcome_unknown: is_unknown });
            }
        }
    }
}

/// Returns whether a URL addresses this host. A proxy that the environment names cannot reach a loopback
/// address.
fn is_loopback(base_url: &str) -> bool {
    let Ok(url) = Url::parse(base_url) else { return false };
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
