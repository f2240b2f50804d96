//! Keyed requests: requests with an `Idempotency-Key`.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::server::{Api, BATCH, CSV, JSON, MIXED, READINGS, Response, over_both_stores};

const POINTS: &str = "/api/v1/write";

over_both_stores!(
    a_reading_without_a_time_is_stored_once,
    a_batch_is_stored_once,
    points_are_stored_once,
    another_payload_is_refused,
    invalid_keys_are_refused,
    a_refused_request_may_be_corrected,
    a_receipt_of_a_deleted_reading_finds_no_reading,
    a_keyed_request_from_many_connections_is_stored_once,
);

async fn post(api: Api, path: &str, key: &str, body: &Value) -> Response {
    let key = format!("idempotency-key: {key}");
    api.send("POST", path, &[JSON, &key], Some(body.to_string().as_bytes())).await
}

fn reading(x: f64) -> Value {
    json!({"x": x, "y": 0, "z": 0})
}

async fn a_reading_without_a_time_is_stored_once(api: Api) {
    api.device("d").await;
    let first = post(api, READINGS, "k-1", &reading(1.0)).await;
    assert_eq!(first.status, 201, "{first:?}");
    // The form of the key and of the numbers does not matter.
    for (key, body) in [("k-1", reading(1.0)), ("\"k-1\"", json!({"z": 0.0, "y": "0", "x": 1}))] {
        let again = post(api, READINGS, key, &body).await;
        assert_eq!((again.status, again.json()), (201, first.json()));
    }
    assert_ne!(post(api, READINGS, "k-2", &reading(1.0)).await.json(), first.json());
    assert_eq!(api.list(READINGS).await.len(), 2);

    // Every response to a repeat shows the reading that was stored first.
    let at = |x: f64| json!({"x": x, "y": 0, "z": 0, "timestamp": "2026-11-23T00:00:00Z"});
    let stored = api.post(READINGS, at(3.0)).await.json();
    for _ in 0..2 {
        assert_eq!(post(api, READINGS, "k-3", &at(4.0)).await.json(), stored);
    }
}

async fn a_batch_is_stored_once(api: Api) {
    api.device("d").await;
    let readings = json!([reading(1.0), reading(2.0), {"x": 3, "y": 0, "z": 0, "timestamp": 1_795_428_007}]);
    let mut named = readings.clone();
    for reading in named.as_array_mut().unwrap() {
        reading["device_id"] = json!("d");
    }
    api.post(BATCH, json!([readings[2]])).await;
    for _ in 0..2 {
        let response = post(api, BATCH, "b", &readings).await;
        assert_eq!(
            (response.status, response.json()),
            (201, json!({"accepted": 2, "duplicates": 1, "conflicts": 0}))
        );
    }
    let table = "x,y,z,timestamp\n1,0,0,\n2,0,0,\n3,0,0,1795428007\n";
    let key = "idempotency-key: b";
    let response = api.send("POST", BATCH, &[CSV, key], Some(table.as_bytes())).await;
    assert_eq!(
        response.json(),
        json!({"accepted": 2, "duplicates": 1, "conflicts": 0}),
        "the same in another format"
    );
    for _ in 0..2 {
        let response = post(api, MIXED, "m", &named).await;
        assert_eq!(
            (response.status, response.json()),
            (201, json!({"accepted": 2, "duplicates": 1, "conflicts": 0}))
        );
    }
    assert_eq!(api.list(READINGS).await.len(), 5);
    // Without a key, a batch of this size becomes a segment at once.
    let many: Vec<Value> =
        (0..5_000).map(|n| json!({"x": n, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n})).collect();
    for _ in 0..2 {
        let response = post(api, BATCH, "large", &json!(many)).await;
        assert_eq!(response.json(), json!({"accepted": 4_999, "duplicates": 1, "conflicts": 1}));
    }
    assert_eq!(
        post(api, BATCH, "empty", &json!([])).await.json(),
        json!({"accepted": 0, "duplicates": 0, "conflicts": 0})
    );
}

async fn points_are_stored_once(api: Api) {
    api.device("d").await;
    for _ in 0..2 {
        let body = b"m,device=d x=1,y=2,z=3\nm,device=d x=4,y=5,z=6\n";
        assert_eq!(api.send("POST", POINTS, &["idempotency-key: p"], Some(body)).await.status, 204);
    }
    assert_eq!(api.list(READINGS).await.len(), 2);
}

