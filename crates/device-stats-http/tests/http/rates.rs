//! Rates: the requests and readings of users and devices, and the requests and failed sign-ins of client
//! addresses. The clock stands still unless a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use device_stats_domain::{SessionSecret, Token, TokenKind};
use device_stats_postgres::testing::TestPostgres;
use device_stats_postgres::{PostgresConfig, PostgresStore};
use device_stats_service::{AuthMode, RateClock, RateSettings};
use device_stats_store::{Model, Store};
use serde_json::{Value, json};

use crate::server::{Api, BATCH, CSV, JSON, MIXED, READINGS, Response, Server, administrator};

const ME: &str = "/api/v1/me";
/// Path of batches for a device that the user may not see. Their readings are charged, and not stored.
const UNSEEN: &str = "/api/v1/stats/devices/unseen/batch?register=true";
/// Maximum number of readings of a batch, and minimum quota of readings.
const FULL_BATCH: usize = device_stats_formats::limits::BATCH_READINGS_MAX;

/// A server with tokens: of an administrator, of the user `ann`, and of its devices `d` and `e`. The device
/// `unseen` has no owner.
struct Fleet {
    server: Server,
    api: Api,
    now_ns: Arc<AtomicU64>,
    administrator: String,
    user: String,
    devices: [String; 2],
}

/// Returns a clock that stands still, and its time in nanoseconds.
fn clock() -> (RateClock, Arc<AtomicU64>) {
    let now_ns = Arc::new(AtomicU64::new(0));
    let shown = Arc::clone(&now_ns);
    (RateClock::new(move || Duration::from_nanos(shown.load(Ordering::Relaxed))), now_ns)
}

fn header(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

impl Fleet {
    async fn start(rates: RateSettings) -> Self {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let administrator = administrator(&store).await;
        let (clock, now_ns) = clock();
        let server = Server::start_with_rates(store, AuthMode::Token, rates, clock).await;
        let api = server.api;
        let create = async |path: &str, body: Value| {
            let created =
                api.send("POST", path, &[JSON, &administrator], Some(body.to_string().as_bytes())).await;
            assert_eq!(created.status, 201, "{created:?}");
            created.json()
        };
        let ann = create("/api/v1/users", json!({"username": "ann", "email": "ann@example.com"})).await;
        for id in ["d", "e"] {
            create("/api/v1/devices", json!({"device_id": id, "user_id": ann["id"]})).await;
        }
        create("/api/v1/devices", json!({"device_id": "unseen"})).await;
        let token = async |holder: Value, scopes: Value| {
            let created = create("/api/v1/tokens", json!({"for": holder, "scopes": scopes})).await;
            header(created["token"].as_str().unwrap())
        };
        let user = token(json!({"user_id": ann["id"]}), json!(["ingest", "read", "manage"])).await;
        let device = async |id| token(json!({"device_id": id}), json!(["ingest", "read"])).await;
        let devices = [device("d").await, device("e").await];
        Self { server, api, now_ns, administrator, user, devices }
    }

    fn advance(&self, by: Duration) {
        self.now_ns.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::Relaxed);
    }

    async fn get(&self, path: &str, headers: &[&str]) -> Response {
        self.api.send("GET", path, headers, None).await
    }

    /// Returns the number of readings of a device that are stored.
    async fn stored(&self, device: &str) -> usize {
        let path = format!("/api/v1/stats/devices/{device}");
        self.get(&path, &[&self.administrator]).await.json().as_array().unwrap().len()
    }

    async fn stop(self) {
        self.server.stop().await;
    }
}

/// Returns the status, `RateLimit-Policy`, `RateLimit` and `Retry-After`.
fn limits(response: &Response) -> (u16, [Option<&str>; 3]) {
    let headers = ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| response.header(name));
    (response.status, headers)
}

