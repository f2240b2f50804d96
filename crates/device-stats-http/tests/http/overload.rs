//! Overload: requests are refused in their order, and health checks never. The service takes the shortest
//! wait for an overload, so the number of requests in progress alone decides.

use std::sync::Arc;

use device_stats_domain::{Token, TokenKind};
use device_stats_service::RequestClass;
use device_stats_service::limits::REQUESTS_IN_PROGRESS_MIN;
use device_stats_store::{Model, Store};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Api, BATCH, JSON, MIXED, READINGS, Response, Server, administrator};

const READING: &str = r#"{"x":1,"y":2,"z":3}"#;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A single reading whose body does not arrive.
struct Slow(TcpStream);

impl Slow {
    /// Sends the head of the request, and waits until the service has admitted it.
    async fn begin(api: Api, token: &str) -> Self {
        loop {
            let mut stream = TcpStream::connect(api.address).await.unwrap();
            let head = format!(
                "POST {READINGS} HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n{token}\r\nexpect: 100-continue\r\n\
                 content-length: {}\r\n\r\n",
                READING.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = [0; CONTINUE.len()];
            stream.read_exact(&mut answer).await.unwrap();
            if answer == CONTINUE {
                return Self(stream);
            }
            assert!(answer.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&answer));
        }
    }

    /// Sends the body, and returns the status.
    async fn complete(mut self) -> u16 {
        self.0.write_all(READING.as_bytes()).await.unwrap();
        Response::read(&mut self.0, true).await.status
    }
}

/// A request: its method, path, headers and body.
type Request<'r> = (&'static str, &'static str, Vec<&'r str>, Option<&'static str>);

struct Clients {
    administrator: String,
    unknown: String,
}

