//! The HTTP interface from the outside: what `import`, `export`, `analyze` and `health` ask a server. Knows nothing of files and
//! tables.

use std::time::Duration;

use device_stats_domain::limits::CLIENT_CONNECT_TIMEOUT;
use reqwest::header::RETRY_AFTER;
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use crate::error::ClientError;
use crate::retry::{self, GivenUp, Patience, Waits};

/// How long an answer may take; of an export, how long nothing may arrive.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long the answer about the state of a server may take.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// A server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    pub(crate) base: String,
    patience: Patience,
}

impl Client {
    /// The server at that address, which is without its last slash. Sends nothing yet.
    ///
    /// # Errors
    /// [`ClientError::Setup`] for an address that is none, and where the system has no certificates to trust.
    pub fn new(base: &str, patience: Patience) -> Result<Self, ClientError> {
        Self::build(base, patience, reqwest::Client::builder().timeout(ANSWER_TIMEOUT))
    }

    /// The same for answers that arrive for as long as it takes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_exports(base: &str, patience: Patience) -> Result<Self, ClientError> {
        Self::build(base, patience, reqwest::Client::builder().read_timeout(ANSWER_TIMEOUT))
    }

    /// How long this one goes on trying.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    fn build(base: &str, patience: Patience, http: ClientBuilder) -> Result<Self, ClientError> {
        let mut http = http
            .user_agent(concat!("device-stats/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CLIENT_CONNECT_TIMEOUT);
        if base.starts_with("http://") {
            // Needs no certificates, and a small image may have none.
            http = http.tls_certs_only([]);
        }
        if is_this_host(base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(ClientError::Setup)?;
        Ok(Self { http, base: base.to_owned(), patience })
    }

    /// Whether the server can serve requests.
    ///
    /// # Errors
    /// [`ClientError`] where it cannot.
    pub async fn check_health(&self) -> Result<(), ClientError> {
        self.answer(self.request(Method::GET, "/health/ready").timeout(HEALTH_TIMEOUT)).await.map(drop)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request; returns the answer where it is a success.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.bytes().await.map_err(|error| self.lost(error))?;
        Err(ClientError::from_answer(status, retry_after.map(Duration::from_secs), &body))
    }

    fn lost(&self, error: reqwest::Error) -> ClientError {
        ClientError::Unreachable { url: self.base.clone(), source: error.without_url() }
    }

    /// Sends a request; returns the body of a success.
    pub(crate) async fn body(&self, request: RequestBuilder) -> Result<String, ClientError> {
        let response = self.answer(request).await?;
        response.text().await.map_err(|error| self.lost(error))
    }

    /// Sends a request; returns what the body of a success says.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let body = self.body(request).await?;
        serde_json::from_str(&body).map_err(ClientError::NotUnderstood)
    }

    /// Makes a request that is safe to repeat, again where it fails, for as long as this client has patience.
    pub(crate) async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        self.until_given_up(attempt).await.map_err(|given_up| given_up.error)
    }

    /// The same; also says whether what was asked may have been done.
    pub(crate) async fn until_given_up<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, GivenUp>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut waits = Waits::new(self.patience);
        let mut may_be_done = false;
        loop {
            let error = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            may_be_done |= retry::may_be_done(&error);
            if !waits.wait(&error).await {
                return Err(GivenUp { error, may_be_done });
            }
        }
    }
}

/// Whether the address is one of this host, where no proxy of the environment belongs in between.
fn is_this_host(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else { return false };
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
