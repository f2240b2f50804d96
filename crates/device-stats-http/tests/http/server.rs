//! A service on its own port over its own store, and a client that sends exactly the given bytes. An ordinary
//! client would normalize paths such as `%2e%2e`, and would not send invalid requests.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Author, DeviceKey, Identity, NewToken, Scopes, Timestamp, Token, TokenKind};
use device_stats_http::{BrowserAccess, Dashboard, ListenerSettings, TrustedProxies, serve};
use device_stats_postgres::{PostgresConfig, PostgresStore, testing};
use device_stats_service::limits::HOT_READINGS_DEFAULT;
use device_stats_service::{AuthMode, QueryLimits, RateClock, RateSettings, Service, ServiceSettings};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{Store, Visibility};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Turns each `async fn case(api: Api)` into a test over each store: `case::sqlite` and `case::postgres`.
macro_rules! over_both_stores {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::server::over_sqlite(super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                crate::server::over_postgres(super::$case).await;
            }
        })+
    };
}
pub(crate) use over_both_stores;

pub(crate) const JSON: &str = "content-type: application/json";
pub(crate) const CSV: &str = "content-type: text/csv";
/// Path of the readings of the device `d`.
pub(crate) const READINGS: &str = "/api/v1/stats/devices/d";
/// Path of batches for the device `d`.
pub(crate) const BATCH: &str = "/api/v1/stats/devices/d/batch";
/// Path of batches for many devices.
pub(crate) const MIXED: &str = "/api/v1/stats/batch";
/// Response to a query without readings, in brief.
pub(crate) const NO_READINGS: &str = "404 No statistics found for the specified period";

/// Runs a case over a new SQLite database.
pub(crate) async fn over_sqlite(case: impl AsyncFnOnce(Api)) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("http.db"), true).unwrap();
    over(Arc::new(store), case).await;
}

/// Runs a case over a new PostgreSQL database.
pub(crate) async fn over_postgres(case: impl AsyncFnOnce(Api)) {
    let config = PostgresConfig::from_url(&testing::fresh_database()).unwrap();
    let store = PostgresStore::open(&config, true).await.unwrap();
    over(Arc::new(store), case).await;
}

async fn over(store: Arc<dyn Store>, case: impl AsyncFnOnce(Api)) {
    let server = Server::start(store).await;
    case(server.api).await;
    server.stop().await;
}

/// Creates a token of an administrator. Returns the header with which its holder signs in.
pub(crate) async fn administrator(store: &Arc<dyn Store>) -> String {
    format!("authorization: Bearer {}", administrator_token(store).await.expose())
}

/// Creates a token of an administrator.
pub(crate) async fn administrator_token(store: &Arc<dyn Store>) -> Token {
    let token = Token::from_random(TokenKind::Administrator, &[5; 32]);
    let new = NewToken {
        hash: token.hash(),
        prefix: token.prefix(),
        holder: Identity::Administrator,
        scopes: Scopes::ALL,
        name: None,
        created_at: Timestamp::from_micros(1).unwrap(),
        expires_at: None,
    };
    store.create_token(&Author::SERVICE, Visibility::All, new).await.unwrap();
    token
}

/// The settings of a service.
struct Options {
    cache_bytes_max: u64,
    proxies: TrustedProxies,
    access: BrowserAccess,
    dashboard: Dashboard,
    queries: QueryLimits,
    hot_readings_max: u64,
    auth: AuthMode,
    rates: RateSettings,
    rate_clock: RateClock,
    devices_per_user_max: Option<u32>,
    open_requests_per_address_max: Option<usize>,
    overload_wait_max: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes_max: 16 * 1024 * 1024,
            proxies: TrustedProxies::default(),
            access: BrowserAccess::default(),
            dashboard: Dashboard::new(device_stats_dashboard::placeholder()),
            queries: QueryLimits::default(),
            hot_readings_max: HOT_READINGS_DEFAULT,
            auth: AuthMode::Open,
            rates: RateSettings::NONE,
            rate_clock: RateClock::default(),
            devices_per_user_max: None,
            open_requests_per_address_max: None,
            overload_wait_max: None,
        }
    }
}

