//! Tests of live streams: clients get readings as they are committed.

use std::sync::Arc;
use std::time::Duration;

use device_stats_postgres::{PostgresConfig, PostgresStore, testing};
use device_stats_service::limits::LIVE_STREAMS_PER_ADDRESS_MAX;
use device_stats_store::{Model, Store};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{Api, BATCH, JSON, READINGS, Response, Server, over_both_stores};

const LIVE: &str = "/api/v1/stats/devices/d/live";
/// Timeout of an event, far longer than an event takes.
const PATIENCE: Duration = Duration::from_secs(30);

over_both_stores!(
    readings_arrive_as_they_are_committed,
    all_devices_of_a_user_are_watched,
    a_reconnecting_client_gets_the_missed_readings,
    a_client_that_reconnects_late_gets_later_readings,
    fast_readings_are_thinned,
    a_stream_ends_with_its_device,
    invalid_requests_are_refused,
    a_malformed_event_id_starts_from_now,
);

/// An open stream.
struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    async fn open(api: Api, path: &str, last: Option<&str>) -> Self {
        let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        Self::open_with(api, path, &last).await
    }

    async fn open_with(api: Api, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = Response::read(&mut stream, false).await;
        assert_eq!((response.status, response.header("content-type")), (200, Some("text/event-stream")));
        Self { stream, text: String::new() }
    }

    /// Returns the id and the data of the next event (`null` without data), or `None` at the end of the
    /// stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let event = field("id:").map(|id| {
                    let data = field("data:").map(|data| serde_json::from_str(data).unwrap());
                    assert_eq!(data.is_some(), field("event:") == Some("reading"), "{block}");
                    (id.to_owned(), data.unwrap_or_default())
                });
                self.text = String::from(rest);
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.chunk()).await.expect("an event");
            self.text.push_str(&chunk?);
        }
    }

    async fn chunk(&mut self) -> Option<String> {
        let mut length = String::new();
        while !length.ends_with("\r\n") {
            length.push(char::from(self.stream.read_u8().await.unwrap()));
        }
        let length = usize::from_str_radix(length.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk).await.unwrap();
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// Returns the x values of the next readings, and the id of the last event.
    async fn xs(&mut self, count: usize) -> (Vec<f64>, String) {
        let (mut xs, mut last) = (Vec::new(), String::new());
        while xs.len() < count {
            let (id, data) = self.next().await.expect("a reading");
            last = id;
            xs.extend(data["x"].as_f64());
        }
        (xs, last)
    }
}

fn at(second: u32, x: u32) -> Value {
    json!({"x": x, "y": 0, "z": 0, "timestamp": format!("2099-11-23T00:{:02}:{:02}Z", second / 60, second % 60)})
}

async fn store(api: Api, readings: &Value) {
    let response = api.post(BATCH, readings).await;
    assert_eq!(response.status, 201, "{response:?}");
}

async fn readings_arrive_as_they_are_committed(api: Api) {
    api.device("d").await;
    api.device("other").await;
    store(api, &json!([at(0, 0)])).await;
    let mut events = Events::open(api, LIVE, None).await;
    let (_, start) = events.next().await.unwrap();
    assert_eq!(start, Value::Null);
    let stored = api.post(READINGS, json!({"x": 1.5, "y": -0.0, "z": 1e300})).await.json();
    api.post("/api/v1/stats/devices/other", json!({"x": 9, "y": 9, "z": 9})).await;
    let expected =
        json!({"device_id": "d", "timestamp": stored["timestamp"], "x": 1.5, "y": 0.0, "z": 1e300});
    assert_eq!(events.next().await.unwrap().1, expected);
    // A repeat causes no event. A late reading causes an event.
    store(api, &json!([at(9, 9), at(0, 7), at(4, 4), at(9, 8)])).await;
    assert_eq!(events.xs(2).await.0, [9.0, 4.0]);
    let key = "idempotency-key: k";
    for _ in 0..2 {
        let reading = at(20, 20).to_string();
        api.send("POST", READINGS, &[JSON, key], Some(reading.as_bytes())).await;
    }
    api.send("POST", "/api/v1/write", &[], Some(b"m,device=d x=21,y=2,z=3")).await;
    assert_eq!(events.xs(2).await.0, [20.0, 21.0]);
}

