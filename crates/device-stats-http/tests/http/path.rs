//! Paths: the readings of a period for a drawing, in order of time, without the loss of an extreme.

use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(
    few_readings_are_all_returned_in_order_of_time,
    many_readings_are_thinned_and_keep_a_spike,
    a_path_without_readings_is_not_found,
    an_invalid_path_is_refused,
);

const PATH: &str = "/api/v1/stats/devices/d/path";

/// Stores a reading for each second from the start of a day; `y` is 1, except for a spike.
async fn store(api: Api, count: usize, spike: usize) {
    let row = |second: usize| {
        let y = if second == spike { -1e9 } else { 1.0 };
        json!({"x": second, "y": y, "z": 0.5, "timestamp": 1_795_392_000 + second})
    };
    // The newest reading first: the order of arrival does not matter.
    for chunk in (0..count).rev().collect::<Vec<_>>().chunks(5_000) {
        let rows: Vec<Value> = chunk.iter().copied().map(row).collect();
        let response = api.post("/api/v1/stats/devices/d/batch", json!(rows)).await;
        assert_eq!(response.json()["accepted"], chunk.len(), "{response:?}");
    }
}

async fn few_readings_are_all_returned_in_order_of_time(api: Api) {
    api.device("d").await;
    store(api, 3, 1).await;
    let response = api.get(PATH).await;
    assert_eq!(response.status, 200, "{response:?}");
    let times: [String; 3] = [0, 1, 2].map(|second| format!("2026-11-23T00:00:0{second}.000000Z"));
    let expected = json!({
        "count": 3, "thinned": false, "timestamps": times,
        "x": [0.0, 1.0, 2.0], "y": [1.0, -1e9, 1.0], "z": [0.5, 0.5, 0.5],
        "period_start": null, "period_end": null,
    });
    assert_eq!(response.json(), expected);
    let one = api.get(&format!("{PATH}?start_time={}&until={}", times[1], times[2])).await.json();
    assert_eq!((&one["count"], &one["x"]), (&json!(1), &json!([1.0])));
    assert_eq!(one["period_end"], "2026-11-23T00:00:01.999999Z");
}

async fn many_readings_are_thinned_and_keep_a_spike(api: Api) {
    api.device("d").await;
    store(api, 20_000, 12_345).await;
    let path = api.get(&format!("{PATH}?points=100")).await.json();
    assert_eq!((&path["count"], &path["thinned"]), (&json!(20_000), &json!(true)));
    let x: Vec<f64> = path["x"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert!(x.len() <= 100 && x.is_sorted(), "{x:?}");
    assert_eq!((x[0], x[x.len() - 1]), (0.0, 19_999.0));
    assert!(x.contains(&12_345.0));
    assert!(x.windows(2).all(|pair| pair[1] - pair[0] < 500.0), "{x:?}");
    for column in ["timestamps", "y", "z"] {
        assert_eq!(path[column].as_array().unwrap().len(), x.len(), "{column}");
    }
}

async fn a_path_without_readings_is_not_found(api: Api) {
    api.device("d").await;
    assert_eq!(api.get(PATH).await.brief(), NO_READINGS);
    assert_eq!(api.get("/api/v1/stats/devices/none/path").await.json()["detail"], "Device not found");
}

async fn an_invalid_path_is_refused(api: Api) {
    api.device("d").await;
    for query in ["points=7", "points=10001", "points=x", "points=", "point=100", "start_time=x"] {
        let response = api.get(&format!("{PATH}?{query}")).await;
        assert_eq!(response.status, 422, "{query}: {response:?}");
    }
}