#[tokio::test]
async fn a_device_with_too_many_requests_waits_and_others_do_not() {
    let rates =
        RateSettings { device_requests_per_second: 2, user_requests_per_second: 3, ..RateSettings::NONE };
    let fleet = Fleet::start(rates).await;
    let [device, other] = &fleet.devices;
    let policy = Some(r#""requests";q=20;w=10"#);
    for left in (0..20).rev() {
        let response = fleet.get(ME, &[device]).await;
        let rest = format!(r#""requests";r={left};t=1"#);
        assert_eq!(limits(&response), (200, [policy, Some(&rest), None]));
    }
    let refused = fleet.get(ME, &[device, "x-request-id: r"]).await;
    assert_eq!(limits(&refused), (429, [policy, Some(r#""requests";r=0;t=1"#), Some("1")]));
    insta::assert_snapshot!(String::from_utf8_lossy(&refused.body), @r#"{"detail":"Too many requests; nothing was done, try again in 1 second","code":"too_many_requests","request_id":"r"}"#);
    // Neither another address nor a request that has no right gets around the limit.
    for (path, headers) in [
        (ME, [device.as_str(), "x-forwarded-for: 10.0.0.9"]),
        ("/api/v1/users", [device.as_str(), "accept: application/problem+json"]),
    ] {
        assert_eq!(fleet.get(path, &headers).await.status, 429, "{path}");
    }
    let other = fleet.get(ME, &[other]).await;
    assert_eq!(limits(&other), (200, [policy, Some(r#""requests";r=19;t=1"#), None]));
    let user = fleet.get(ME, &[&fleet.user]).await;
    assert_eq!(limits(&user), (200, [Some(r#""requests";q=30;w=10"#), Some(r#""requests";r=29;t=1"#), None]));
    for _ in 0..40 {
        assert_eq!(limits(&fleet.get(ME, &[&fleet.administrator]).await), (200, [None; 3]));
        assert_eq!(limits(&fleet.get("/health/ready", &[device]).await), (200, [None; 3]));
    }
    fleet.advance(Duration::from_millis(499));
    assert_eq!(fleet.get(ME, &[device]).await.status, 429);
    fleet.advance(Duration::from_millis(1));
    assert_eq!(fleet.get(ME, &[device]).await.status, 200);
    assert_eq!(fleet.get(ME, &[device]).await.status, 429);
    fleet.stop().await;
}

/// The tokens of a user share its quota. Errors count, too: a client that repeats a faulty request is paced.
#[tokio::test]
async fn all_tokens_and_all_answers_of_a_user_count_together() {
    let fleet = Fleet::start(RateSettings { user_requests_per_second: 1, ..RateSettings::NONE }).await;
    let body = json!({"for": {"user_id": 1}, "scopes": ["read"]}).to_string();
    let headers = [JSON, &fleet.administrator];
    let created = fleet.api.send("POST", "/api/v1/tokens", &headers, Some(body.as_bytes())).await;
    let second = header(created.json()["token"].as_str().unwrap());
    for n in 0..10 {
        let (token, path, expected) = [
            (&fleet.user, "/api/v1/devices", 200),
            (&second, "/api/v1/devices/missing", 404),
            (&fleet.user, "/api/v1/devices?limit=x", 422),
            (&second, "/api/v1/users", 403),
        ][n % 4];
        let response = fleet.get(path, &[token]).await;
        assert_eq!(response.status, expected);
        let rest = format!(r#""requests";r={};t=1"#, 9 - n);
        assert_eq!(response.header("ratelimit"), Some(rest.as_str()));
    }
    for token in [&fleet.user, &second] {
        assert_eq!(fleet.get(ME, &[token]).await.status, 429);
    }
    fleet.stop().await;
}

/// Posts one reading of the device `d` with each operation, and a third one of a new device.
async fn post_each(fleet: &Fleet, token: &str) -> Vec<Response> {
    let reading = r#"{"x":1,"y":2,"z":3}"#;
    let mixed = r#"[{"device_id":"d","x":1,"y":2,"z":3}]"#;
    let point = "m,device=d x=1,y=2,z=3";
    let mut responses = Vec::new();
    for (path, body) in [
        (READINGS, reading.to_owned()),
        (BATCH, format!("[{reading}]")),
        (MIXED, mixed.to_owned()),
        ("/api/v1/write", point.to_owned()),
        ("/write", point.to_owned()),
        ("/api/v1/stats/batch?register=true", mixed.replace("\"d\"", "\"new\"")),
    ] {
        responses.push(fleet.api.send("POST", path, &[JSON, token], Some(body.as_bytes())).await);
    }
    responses
}

#[tokio::test]
async fn a_sender_with_too_many_readings_waits_and_nothing_is_stored() {
    let fleet = Fleet::start(RateSettings { readings_per_second: 1, ..RateSettings::NONE }).await;
    let rows = "1,2,3\n".repeat(FULL_BATCH - 8);
    let large = format!("x,y,z\n{rows}");
    let send_large =
        async || fleet.api.send("POST", UNSEEN, &[CSV, &fleet.user], Some(large.as_bytes())).await;
    let response = send_large().await;
    let policy = format!(r#""readings";q={FULL_BATCH};qu="readings";w={FULL_BATCH}"#);
    let policy = Some(policy.as_str());
    assert_eq!(limits(&response), (404, [policy, Some(r#""readings";r=8;t=1"#), None]));
    for (n, response) in post_each(&fleet, &fleet.user).await.iter().enumerate() {
        let rest = format!(r#""readings";r={};t=1"#, 7 - n);
        assert!(response.status < 300, "{n} {response:?}");
        assert_eq!(limits(response).1, [policy, Some(rest.as_str()), None], "{n}");
    }
    assert_eq!((fleet.stored("d").await, fleet.stored("new").await), (5, 1));
    // A batch is charged as a whole or not at all.
    let batch = json!(vec![json!({"x": 1, "y": 2, "z": 3}); 7]).to_string();
    let send = async || {
        fleet.api.send("POST", BATCH, &[JSON, &fleet.user, "x-request-id: r"], Some(batch.as_bytes())).await
    };
    let refused = send().await;
    // It may use three readings in advance.
    assert_eq!(limits(&refused), (429, [policy, Some(r#""readings";r=2;t=2"#), Some("2")]));
    insta::assert_snapshot!(String::from_utf8_lossy(&refused.body), @r#"{"detail":"Too many readings; nothing was done, try again in 2 seconds","code":"too_many_readings","request_id":"r"}"#);
    fleet.advance(Duration::from_secs(2));
    assert_eq!(limits(&send().await), (201, [policy, Some(r#""readings";r=0;t=4"#), None]));
    // Each operation is refused, and registers no device.
    let body = r#"[{"device_id":"newer","x":1,"y":2,"z":3}]"#;
    let path = "/api/v1/stats/batch?register=true";
    let registering = fleet.api.send("POST", path, &[JSON, &fleet.user], Some(body.as_bytes())).await;
    let refused = post_each(&fleet, &fleet.user).await.into_iter().chain([registering]);
    for response in refused {
        assert_eq!(limits(&response), (429, [policy, Some(r#""readings";r=0;t=4"#), Some("4")]));
        assert_eq!(response.json()["code"], "too_many_readings");
    }
    assert_eq!((fleet.stored("d").await, fleet.stored("new").await), (12, 1));
    assert_eq!(fleet.get("/api/v1/devices/newer", &[&fleet.administrator]).await.status, 404);
    // Telegraf logs `message`.
    let write = fleet.api.send("POST", "/write", &[&fleet.user], Some(b"m,device=d x=1,y=2,z=3")).await;
    assert_eq!(write.json()["message"], write.json()["detail"]);
    // Other senders and other requests are not affected.
    for token in [&fleet.devices[0], &fleet.devices[1], &fleet.administrator] {
        assert_eq!(fleet.get(ME, &[token]).await.status, 200);
    }
    let [device, _] = &fleet.devices;
    let response = fleet.api.send("POST", BATCH, &[JSON, device], Some(batch.as_bytes())).await;
    assert_eq!(limits(&response).0, 201);
    let unlimited =
        fleet.api.send("POST", BATCH, &[JSON, &fleet.administrator], Some(batch.as_bytes())).await;
    assert_eq!(limits(&unlimited), (201, [None; 3]));
    fleet.advance(Duration::from_secs(FULL_BATCH as u64 + 3));
    assert_eq!(send_large().await.status, 404, "a full batch passes again");
    fleet.stop().await;
}

/// A sender far above its quota made the service read and parse each of its batches.
#[tokio::test]
async fn a_sender_with_nothing_left_is_refused_before_its_body_is_read() {
    let fleet = Fleet::start(RateSettings { readings_per_second: 1, ..RateSettings::NONE }).await;
    let rows = |count| format!("x,y,z\n{}", "1,2,3\n".repeat(count));
    let send =
        async |rows: &str| fleet.api.send("POST", BATCH, &[CSV, &fleet.user], Some(rows.as_bytes())).await;
    let full = rows(FULL_BATCH);
    let charged = fleet.api.send("POST", UNSEEN, &[CSV, &fleet.user], Some(full.as_bytes())).await;
    assert_eq!(limits(&charged).1[1], Some(r#""readings";r=0;t=1"#), "{charged:?}");
    // Neither the format nor the number of readings matters, because nobody looks at them.
    for body in [rows(1), String::new(), "x".to_owned()] {
        let refused = send(&body).await;
        assert_eq!(limits(&refused).0, 429, "{refused:?}");
        assert_eq!(refused.json()["code"], "too_many_readings");
        assert_eq!(limits(&refused).1[1..], [Some(r#""readings";r=0;t=1"#), Some("1")]);
    }
    // A client that asks first is told not to send its body.
    let head = format!(
        "POST {BATCH} HTTP/1.1\r\nhost: localhost\r\n{CSV}\r\n{}\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
        fleet.user
    );
    assert_eq!(fleet.api.send_bytes(head.as_bytes(), true).await.status, 429);
    fleet.advance(Duration::from_secs(2));
    assert_eq!(limits(&send(&rows(6)).await).1[1..], [Some(r#""readings";r=2;t=1"#), Some("1")]);
    assert_eq!(limits(&send(&rows(5)).await).1[1..], [Some(r#""readings";r=0;t=4"#), None]);
    assert_eq!(limits(&send("").await).1[1..], [Some(r#""readings";r=0;t=4"#), Some("4")]);
    fleet.stop().await;
}

#[tokio::test]
async fn requests_without_a_token_are_counted_by_address() {
    let fleet = Fleet::start(RateSettings { address_requests_per_second: 1, ..RateSettings::NONE }).await;
    let policy = Some(r#""address-requests";q=10;w=10"#);
    let from = |address: &str| format!("x-forwarded-for: {address}");
    // The service counts both forms of an IPv4 address as one client, and all IPv6 addresses of a /64
    // network as one client.
    for (addresses, other) in [
        (["10.0.0.1", "::ffff:10.0.0.1"], "10.0.0.2"),
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"], "2001:db8:1:3::1"),
    ] {
        let [one, two] = addresses.map(from);
        let paths =
            [("/api/v1/users", 401), ("/api/v1/version", 200), ("/api/v1/openapi.json", 200), (ME, 401)];
        for n in 0..10 {
            let (path, expected) = paths[n % 4];
            let response = fleet.get(path, &[if n % 2 == 0 { &one } else { &two }]).await;
            let rest = format!(r#""address-requests";r={};t=1"#, 9 - n);
            assert_eq!(limits(&response), (expected, [policy, Some(rest.as_str()), None]), "{path}");
        }
        for path in [ME, "/api/v1/users", "/api/v1/version", "/api/v1/openapi.json", "/docs/", "/"] {
            let refused = fleet.get(path, &[&two]).await;
            let expected = (429, [policy, Some(r#""address-requests";r=0;t=1"#), Some("1")]);
            assert_eq!(limits(&refused), expected, "{path}");
            assert_eq!(refused.json()["code"], "too_many_requests");
        }
        // A valid token from the same address is not affected.
        assert_eq!(limits(&fleet.get(ME, &[&fleet.user, &one]).await), (200, [None; 3]));
        assert_eq!(limits(&fleet.get("/health/live", &[&one]).await), (200, [None; 3]));
        assert_eq!(fleet.get(ME, &[&from(other)]).await.status, 401);
    }
    fleet.advance(Duration::from_secs(1));
    assert_eq!(fleet.get(ME, &["x-forwarded-for: 10.0.0.1"]).await.status, 401);
    assert_eq!(fleet.get(ME, &["x-forwarded-for: 10.0.0.1"]).await.status, 429);
    fleet.stop().await;
}

#[tokio::test]
async fn failed_sign_ins_are_counted_by_address_and_lock_no_token_out() {
    let fleet = Fleet::start(RateSettings { failed_sign_ins_per_minute: 4, ..RateSettings::NONE }).await;
    let policy = Some(r#""failed-sign-ins";q=4;w=60"#);
    let unknown = header(Token::from_random(TokenKind::User, &[6; 32]).expose());
    let wrong =
        [unknown.as_str(), "authorization: Bearer x", "authorization: Basic x", "authorization: Digest x"];
    let one = "x-forwarded-for: 10.0.0.1";
    for (n, credentials) in wrong.iter().enumerate() {
        let response = fleet.get(ME, &[credentials, one]).await;
        let rest = format!(r#""failed-sign-ins";r={};t=15"#, 3 - n);
        assert_eq!(limits(&response), (401, [policy, Some(rest.as_str()), None]), "{credentials}");
        assert!(response.header("www-authenticate").is_some());
    }
    for credentials in wrong {
        let refused = fleet.get(ME, &[credentials, one]).await;
        assert_eq!(limits(&refused), (429, [policy, Some(r#""failed-sign-ins";r=0;t=15"#), Some("15")]));
        assert_eq!(refused.json()["code"], "too_many_requests");
        assert!(refused.header("www-authenticate").is_none());
        // Tokens of the same address work, whether this node has seen them before or not.
        for token in [&fleet.administrator, &fleet.user, &fleet.devices[0]] {
            assert_eq!(limits(&fleet.get(ME, &[token, one]).await), (200, [None; 3]));
        }
        // A request without credentials is no attempt to sign in.
        assert_eq!(limits(&fleet.get(ME, &[one]).await), (401, [None; 3]));
    }
    assert_eq!(fleet.get(ME, &[wrong[0], "x-forwarded-for: 10.0.0.2"]).await.status, 401);
    fleet.advance(Duration::from_millis(14_999));
    assert_eq!(limits(&fleet.get(ME, &[wrong[0], one]).await).1[2], Some("1"));
    fleet.advance(Duration::from_millis(1));
    assert_eq!(fleet.get(ME, &[wrong[0], one]).await.status, 401);
    assert_eq!(fleet.get(ME, &[wrong[0], one]).await.status, 429);
    fleet.stop().await;
}

/// Begins a session of a browser.
async fn sign_in(fleet: &Fleet, token: &str) -> Response {
    let body = json!({"token": token}).to_string();
    fleet.api.send("POST", "/api/v1/session", &[JSON], Some(body.as_bytes())).await
}

/// Returns the header with the cookie of a session.
fn cookie(begun: &Response) -> String {
    let (pair, _) = begun.header("set-cookie").unwrap().split_once(';').unwrap();
    format!("cookie: {pair}")
}

/// Clients of the same address could keep a person from signing in on the web page.
#[tokio::test]
async fn failed_sign_ins_of_browsers_count_and_lock_no_token_out() {
    let rates =
        RateSettings { failed_sign_ins_per_minute: 3, address_requests_per_second: 1, ..RateSettings::NONE };
    let fleet = Fleet::start(rates).await;
    let unknown = Token::from_random(TokenKind::User, &[6; 32]);
    let forged = SessionSecret::from_random(&[6; 32]);
    let forged = format!("cookie: device-stats={}", forged.expose());
    assert_eq!(sign_in(&fleet, unknown.expose()).await.status, 401);
    assert_eq!(sign_in(&fleet, "x").await.status, 401);
    assert_eq!(fleet.get(ME, &[&forged]).await.status, 401);
    let refused = [
        sign_in(&fleet, "y").await,
        sign_in(&fleet, unknown.expose()).await,
        fleet.get(ME, &[&forged]).await,
    ];
    for (left, refused) in [6, 5, 4].iter().zip(refused) {
        let rest = format!(r#""address-requests";r={left};t=1, "failed-sign-ins";r=0;t=20"#);
        assert_eq!((refused.status, refused.header("ratelimit")), (429, Some(rest.as_str())));
    }
    // A sign-in without a token counts for the address.
    for _ in 0..4 {
        let faulty = fleet.api.send("POST", "/api/v1/session", &[JSON], Some(b"{}")).await;
        assert_eq!(faulty.status, 422);
    }
    let refused = fleet.api.send("POST", "/api/v1/session", &[JSON], Some(b"{}")).await;
    assert_eq!(limits(&refused).1[1..], [Some(r#""address-requests";r=0;t=1"#), Some("1")]);
    let begun = sign_in(&fleet, fleet.user.trim_start_matches("authorization: Bearer ")).await;
    assert_eq!(limits(&begun), (201, [None; 3]));
    assert_eq!(limits(&fleet.get(ME, &[&cookie(&begun)]).await), (200, [None; 3]));
    fleet.stop().await;
}

/// Beginning a session counted only for the address.
#[tokio::test]
async fn sessions_share_the_quota_of_the_user() {
    let fleet = Fleet::start(RateSettings { user_requests_per_second: 1, ..RateSettings::NONE }).await;
    let rest = |response: &Response| response.header("ratelimit").map(str::to_owned);
    let token = fleet.user.trim_start_matches("authorization: Bearer ");
    let mut cookies = Vec::new();
    for left in [9, 8] {
        let begun = sign_in(&fleet, token).await;
        assert_eq!(rest(&begun), Some(format!(r#""requests";r={left};t=1"#)));
        cookies.push(cookie(&begun));
    }
    for left in (0..8).rev() {
        let header = [&cookies[0], &fleet.user, &cookies[1]][left % 3];
        assert_eq!(rest(&fleet.get(ME, &[header]).await), Some(format!(r#""requests";r={left};t=1"#)));
    }
    for header in [&cookies[0], &fleet.user, &cookies[1]] {
        assert_eq!(fleet.get(ME, &[header]).await.status, 429);
    }
    assert_eq!(sign_in(&fleet, token).await.status, 429);
    // A person can always sign out.
    let headers = [cookies[0].as_str(), "sec-fetch-site: same-origin"];
    assert_eq!(fleet.api.send("DELETE", "/api/v1/session", &headers, None).await.status, 204);
    fleet.stop().await;
}

/// The body of a refused request is not read before the answer. Closing the connection with unread bytes
/// would reset it, and the client would not learn when to try again.
#[tokio::test]
async fn a_client_that_sends_much_can_read_the_refusal() {
    let fleet = Fleet::start(RateSettings { device_requests_per_second: 1, ..RateSettings::NONE }).await;
    let [device, _] = &fleet.devices;
    for _ in 0..10 {
        assert_eq!(fleet.get(ME, &[device]).await.status, 200);
    }
    let body = format!("x,y,z\n{}", "1,2,3\n".repeat(1_500_000));
    for _ in 0..5 {
        let refused = fleet.api.send("POST", BATCH, &[CSV, device], Some(body.as_bytes())).await;
        assert_eq!(limits(&refused).1[2], Some("1"), "{refused:?}");
    }
    fleet.stop().await;
}

#[tokio::test]
async fn an_open_service_has_limits_only_if_they_are_set() {
    let post = async |api: Api, address: &str| {
        let address = format!("x-forwarded-for: {address}");
        let headers = [JSON, &address, "authorization: Bearer x"];
        api.send("POST", READINGS, &headers, Some(br#"{"x":1,"y":2,"z":3}"#)).await
    };
    let (clock, _) = clock();
    let open = RateSettings::default_for(AuthMode::Open);
    let server =
        Server::start_with_rates(Arc::new(Model::default()), AuthMode::Open, open, clock.clone()).await;
    server.api.device("d").await;
    for _ in 0..300 {
        assert_eq!(limits(&post(server.api, "10.0.0.1").await), (201, [None; 3]));
    }
    server.stop().await;

    let rates = RateSettings {
        address_requests_per_second: 1,
        readings_per_second: 1,
        ..RateSettings::default_for(AuthMode::Token)
    };
    let server = Server::start_with_rates(Arc::new(Model::default()), AuthMode::Open, rates, clock).await;
    server.api.device("d").await;
    for address in ["10.0.0.1", "10.0.0.2"] {
        for left in (0..10).rev() {
            let response = post(server.api, address).await;
            let policies = format!(
                r#""address-requests";q=10;w=10, "readings";q={FULL_BATCH};qu="readings";w={FULL_BATCH}"#
            );
            let readings = FULL_BATCH - 10 + left;
            let rest = format!(r#""address-requests";r={left};t=1, "readings";r={readings};t=1"#);
            assert_eq!(limits(&response), (201, [Some(policies.as_str()), Some(rest.as_str()), None]));
        }
        assert_eq!(post(server.api, address).await.status, 429);
    }
    server.stop().await;
}

/// The failed lookups of valid tokens were charged to the address, so that clients got 429 instead of 503.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_database_is_not_charged_to_an_address() {
    let postgres = TestPostgres::start();
    let config = PostgresConfig::from_url(&postgres.url()).unwrap();
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&config, true).await.unwrap());
    let token = administrator(&store).await;
    let rates = RateSettings { address_requests_per_second: 1, ..RateSettings::NONE };
    let server = Server::start_with_rates(store, AuthMode::Token, rates, clock().0).await;
    postgres.stop();
    for _ in 0..12 {
        let response = server.api.send("GET", ME, &[&token], None).await;
        assert_eq!(limits(&response), (503, [None, None, Some("1")]), "{response:?}");
    }
    server.stop().await;
}