async fn all_devices_of_a_user_are_watched(api: Api) {
    let user = api.user("ann").await;
    for (id, owner) in [("a", Some(user)), ("b", Some(user)), ("c", None)] {
        api.owned_device(id, owner).await;
    }
    let mut events = Events::open(api, &format!("/api/v1/stats/users/{user}/live"), None).await;
    for (device, x) in [("a", 1), ("c", 2), ("b", 3)] {
        api.post(&format!("/api/v1/stats/devices/{device}"), json!({"x": x, "y": 0, "z": 0})).await;
    }
    assert_eq!(events.xs(2).await.0, [1.0, 3.0]);
    // The user gets another device, and the stream follows.
    api.put("/api/v1/devices/c", json!({"user_id": user})).await;
    let seen = async {
        loop {
            let (_, data) = events.next().await.unwrap();
            if data["device_id"] == "c" {
                return;
            }
        }
    };
    let post = async {
        loop {
            api.post("/api/v1/stats/devices/c", json!({"x": 4, "y": 0, "z": 0})).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = seen => {}
        () = post => {}
    }
}

async fn a_reconnecting_client_gets_the_missed_readings(api: Api) {
    api.device("d").await;
    let mut events = Events::open(api, LIVE, None).await;
    let (start, _) = events.next().await.unwrap();
    store(api, &json!([at(10, 10), at(11, 11)])).await;
    let (_, last) = events.xs(2).await;
    drop(events);
    store(api, &json!([at(12, 12), at(5, 5), at(12, 99)])).await;
    let mut again = Events::open(api, LIVE, Some(&last)).await;
    store(api, &json!([at(13, 13)])).await;
    // The late reading is included, because it was committed after the last event.
    assert_eq!(again.xs(3).await.0, [12.0, 5.0, 13.0]);
    let mut from_start = Events::open(api, LIVE, Some(&start)).await;
    assert_eq!(from_start.xs(5).await.0, [10.0, 11.0, 12.0, 5.0, 13.0]);
}

/// The event id is from another node, or from before a restart.
async fn a_client_that_reconnects_late_gets_later_readings(api: Api) {
    api.device("d").await;
    store(api, &json!((0..20).map(|n| at(n, n)).collect::<Vec<_>>())).await;
    // The event id contains the time of the reading with x = 14.
    let mut events = Events::open(api, LIVE, Some("abc-77-4099075214000000")).await;
    store(api, &json!([at(30, 30)])).await;
    let (xs, _) = events.xs(3).await;
    assert_eq!(xs, [15.0, 16.0, 17.0]);
    let (_, last) = events.xs(1).await;
    // The client reconnects again before it has all readings.
    let mut again = Events::open(api, LIVE, Some(&last)).await;
    let (xs, last) = again.xs(2).await;
    assert_eq!(xs, [19.0, 30.0]);
    store(api, &json!([at(31, 31)])).await;
    assert_eq!(again.xs(1).await.0, [31.0]);
    let mut more = Events::open(api, LIVE, Some(&last)).await;
    assert_eq!(more.xs(1).await.0, [31.0]);
}

async fn fast_readings_are_thinned(api: Api) {
    api.device("d").await;
    let mut slow = Events::open(api, &format!("{LIVE}?rate=4"), None).await;
    let mut fast = Events::open(api, &format!("{LIVE}?rate=1000"), None).await;
    let readings: Vec<Value> = (0..100).map(|n| at(n, n)).collect();
    store(api, &json!(readings)).await;
    let (all, _) = fast.xs(100).await;
    assert_eq!(all, (0..100).map(f64::from).collect::<Vec<_>>());
    // The readings of one second are sent at once, then the newest reading when the next one is due.
    let (few, _) = slow.xs(5).await;
    assert_eq!(few, [0.0, 1.0, 2.0, 3.0, 99.0]);
    // A batch of this size becomes a segment at once.
    let readings: Vec<Value> =
        (100..5_100).map(|n| json!({"x": n, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n})).collect();
    store(api, &json!(readings)).await;
    loop {
        let (few, _) = slow.xs(1).await;
        if few == [5_099.0] {
            break;
        }
    }
}

async fn a_stream_ends_with_its_device(api: Api) {
    api.device("d").await;
    let mut events = Events::open(api, LIVE, None).await;
    assert!(events.next().await.is_some());
    assert_eq!(api.delete("/api/v1/devices/d").await.status, 204);
    // A new device with the same `device_id` is another device.
    api.device("d").await;
    store(api, &json!([at(1, 1)])).await;
    assert_eq!(events.next().await, None);
}

async fn invalid_requests_are_refused(api: Api) {
    assert_eq!(api.get(LIVE).await.brief(), "404 Device not found");
    assert_eq!(api.get("/api/v1/stats/users/7/live").await.brief(), "404 User not found");
    api.device("d").await;
    for (query, fault) in [
        ("rate=0", "greater_than query.rate"),
        ("rate=-1", "greater_than query.rate"),
        ("rate=1000.5", "less_than_equal query.rate"),
        ("rate=NaN", "finite_number query.rate"),
        ("rate=fast", "float_parsing query.rate"),
        ("rate=1&rate=2", "repeated query.rate"),
        ("speed=1", "extra_forbidden query.speed"),
    ] {
        assert_eq!(api.get(&format!("{LIVE}?{query}")).await.brief(), format!("422 {fault}"));
    }
}

/// It was refused with 422. A browser that gets an error never reconnects.
async fn a_malformed_event_id_starts_from_now(api: Api) {
    api.device("d").await;
    store(api, &json!([at(1, 1)])).await;
    for last in ["17", "x-y-z", "abc-1-99999999999999999999", "\u{e9}"] {
        let mut events = Events::open(api, LIVE, Some(last)).await;
        assert_eq!(events.next().await.unwrap().1, Value::Null, "{last}");
        let stored = api.post(READINGS, json!({"x": 2, "y": 0, "z": 0})).await;
        assert_eq!(stored.status, 201);
        assert_eq!(events.xs(1).await.0, [2.0], "{last}");
    }
}

/// One client could open all streams of a node. The clients of a proxy have the address of the proxy, unless
/// the service believes the proxy.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_address_gets_a_part_of_the_streams() {
    let proxies = "127.0.0.1".parse().unwrap();
    let server = Server::start_behind(Arc::new(Model::default()), proxies).await;
    let api = server.api;
    api.device("d").await;
    let mut open = Vec::new();
    for _ in 0..LIVE_STREAMS_PER_ADDRESS_MAX {
        open.push(Events::open(api, LIVE, None).await);
    }
    let is_refused = |response: Response| {
        let body = response.json();
        assert_eq!((response.status, &body["code"]), (503, &json!("too_many_streams")));
        let detail = "200 live streams of this client address are open, try again when one has ended";
        assert_eq!(body["detail"], detail);
    };
    is_refused(api.get(LIVE).await);
    for client in ["10.0.0.1", "2001:db8::1"] {
        open.push(Events::open_with(api, LIVE, &format!("x-forwarded-for: {client}\r\n")).await);
    }
    let untrusted = Server::start(Arc::new(Model::default())).await;
    untrusted.api.device("d").await;
    for n in 0..LIVE_STREAMS_PER_ADDRESS_MAX {
        let header = format!("x-forwarded-for: 10.0.0.{n}\r\n");
        open.push(Events::open_with(untrusted.api, LIVE, &header).await);
    }
    let header = "x-forwarded-for: 10.9.9.9";
    is_refused(untrusted.api.send("GET", LIVE, &[header], None).await);
    drop(open);
    untrusted.stop().await;
    server.stop().await;
}

