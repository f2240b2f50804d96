//! The statuses of many devices, the summary of the fleet, and expected intervals.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use device_stats_domain::{DeviceKey, NewArrivals, Timestamp};
use device_stats_store::Store;
use serde_json::{Value, json};

use crate::databases::{Database, over_both_databases};
use crate::lists::next;
use crate::sealing::seal_some;
use crate::server::{Api, READINGS, Server, over_both_stores};

over_both_stores!(
    a_device_waits_until_its_first_reading,
    statuses_of_chosen_devices_are_listed,
    invalid_lists_of_statuses_are_refused,
    a_clock_that_is_ahead_is_reported,
    readings_are_received_however_they_are_sent,
    an_expected_interval_is_shown_on_request,
    invalid_expected_intervals_are_refused,
    a_summary_counts_visible_devices,
);

over_both_databases!(
    silent_devices_are_found,
    other_nodes_and_later_ones_know_the_arrivals,
    activity_counts_hot_and_sealed_readings,
);

const STATUS: &str = "/api/v1/stats/status";
const FLEET: &str = "/api/v1/stats/fleet";

/// Returns the current time plus a number of seconds.
fn now_plus(seconds: i64) -> Timestamp {
    let now = Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    Timestamp::from_micros(now.micros() + seconds * 1_000_000).unwrap()
}

async fn post(api: Api, device: &str, time: Option<Timestamp>) -> Value {
    let time = time.map(|time| time.to_string());
    let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": time});
    let reading = if time.is_some() { reading } else { json!({"x": 1, "y": 2, "z": 3}) };
    let response = api.post(&format!("/api/v1/stats/devices/{device}"), reading).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.json()
}

async fn status(api: Api, device: &str) -> Value {
    api.list(&format!("{STATUS}?device_id={device}")).await.remove(0)
}

/// Returns the ids of the devices of a list.
async fn ids(api: Api, query: &str) -> Vec<String> {
    let list = api.list(&format!("{STATUS}{query}")).await;
    list.iter().map(|entry| entry["device_id"].as_str().unwrap().to_owned()).collect()
}

async fn a_device_waits_until_its_first_reading(api: Api) {
    let user = api.user("ada").await;
    let DeviceKey(id) = api.owned_device("d", user).await;
    let waiting = json!({
        "device_id": "d", "id": id, "name": null, "user_id": user, "state": "waiting", "last_reading": null,
        "last_received_at": null, "expected_interval_s": null, "expected_interval_source": null,
        "clock_offset_s": null, "readings_per_second": 0.0,
    });
    assert_eq!(status(api, "d").await, waiting);
    let before = now_plus(0).to_string();
    let stored = post(api, "d", None).await;
    let after = now_plus(0).to_string();
    let mut reporting = status(api, "d").await;
    let received = reporting["last_received_at"].take();
    let received = received.as_str().unwrap();
    assert!(*before <= *received && *received <= *after, "{before} {received} {after}");
    let mut expected = waiting;
    expected["state"] = "reporting".into();
    expected["last_reading"] = stored;
    assert_eq!(reporting, expected);
}

async fn statuses_of_chosen_devices_are_listed(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("p/b", user).await;
    api.owned_device("p/a", user).await;
    api.device("c").await;
    api.put("/api/v1/devices/c", json!({"name": "Pump"})).await;
    post(api, "p%2Fb", None).await;
    post(api, "c", None).await;
    for (query, expected) in [
        ("", &["p/b", "p/a", "c"][..]),
        ("?device_id=c&device_id=p/b&device_id=c", &["p/b", "c"]),
        ("?device_id=c&device_id=p/a&state=waiting", &["p/a"]),
        (&format!("?user_id={user}"), &["p/b", "p/a"]),
        ("?prefix=p/", &["p/b", "p/a"]),
        ("?q=PUMP", &["c"]),
        ("?q=x", &[]),
        ("?state=reporting", &["p/b", "c"]),
        ("?state=waiting", &["p/a"]),
        ("?state=silent", &[]),
        ("?state=wrong_clock", &[]),
        ("?state=reporting&prefix=p", &["p/b"]),
    ] {
        assert_eq!(ids(api, query).await, expected, "{query}");
    }
    for query in ["?limit=1", "?limit=1&state=reporting", "?limit=2&q=p&points=2"] {
        let (mut path, mut pages) = (format!("{STATUS}{query}"), Vec::new());
        loop {
            let page = api.get(&path).await;
            let entries = page.json();
            pages.extend(entries.as_array().unwrap().iter().map(|one| one["device_id"].clone()));
            assert_eq!(query.contains("points"), entries.to_string().contains("activity"), "{entries}");
            let Some(following) = next(&path, &page) else { break };
            path = following;
        }
        let all = if query.contains("state") { vec!["p/b", "c"] } else { vec!["p/b", "p/a", "c"] };
        assert_eq!(pages, all, "{query}");
    }
    let missing = api.get(&format!("{STATUS}?device_id=c&device_id=x")).await;
    assert_eq!(missing.brief(), "404 Device not found: x");
    assert_eq!(api.get(&format!("{STATUS}?user_id=99")).await.brief(), "404 User not found");
    assert_eq!(api.get(&format!("{STATUS}?user_id=99&state=silent")).await.brief(), "404 User not found");
}

