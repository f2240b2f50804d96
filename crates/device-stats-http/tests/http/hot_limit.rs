//! The limit on hot readings: readings are refused until hot readings have been sealed.

use serde_json::json;

use crate::databases::{Database, over_both_databases};
use crate::sealing::seal_some;
use crate::server::{Api, BATCH, JSON, MIXED, READINGS, Response, Server};

over_both_databases!(hot_readings_above_the_limit_are_refused_until_some_are_sealed);

const HOT_READINGS_MAX: u32 = 64;

/// Returns the readings of a batch. The number of a reading is its second of the day.
fn batch(numbers: std::ops::Range<u32>) -> String {
    let reading = |number: u32| {
        let (minute, second) = (number / 60 % 60, number % 60);
        let time = format!("2001-02-03T{:02}:{minute:02}:{second:02}Z", number / 3600);
        json!({"x": number, "y": 2, "z": 3, "timestamp": time})
    };
    json!(numbers.map(reading).collect::<Vec<_>>()).to_string()
}

/// Posts one reading in each way.
async fn post_in_each_way(api: Api) -> Vec<Response> {
    let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": "2002-01-01T00:00:00Z"}).to_string();
    let keyed = [JSON, "idempotency-key: k"];
    let of_device = json!([{"device_id": "d", "x": 1, "y": 2, "z": 3}]);
    vec![
        api.post(READINGS, &reading).await,
        api.send("POST", READINGS, &keyed, Some(reading.as_bytes())).await,
        api.post(BATCH, batch(0..1)).await,
        api.post(MIXED, of_device).await,
        api.post_as("/write", "text/plain", "m,device=d x=1,y=2,z=3").await,
    ]
}

async fn hot_readings_above_the_limit_are_refused_until_some_are_sealed(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_hot_readings_max(store.clone(), HOT_READINGS_MAX.into()).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    // A request that exceeds the limit by its own size is accepted.
    for numbers in [0..HOT_READINGS_MAX - 1, 100..200] {
        let response = api.post(BATCH, batch(numbers)).await;
        assert_eq!(response.status, 201, "{response:?}");
    }
    let hot = store.count_hot_readings().await.unwrap();
    assert_eq!(hot, u64::from(HOT_READINGS_MAX) - 1 + 100);
    for response in post_in_each_way(api).await {
        assert_eq!(response.status, 503, "{response:?}");
        assert_eq!(response.json()["code"], "queue_full");
        assert_eq!(
            response.json()["detail"],
            "64 readings wait to be sealed, because sealing does not keep up; nothing was stored, try again"
        );
        assert_eq!(response.header("retry-after"), Some("1"));
    }
    assert_eq!(store.count_hot_readings().await.unwrap(), hot);
    // A batch that becomes a segment at once adds no hot reading.
    let large = api.post(BATCH, batch(10_000..15_000)).await;
    assert_eq!(large.status, 201, "{large:?}");
    assert_eq!(api.get("/api/v1/stats/devices/d/analysis").await.status, 200);
    assert_eq!(api.get("/health/ready").await.status, 200);

    // Without a restart, readings are accepted when a part of the hot readings has been sealed. The number is
    // counted again within a second.
    let left = HOT_READINGS_MAX as usize - 10;
    seal_some(store.as_ref(), device, |place| place >= left).await.unwrap();
    while api.post(BATCH, batch(300..301)).await.status == 503 {}
    for response in post_in_each_way(api).await {
        assert!([200, 201, 204].contains(&response.status), "{response:?}");
    }
    server.stop().await;

    // A service that starts with too many hot readings answers everything else.
    let server = Server::start_with_hot_readings_max(store.clone(), 8).await;
    let response = server.api.post(BATCH, batch(400..401)).await;
    assert_eq!((response.status, response.json()["code"].as_str()), (503, Some("queue_full")));
    assert_eq!(server.api.get("/api/v1/stats/devices/d/analysis").await.status, 200);
    server.stop().await;
}