/// A running service.
pub(crate) struct Server {
    pub(crate) api: Api,
    pub(crate) service: Service,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        Self::start_with(store, Options::default()).await
    }

    pub(crate) async fn start_with_cache(store: Arc<dyn Store>, cache_bytes_max: u64) -> Self {
        Self::start_with(store, Options { cache_bytes_max, ..Options::default() }).await
    }

    /// Starts a service that believes the `X-Forwarded-For` of these proxies.
    pub(crate) async fn start_behind(store: Arc<dyn Store>, proxies: TrustedProxies) -> Self {
        Self::start_with(store, Options { proxies, ..Options::default() }).await
    }

    /// Starts a service with these names, for these web pages.
    pub(crate) async fn start_for(store: Arc<dyn Store>, access: BrowserAccess) -> Self {
        Self::start_with(store, Options { access, ..Options::default() }).await
    }

    /// Starts a service with this dashboard, whose clients need a token.
    pub(crate) async fn start_with_dashboard(store: Arc<dyn Store>, dashboard: Dashboard) -> Self {
        Self::start_with(store, Options { auth: AuthMode::Token, dashboard, ..Options::default() }).await
    }

    pub(crate) async fn start_with_limits(store: Arc<dyn Store>, queries: QueryLimits) -> Self {
        Self::start_with(store, Options { queries, ..Options::default() }).await
    }

    /// Starts a service that accepts no hot readings while the store has this number of them.
    pub(crate) async fn start_with_hot_readings_max(store: Arc<dyn Store>, hot_readings_max: u64) -> Self {
        Self::start_with(store, Options { hot_readings_max, ..Options::default() }).await
    }

    /// Starts a service whose clients need a token.
    pub(crate) async fn start_with_tokens(store: Arc<dyn Store>) -> Self {
        Self::start_with(store, Options { auth: AuthMode::Token, ..Options::default() }).await
    }

    /// Starts a service whose clients need a token, behind these proxies.
    pub(crate) async fn start_with_tokens_behind(store: Arc<dyn Store>, proxies: TrustedProxies) -> Self {
        Self::start_with(store, Options { auth: AuthMode::Token, proxies, ..Options::default() }).await
    }

    /// Starts a service with these rates, measured by this clock. It believes the `X-Forwarded-For` of this
    /// machine.
    pub(crate) async fn start_with_rates(
        store: Arc<dyn Store>,
        auth: AuthMode,
        rates: RateSettings,
        rate_clock: RateClock,
    ) -> Self {
        let proxies = "127.0.0.1".parse().unwrap();
        Self::start_with(store, Options { proxies, auth, rates, rate_clock, ..Options::default() }).await
    }

    /// Starts a service whose clients need a token, and whose users create up to this number of devices.
    pub(crate) async fn start_with_devices_max(store: Arc<dyn Store>, devices_per_user_max: u32) -> Self {
        let devices_per_user_max = Some(devices_per_user_max);
        Self::start_with(store, Options { auth: AuthMode::Token, devices_per_user_max, ..Options::default() })
            .await
    }

    /// Starts a service that answers this number of requests of a client address at the same time. It
    /// believes the `X-Forwarded-For` of this machine.
    pub(crate) async fn start_with_open_requests_max(store: Arc<dyn Store>, max: usize) -> Self {
        let proxies = "127.0.0.1".parse().unwrap();
        let options = Options { proxies, open_requests_per_address_max: Some(max), ..Options::default() };
        Self::start_with(store, options).await
    }

    /// Starts a service whose clients need a token, and which takes each wait for an overload.
    pub(crate) async fn start_overloaded(store: Arc<dyn Store>) -> Self {
        let overload_wait_max = Some(Duration::from_nanos(1));
        Self::start_with(store, Options { auth: AuthMode::Token, overload_wait_max, ..Options::default() })
            .await
    }

    async fn start_with(store: Arc<dyn Store>, options: Options) -> Self {
        let Options {
            cache_bytes_max,
            proxies,
            access,
            dashboard,
            queries,
            hot_readings_max,
            auth,
            rates,
            rate_clock,
            devices_per_user_max,
            open_requests_per_address_max,
            overload_wait_max,
        } = options;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api { address: listener.local_addr().unwrap() };
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = ServiceSettings {
            cache_bytes_max,
            receipts_kept_for: Duration::from_mins(1),
            queries,
            hot_readings_max,
            auth,
            rates,
            devices_per_user_max,
            overload_wait_max,
        };
        let service = Service::with_rate_clock(store, settings, &rate_clock).unwrap();
        let served = service.clone();
        let serving = tokio::spawn(async move {
            let service = served;
            let _relay = service.join_other_nodes();
            let _load = service.measure_load_in_background();
            let stop = async {
                // A failing case drops the sender, which also stops the service.
                let _sent = stopped.await;
            };
            let settings = ListenerSettings {
                proxies,
                access,
                dashboard,
                open_requests_per_address_max,
                ..ListenerSettings::default()
            };
            serve(listener, std::future::ready(service.clone()), settings, stop).await;
        });
        Self { api, service, stop, serving }
    }

    /// Starts the shutdown. The returned task ends when the shutdown is complete.
    pub(crate) fn begin_stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.serving
    }

    pub(crate) async fn stop(self) {
        self.begin_stop().await.unwrap();
    }
}

/// A client.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
}