async fn invalid_lists_of_statuses_are_refused(api: Api) {
    api.device("d").await;
    for (query, expected) in [
        ("device_id=d&prefix=d", "422 value_error query.prefix"),
        ("device_id=d&q=d", "422 value_error query.q"),
        ("device_id=d&user_id=1", "422 value_error query.user_id"),
        ("device_id=d&after=0", "422 value_error query.after"),
        ("limit=1001", "422 less_than_equal query.limit"),
        ("limit=0", "422 greater_than_equal query.limit"),
        ("state=dead", "422 literal_error query.state"),
        ("points=1", "422 greater_than_equal query.points"),
        ("points=121", "422 less_than_equal query.points"),
        ("span=PT1H", "422 value_error query.span"),
        ("points=2&span=1h", "422 time_delta_parsing query.span"),
        ("points=2&span=PT0S", "422 greater_than query.span"),
        ("points=2&span=P1M", "422 value_error query.span"),
        ("points=2&span=P32D", "422 value_error query.span"),
        ("skip=0", "422 extra_forbidden query.skip"),
        ("q=", "422 string_too_short query.q"),
        ("user_id=x&points=x", "422 int_parsing query.user_id, int_parsing query.points"),
    ] {
        assert_eq!(api.get(&format!("{STATUS}?{query}")).await.brief(), expected, "{query}");
    }
    assert_eq!(api.get(&format!("{FLEET}?user_id=x")).await.brief(), "422 int_parsing query.user_id");
    assert_eq!(api.get(&format!("{FLEET}?limit=1")).await.brief(), "422 extra_forbidden query.limit");
}

async fn a_clock_that_is_ahead_is_reported(api: Api) {
    api.device("d").await;
    api.device("right").await;
    post(api, "right", Some(now_plus(50))).await;
    post(api, "d", Some(now_plus(7_200))).await;
    let entry = status(api, "d").await;
    let offset = entry["clock_offset_s"].as_f64().unwrap();
    assert!((7_100.0..=7_200.0).contains(&offset), "{entry}");
    assert_eq!(entry["state"], "reporting");
    assert_eq!(ids(api, "?state=wrong_clock").await, ["d"]);
    assert_eq!(status(api, "right").await["clock_offset_s"], Value::Null);
    assert_eq!(api.get(FLEET).await.json()["wrong_clock"], 1);
}