/// A shutdown would otherwise wait for streams that never end.
#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_server_stops() {
    let server = Server::start(Arc::new(Model::default())).await;
    let api = server.api;
    api.device("d").await;
    let mut events = Events::open(api, LIVE, None).await;
    assert!(events.next().await.is_some());
    let stopped = server.begin_stop();
    assert_eq!(events.next().await, None);
    timeout(Duration::from_secs(5), stopped).await.expect("a shutdown before its timeout").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_of_other_nodes_arrive() {
    let url = testing::fresh_database();
    let open = async || {
        let config = PostgresConfig::from_url(&url).unwrap();
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&config, true).await.unwrap());
        Server::start(store).await
    };
    let (one, other) = (open().await, open().await);
    one.api.device("d").await;
    let mut events = Events::open(one.api, LIVE, None).await;
    assert!(events.next().await.is_some());
    // The first reading arrives once the other node knows of the stream.
    let mut n = 0;
    let mut first = loop {
        n += 1;
        store(other.api, &json!([at(n, n)])).await;
        if let Ok(event) = timeout(Duration::from_millis(200), events.next()).await {
            break event.unwrap().1["x"].as_f64().unwrap();
        }
    };
    while first < f64::from(n) {
        first = events.xs(1).await.0[0];
    }
    let rest: Vec<Value> = (0..50).map(|m| at(n + 1 + m, 1_000 + m)).collect();
    for reading in &rest[..5] {
        store(other.api, &json!([reading])).await;
    }
    assert_eq!(events.xs(5).await.0, (1_000..1_005).map(f64::from).collect::<Vec<_>>());
    // Readings of both nodes arrive.
    store(one.api, &json!([at(3_000, 7)])).await;
    assert_eq!(events.xs(1).await.0, [7.0]);
    one.stop().await;
    other.stop().await;
}