impl Api {
    pub(crate) async fn get(self, path: &str) -> Response {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn delete(self, path: &str) -> Response {
        self.send("DELETE", path, &[], None).await
    }

    pub(crate) async fn post(self, path: &str, body: impl ToString) -> Response {
        self.send("POST", path, &[JSON], Some(body.to_string().as_bytes())).await
    }

    /// Posts a body of this media type.
    pub(crate) async fn post_as(self, path: &str, media_type: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("POST", path, &[&format!("content-type: {media_type}")], Some(body.as_ref())).await
    }

    pub(crate) async fn put(self, path: &str, body: impl ToString) -> Response {
        self.send("PUT", path, &[JSON], Some(body.to_string().as_bytes())).await
    }

    pub(crate) async fn send(
        self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: Option<&[u8]>,
    ) -> Response {
        let mut request = Self::head(method, path, headers);
        if let Some(body) = body {
            write!(request, "content-length: {}\r\n", body.len()).unwrap();
        }
        let request = [request.as_bytes(), b"\r\n", body.unwrap_or_default()].concat();
        self.send_bytes(&request, method != "HEAD").await
    }

    /// Sends a request without a body, and reads only the head of the response.
    pub(crate) async fn send_for_head(self, method: &str, path: &str, headers: &[&str]) -> Response {
        let request = Self::head(method, path, headers) + "\r\n";
        self.send_bytes(request.as_bytes(), false).await
    }

    fn head(method: &str, path: &str, headers: &[&str]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for header in headers {
            write!(head, "{header}\r\n").unwrap();
        }
        head
    }

    /// Sends bytes and reads one response.
    pub(crate) async fn send_bytes(self, request: &[u8], has_body: bool) -> Response {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut read, mut write) = stream.split();
        // The server may respond and close the connection before it has read everything.
        let writing = async {
            let _refused = write.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            response = Response::read(&mut read, has_body) => response,
            () = writing => unreachable!("the future is pending"),
        }
    }

    /// Registers a device without an owner.
    pub(crate) async fn device(self, id: &str) -> Value {
        let response = self.post("/api/v1/devices", json!({"device_id": id})).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.json()
    }

    /// Registers a device of a user, or without an owner.
    pub(crate) async fn owned_device(self, id: &str, user: impl Into<Option<i64>>) -> DeviceKey {
        let device = json!({"device_id": id, "user_id": user.into()});
        let response = self.post("/api/v1/devices", device).await;
        assert_eq!(response.status, 201, "{response:?}");
        DeviceKey(response.json()["id"].as_i64().unwrap())
    }

    /// Registers a user. Returns the id of the user.
    pub(crate) async fn user(self, name: &str) -> i64 {
        let user = json!({"username": name, "email": format!("{name}@example.com")});
        let response = self.post("/api/v1/users", user).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.json()["id"].as_i64().unwrap()
    }

    /// Returns the first page of a list.
    pub(crate) async fn list(self, path: &str) -> Vec<Value> {
        let response = self.get(path).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json().as_array().unwrap().clone()
    }
}

/// A response.
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Response {
    /// Reads one response, and no byte after it.
    pub(crate) async fn read(stream: &mut (impl AsyncReadExt + Unpin), has_body: bool) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a complete head"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split_terminator("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut response = Self { status, headers, body: Vec::new() };
        if has_body && response.header("transfer-encoding") == Some("chunked") {
            response.body = read_chunks(stream).await.expect("a complete body");
        } else if has_body {
            let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
            response.body = vec![0; length];
            stream.read_exact(&mut response.body).await.unwrap();
        }
        response
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the headers in order, without the date.
    pub(crate) fn sorted_headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        headers.sort();
        headers
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the numbers of accepted readings and of repeats of a batch.
    pub(crate) fn counts(&self) -> (u64, u64) {
        assert_eq!(self.status, 201, "{self:?}");
        let body = self.json();
        (body["accepted"].as_u64().unwrap(), body["duplicates"].as_u64().unwrap())
    }

    /// Returns the number of conflicts of a batch.
    pub(crate) fn conflicts(&self) -> u64 {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()["conflicts"].as_u64().unwrap()
    }

    /// Returns the status and the reason on one line: `404 Device not found`, `422 missing body.x, float_type
    /// body.y`.
    pub(crate) fn brief(&self) -> String {
        assert!(self.status < 500, "{self:?}");
        let detail = match self.body.as_slice() {
            [] => Value::Null,
            _ => self.json().get("detail").cloned().unwrap_or_default(),
        };
        match detail {
            Value::Array(faults) => {
                let faults: Vec<String> = faults.iter().map(brief_fault).collect();
                format!("{} {}", self.status, faults.join(", "))
            }
            Value::String(detail) => format!("{} {detail}", self.status),
            _ => self.status.to_string(),
        }
    }
}

/// Reads a chunked body. Returns `Err` with the received part if the body ends early.
pub(crate) async fn read_chunks(stream: &mut (impl AsyncReadExt + Unpin)) -> Result<Vec<u8>, Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let Ok(byte) = stream.read_u8().await else { return Err(body) };
            line.push(byte);
        }
        let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        if stream.read_exact(&mut chunk).await.is_err() {
            return Err(body);
        }
        assert!(chunk.ends_with(b"\r\n"));
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

fn brief_fault(fault: &Value) -> String {
    assert!(fault["msg"].is_string() && fault.get("input").is_some(), "{fault}");
    let steps = fault["loc"].as_array().unwrap().iter();
    let steps: Vec<String> =
        steps.map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
    format!("{} {}", fault["type"].as_str().unwrap(), steps.join("."))
}