impl Clients {
    /// Returns requests of each class, in the order of the classes.
    fn requests(&self) -> [Vec<Request<'_>>; 4] {
        let (known, unknown) = (self.administrator.as_str(), self.unknown.as_str());
        let batch = Some(r#"[{"x":1,"y":2,"z":3}]"#);
        let mixed = Some(r#"[{"device_id":"d","x":1,"y":2,"z":3}]"#);
        [
            vec![
                ("GET", "/api/v1/stats/devices/d/analysis", vec![known], None),
                ("POST", "/api/v1/stats/devices/d/analyze", vec![known], None),
                ("GET", "/api/v1/stats/devices/d/export", vec![known], None),
                ("GET", READINGS, vec![known], None),
            ],
            vec![
                ("POST", READINGS, vec![JSON, unknown], Some(READING)),
                ("GET", "/api/v1/me", vec![unknown], None),
                ("GET", "/api/v1/version", vec![known], None),
                ("GET", "/docs/", vec![], None),
                ("GET", "/", vec![], None),
            ],
            vec![
                ("POST", BATCH, vec![JSON, known], batch),
                ("POST", MIXED, vec![JSON, known], mixed),
                ("POST", "/write", vec![known], Some("m,device=d x=1,y=2,z=3")),
            ],
            vec![
                ("POST", READINGS, vec![JSON, known], Some(READING)),
                ("GET", "/api/v1/devices", vec![known], None),
                ("GET", "/api/v1/me", vec![known], None),
            ],
        ]
    }
}

async fn is_refused(api: Api, (method, path, headers, body): Request<'_>) -> bool {
    let response = api.send(method, path, &headers, body.map(str::as_bytes)).await;
    if response.status != 503 {
        assert!([200, 201, 204, 307, 401, 404].contains(&response.status), "{method} {path}: {response:?}");
        return false;
    }
    assert_eq!(response.json()["code"], "overloaded", "{method} {path}");
    assert_eq!(response.header("retry-after"), Some("1"), "{method} {path}");
    true
}

/// Starts a service with the device `d`.
async fn start() -> (Server, Clients, Arc<dyn Store>) {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let administrator = administrator(&store).await;
    let unknown = Token::from_random(TokenKind::Device, &[9; 32]);
    let unknown = format!("authorization: Bearer {}", unknown.expose());
    let server = Server::start_overloaded(Arc::clone(&store)).await;
    let device = json!({"device_id": "d"}).to_string();
    let headers = [JSON, &administrator];
    let created = server.api.send("POST", "/api/v1/devices", &headers, Some(device.as_bytes())).await;
    assert_eq!(created.status, 201, "{created:?}");
    (server, Clients { administrator, unknown }, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_refused_in_their_order_and_health_checks_never() {
    let (server, clients, _) = start().await;
    let api = server.api;
    let mut requests = Vec::new();
    for count in [0, 15, 16, 19, 20, 23, 24, 31, 32] {
        while requests.len() < count {
            requests.push(server.service.admit_request(RequestClass::Other).unwrap());
        }
        let refused_from = [4, 5, 6, 8].map(|eighths| REQUESTS_IN_PROGRESS_MIN * eighths / 8);
        for (from, requests) in refused_from.into_iter().zip(clients.requests()) {
            for request in requests {
                if count < from {
                    assert!(!is_refused(api, request.clone()).await, "{count} in progress: {request:?}");
                } else {
                    // The limit falls within milliseconds after the start.
                    while !is_refused(api, request.clone()).await {}
                }
            }
        }
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(api.get(path).await.status, 200, "{count} in progress: {path}");
        }
        // A request without a token needs no work, and its client has to change something.
        let status = api.get("/api/v1/devices").await.status;
        assert_eq!(status, if count < 32 { 401 } else { 503 });
    }
    // When the requests have ended, everything is admitted again.
    drop(requests);
    for request in clients.requests().into_iter().flatten() {
        assert!(!is_refused(api, request.clone()).await, "{request:?}");
    }
    server.stop().await;
}

/// Clients with slow bodies made the service refuse all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_cause_refusals_only_for_a_moment() {
    let (server, clients, store) = start().await;
    let api = server.api;
    let mut slow = Vec::new();
    for _ in 0..4 * REQUESTS_IN_PROGRESS_MIN {
        slow.push(Slow::begin(api, &clients.administrator).await);
    }
    // The newest of them count for a moment.
    for request in clients.requests().into_iter().flatten() {
        while is_refused(api, request.clone()).await {}
    }
    let posted = store.count_hot_readings().await.unwrap();
    let count = u64::try_from(slow.len()).unwrap();
    for request in slow {
        assert_eq!(request.complete().await, 201);
    }
    assert_eq!(store.count_hot_readings().await.unwrap(), posted + count);
    server.stop().await;
}

/// The client learns at once that it should wait, and needs no new connection for its next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reads_no_body_and_keeps_the_connection() {
    let (server, clients, store) = start().await;
    let api = server.api;
    let requests: Vec<_> =
        (0..24).map(|_| server.service.admit_request(RequestClass::Other).unwrap()).collect();
    let [_, unauthenticated, ..] = clients.requests();
    for request in unauthenticated {
        while !is_refused(api, request.clone()).await {}
    }
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    let head = |path: &str, more: &str, length: usize| {
        let token = &clients.administrator;
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n{token}\r\n{more}content-length: {length}\r\n\r\n"
        )
    };
    // The response comes before the body, and the body may follow.
    let length = 1_000_000;
    stream.write_all(head(BATCH, "", length).as_bytes()).await.unwrap();
    let response = Response::read(&mut stream, true).await;
    assert_eq!((response.status, response.json()["code"].as_str()), (503, Some("overloaded")));
    assert_eq!(response.header("retry-after"), Some("1"));
    stream.write_all(&vec![b' '; length]).await.unwrap();
    stream.write_all((head(READINGS, "", READING.len()) + READING).as_bytes()).await.unwrap();
    assert_eq!(Response::read(&mut stream, true).await.status, 201);
    // A client that asks first does not send the body.
    stream.write_all(head(BATCH, "expect: 100-continue\r\n", length).as_bytes()).await.unwrap();
    assert_eq!(Response::read(&mut stream, true).await.status, 503);
    drop(requests);
    assert_eq!(store.count_hot_readings().await.unwrap(), 1);
    server.stop().await;
}