async fn another_payload_is_refused(api: Api) {
    api.device("d").await;
    api.device("e").await;
    assert_eq!(post(api, READINGS, "k", &reading(1.0)).await.status, 201);
    let at = json!({"x": 1, "y": 0, "z": 0, "timestamp": 1_795_428_007});
    for (path, body) in [
        (READINGS, reading(2.0)),
        (READINGS, at),
        ("/api/v1/stats/devices/e", reading(1.0)),
        (BATCH, json!([reading(1.0)])),
    ] {
        let response = post(api, path, "k", &body).await;
        assert_eq!(response.brief(), "422 idempotency_key_reused header.Idempotency-Key");
        assert_eq!(response.json()["detail"][0]["input"], "k");
    }
    assert_eq!(api.list(READINGS).await.len(), 1);
    assert_eq!(api.list("/api/v1/stats/devices/e").await.len(), 0);
}

async fn invalid_keys_are_refused(api: Api) {
    api.device("d").await;
    for key in ["", "\"\"", "\"k", "\"k\";a=1", "a\tb", "p\u{fc}mp", &"k".repeat(256)] {
        let response = post(api, READINGS, key, &json!({"x": "?", "y": 0, "z": 0})).await;
        let faults = "422 idempotency_key_invalid header.Idempotency-Key, float_parsing body.x";
        assert_eq!(response.brief(), faults, "{key:?}");
    }
    let twice = [JSON, "idempotency-key: k", "idempotency-key: k"];
    let response = api.send("POST", READINGS, &twice, Some(reading(1.0).to_string().as_bytes())).await;
    assert_eq!(response.brief(), "422 repeated header.Idempotency-Key");
    assert_eq!(api.list(READINGS).await.len(), 0);
    assert_eq!(post(api, READINGS, &"k".repeat(255), &reading(1.0)).await.status, 201);
}

/// Only successful requests are remembered.
async fn a_refused_request_may_be_corrected(api: Api) {
    let nobody = post(api, READINGS, "k", &reading(1.0)).await;
    assert_eq!(nobody.brief(), "404 Device not found");
    api.device("d").await;
    assert_eq!(post(api, READINGS, "k", &reading(f64::NAN)).await.status, 422);
    assert_eq!(post(api, READINGS, "k", &reading(2.0)).await.status, 201);
}

async fn a_keyed_request_from_many_connections_is_stored_once(api: Api) {
    api.device("d").await;
    for round in 0..10 {
        let mut senders = JoinSet::new();
        for _ in 0..16 {
            senders.spawn(async move {
                loop {
                    let response = post(api, READINGS, &format!("k-{round}"), &reading(1.0)).await;
                    match response.status {
                        201 => return response.json()["id"].as_i64().unwrap(),
                        // 409 lasts only while another request is in progress, so the loop ends.
                        409 => assert_eq!(response.header("retry-after"), Some("1")),
                        _ => panic!("{response:?}"),
                    }
                }
            });
        }
        let ids = senders.join_all().await;
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(api.list(READINGS).await.len(), 10);
}

/// The receipt named an earlier reading. The service looked for that reading in the new device with the same
/// `device_id`, again and again.
async fn a_receipt_of_a_deleted_reading_finds_no_reading(api: Api) {
    api.device("d").await;
    let at = json!({"x": 1, "y": 0, "z": 0, "timestamp": 1_795_428_007});
    assert_eq!(api.post(READINGS, &at).await.status, 201);
    assert_eq!(post(api, READINGS, "k", &at).await.status, 201);
    assert_eq!(api.delete("/api/v1/devices/d").await.status, 204);
    assert_eq!(post(api, READINGS, "k", &at).await.brief(), "404 Device not found");
    api.device("d").await;
    let deleted = "404 The reading of this Idempotency-Key was deleted; use a new key to store it again";
    assert_eq!(post(api, READINGS, "k", &at).await.brief(), deleted);
    assert_eq!(api.list(READINGS).await.len(), 0);
    assert_eq!(post(api, READINGS, "new", &at).await.status, 201);
    assert_eq!(post(api, READINGS, "repeat", &at).await.status, 201);
    assert_eq!(api.delete(&format!("{READINGS}?all=true")).await.json(), json!({"deleted": 1}));
    assert_eq!(post(api, READINGS, "repeat", &at).await.brief(), deleted);
    assert_eq!(api.list(READINGS).await.len(), 0);
    // The first request stored the reading, so its answer shows it.
    assert_eq!(post(api, READINGS, "new", &at).await.status, 201);
    assert_eq!(api.list(READINGS).await.len(), 0);
}