/// Single readings, batches, keyed requests, repeats, and segments that are stored at once.
async fn readings_are_received_however_they_are_sent(api: Api) {
    let received =
        async || status(api, "d").await["last_received_at"].as_str().map_or_else(String::new, str::to_owned);
    api.device("d").await;
    let rows: Vec<_> =
        (0..5_000).map(|n| json!({"x": 1, "y": 2, "z": n, "timestamp": 1_795_000_000 + n})).collect();
    let large = Value::from(rows).to_string();
    let one = r#"{"x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:00Z"}"#;
    let row = format!("[{one}]");
    let mixed = r#"[{"device_id":"d","x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:01Z"}]"#;
    let batch = format!("{READINGS}/batch");
    let keyed = [crate::server::JSON, "idempotency-key: k"];
    let mut last = received().await;
    assert_eq!(last, "");
    for (path, headers, body) in [
        (READINGS, &keyed[..1], one),
        // A repeat.
        (READINGS, &keyed[..1], one),
        (&batch, &keyed[..1], &row),
        (&batch, &keyed[..1], &large),
        (&batch, &keyed[..], &row),
        // The same request again.
        (&batch, &keyed[..], &row),
        ("/api/v1/stats/batch", &keyed[..1], mixed),
    ] {
        let response = api.send("POST", path, headers, Some(body.as_bytes())).await;
        assert_eq!(response.status, 201, "{response:?}");
        let now = received().await;
        assert!(now > last, "{path}: {now} {last}");
        last = now;
    }
    // Nothing arrives with an empty batch, or if the readings are refused.
    for (headers, body, status) in [
        (&keyed[..1], "[]", 201),
        (&keyed[..1], r#"[{"x":1}]"#, 422),
        (&keyed[..], r#"[{"x":1,"y":2,"z":4}]"#, 422),
    ] {
        let response = api.send("POST", &batch, headers, Some(body.as_bytes())).await;
        assert_eq!(response.status, status, "{response:?}");
        assert_eq!(received().await, last, "{body}");
    }
}

async fn an_expected_interval_is_shown_on_request(api: Api) {
    let user = api.user("ada").await;
    let new = json!({"device_id": "d", "user_id": user, "expected_interval_s": 90.5});
    let created = api.post("/api/v1/devices", new).await.json();
    assert_eq!(created.get("expected_interval_s"), None);
    let tag = async || api.get("/api/v1/devices/d").await.header("etag").unwrap().to_owned();
    let user_path = format!("/api/v1/users/{user}");
    let tag_of_user = async || api.get(&user_path).await.header("etag").unwrap().to_owned();
    let shown = async || {
        let mut shown = Vec::new();
        for include in ["expected_interval", "created_at,expected_interval"] {
            let device = api.get(&format!("/api/v1/devices/d?include={include}")).await.json();
            let listed = api.list(&format!("/api/v1/devices?include={include}")).await.remove(0);
            let owned = api.get(&format!("{user_path}?include={include}")).await.json()["devices"][0].clone();
            assert!(device == listed && device == owned, "{device} {listed} {owned}");
            assert_eq!(device.get("created_at").is_some(), include.contains("created_at"), "{device}");
            shown.push(device["expected_interval_s"].clone());
        }
        let status = status(api, "d").await;
        shown.extend([status["expected_interval_s"].clone(), status["expected_interval_source"].clone()]);
        shown
    };
    let expected =
        |interval: Value, source: Value| vec![interval.clone(), interval.clone(), interval, source];
    assert_eq!(shown().await, expected(json!(90.5), json!("set")));
    let (device_tag, user_tag) = (tag().await, tag_of_user().await);
    for (change, interval, source) in [
        (json!({"expected_interval_s": "0.25"}), json!(0.25), json!("set")),
        (json!({"name": "n"}), json!(0.25), json!("set")),
        (json!({"expected_interval_s": 2_678_400}), json!(2_678_400.0), json!("set")),
        (json!({"expected_interval_s": null}), Value::Null, Value::Null),
    ] {
        let updated = api.put("/api/v1/devices/d", &change).await;
        assert_eq!(updated.status, 200, "{updated:?}");
        assert_eq!(updated.json().get("expected_interval_s"), None);
        assert_eq!(shown().await, expected(interval, source), "{change}");
        assert!(tag().await != device_tag && tag_of_user().await != user_tag, "{change}");
    }
    // A client that has seen another interval changes nothing.
    let seen = tag().await;
    api.put("/api/v1/devices/d", json!({"expected_interval_s": 5})).await;
    let condition = format!("if-match: {seen}");
    let body = Some(br#"{"expected_interval_s":6}"#.as_slice());
    let refused = api.send("PUT", "/api/v1/devices/d", &[crate::server::JSON, &condition], body).await;
    assert_eq!(refused.status, 412, "{refused:?}");
    assert_eq!(status(api, "d").await["expected_interval_s"], 5.0);
}

async fn invalid_expected_intervals_are_refused(api: Api) {
    api.device("d").await;
    for (interval, expected) in [
        (json!(0), "422 greater_than body.expected_interval_s"),
        (json!(-1), "422 greater_than body.expected_interval_s"),
        (json!(2_678_400.1), "422 less_than_equal body.expected_interval_s"),
        (json!("PT1M"), "422 float_parsing body.expected_interval_s"),
        (json!([]), "422 float_type body.expected_interval_s"),
    ] {
        let new = json!({"device_id": "e", "expected_interval_s": interval});
        assert_eq!(api.post("/api/v1/devices", new).await.brief(), expected, "{interval}");
        let change = json!({"expected_interval_s": interval});
        assert_eq!(api.put("/api/v1/devices/d", change).await.brief(), expected, "{interval}");
    }
}

async fn a_summary_counts_visible_devices(api: Api) {
    let user = api.user("ada").await;
    let mut summary = api.get(FLEET).await.json();
    assert!(summary["as_of"].take().as_str().unwrap() > "2026");
    let empty = json!({"devices": 0, "reporting": 0, "silent": 0, "waiting": 0, "wrong_clock": 0,
        "readings_per_second": 0.0, "as_of": null});
    assert_eq!(summary, empty);
    api.device("a").await;
    api.owned_device("b", user).await;
    api.owned_device("c", user).await;
    post(api, "a", None).await;
    post(api, "b", Some(now_plus(3_600))).await;
    let counts = async |query: &str| {
        let summary = api.get(&format!("{FLEET}{query}")).await.json();
        ["devices", "reporting", "silent", "waiting", "wrong_clock"]
            .map(|name| summary[name].as_u64().unwrap())
    };
    assert_eq!(counts("").await, [3, 2, 0, 1, 1]);
    assert_eq!(counts(&format!("?user_id={user}")).await, [2, 1, 0, 1, 1]);
    assert_eq!(api.get(&format!("{FLEET}?user_id=99")).await.brief(), "404 User not found");
}

/// Arrivals once a second, a minute ago and earlier.
async fn silent_devices_are_found(database: Database) {
    let store: Arc<dyn Store> = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let (learned, set) = (api.owned_device("learned", None).await, api.owned_device("set", None).await);
    api.put("/api/v1/devices/set", json!({"expected_interval_s": 600})).await;
    let mut arrivals = NewArrivals::one(now_plus(-160), 1, Some(0));
    for second in -159..-60 {
        arrivals.add(now_plus(second), 1, Some(0));
    }
    store.merge_arrivals(&[(learned, arrivals), (set, arrivals)]).await.unwrap();
    let silent = status(api, "learned").await;
    let brief = |entry: &Value| {
        let rate = entry["readings_per_second"].as_f64().unwrap();
        (
            entry["state"].clone(),
            entry["expected_interval_s"].clone(),
            entry["expected_interval_source"].clone(),
            rate > 0.0,
        )
    };
    assert_eq!(brief(&silent), (json!("silent"), json!(10.0), json!("learned"), false));
    assert_eq!(brief(&status(api, "set").await), (json!("reporting"), json!(600.0), json!("set"), true));
    assert_eq!(ids(api, "?state=silent").await, ["learned"]);
    let summary = api.get(FLEET).await.json();
    assert_eq!((&summary["silent"], &summary["reporting"]), (&json!(1), &json!(1)));
    // The device sends again.
    post(api, "learned", None).await;
    let back = status(api, "learned").await;
    assert_eq!(brief(&back).0, "reporting", "{back}");
    server.stop().await;
}

async fn other_nodes_and_later_ones_know_the_arrivals(database: Database) {
    let first = Server::start(database.open().await).await;
    let background = first.service.write_arrivals_in_background();
    first.api.device("d").await;
    post(first.api, "d", Some(now_plus(3_600))).await;
    let seen = status(first.api, "d").await;
    background.stop().await;
    let written = status(first.api, "d").await;
    assert_eq!(written, seen);
    let second = Server::start(database.open().await).await;
    assert_eq!(status(second.api, "d").await, seen);
    for server in [first, second] {
        server.stop().await;
    }
}

async fn activity_counts_hot_and_sealed_readings(database: Database) {
    let store: Arc<dyn Store> = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    api.device("other").await;
    let activity = async || {
        let entries = api.list(&format!("{STATUS}?points=6&span=PT1H")).await;
        assert_eq!(entries[1]["activity"]["counts"], json!([0, 0, 0, 0, 0, 0]));
        entries[0]["activity"].clone()
    };
    // A reading every five minutes, for two hours. Begins again if a bucket ends meanwhile.
    let mut start = activity().await["start"].clone();
    for minutes in 0..24 {
        post(api, "d", Some(now_plus(-300 * minutes))).await;
    }
    seal_some(store.as_ref(), device, |place| place % 3 == 0).await.unwrap();
    let mut found = activity().await;
    while found["start"] != start {
        start = found["start"].clone();
        found = activity().await;
    }
    assert_eq!(found["interval_s"], 600.0);
    let start = start.as_str().unwrap().to_owned();
    assert!(start.ends_with("0:00.000000Z"), "{start}");
    let counts: Vec<u64> =
        found["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
    let all = api.list(&format!("{READINGS}?start_time={start}")).await.len() as u64;
    assert_eq!(counts.iter().sum::<u64>(), all, "{counts:?}");
    // Two readings in each bucket, except at the present.
    assert_eq!(counts[1..5], [2, 2, 2, 2], "{counts:?}");
    server.stop().await;
}
