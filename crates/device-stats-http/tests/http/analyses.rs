//! Tests of analyses: each is exact, and covers exactly the readings of its period.

use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(
    a_period_includes_both_ends,
    a_user_is_analyzed_as_one_pool,
    a_sum_beyond_a_double_is_null,
    random_readings_match_sorting,
    an_unknown_device_or_user_is_not_found
);

const ANALYZE: &str = "/api/v1/stats/devices/d/analyze";

fn at(second: usize, x: f64) -> Value {
    let (minute, second) = (second / 60, second % 60);
    json!({"x": x, "y": -x, "z": 0, "timestamp": format!("2026-11-23T00:{minute:02}:{second:02}Z")})
}

async fn store(api: Api, device: &str, xs: &[f64]) {
    let rows: Vec<Value> = xs.iter().enumerate().map(|(second, x)| at(second, *x)).collect();
    let response = api.post(&format!("/api/v1/stats/devices/{device}/batch"), json!(rows)).await;
    assert_eq!(response.json()["accepted"], xs.len(), "{response:?}");
}

/// Computes the statistics by sorting. The values are multiples of 1/64, so the sum is exact.
fn expected(xs: &[f64]) -> Value {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    };
    json!({
        "min_value": sorted[0], "max_value": sorted[sorted.len() - 1], "count": sorted.len(),
        "sum": sorted.iter().sum::<f64>(), "median": median,
    })
}

async fn a_period_includes_both_ends(api: Api) {
    api.device("d").await;
    store(api, "d", &[10.0, 11.0, 12.0, 13.0, 14.0]).await;
    for (start, end, xs) in [
        (json!("2026-11-23T00:00:01Z"), json!("2026-11-23T00:00:03Z"), &[11.0, 12.0, 13.0][..]),
        (json!("2026-11-23T00:00:02Z"), json!("2026-11-23T00:00:02Z"), &[12.0]),
        (json!("2026-11-23T00:00:01.000001Z"), json!("2026-11-23T00:00:03.999999Z"), &[12.0, 13.0]),
        (json!("2026-11-23T00:00:03Z"), json!(null), &[13.0, 14.0]),
        (json!(null), json!("2026-11-23T00:00:01Z"), &[10.0, 11.0]),
        (json!(null), json!(null), &[10.0, 11.0, 12.0, 13.0, 14.0]),
    ] {
        let response = api.post(ANALYZE, json!({"start_time": start, "end_time": end})).await.json();
        assert_eq!(response["x"], expected(xs), "{start} {end}");
        assert_eq!(response["period_start"].is_null(), start.is_null());
        assert_eq!(response["period_end"].is_null(), end.is_null());
    }
    let whole = api.send("POST", ANALYZE, &[], None).await.json();
    assert_eq!(whole["y"]["sum"], -60.0);
    assert_eq!(whole["z"], expected(&[0.0; 5]));
}

async fn a_user_is_analyzed_as_one_pool(api: Api) {
    let user = api.user("ada").await;
    let path = format!("/api/v1/stats/users/{user}/analyze");
    assert_eq!(api.post(&path, "{}").await.brief(), NO_READINGS);
    for device in ["d", "e", "silent"] {
        api.owned_device(device, user).await;
    }
    api.device("foreign").await;
    store(api, "foreign", &[1000.0]).await;
    assert_eq!(api.post(&path, "{}").await.brief(), NO_READINGS);
    store(api, "e", &[10.0, 20.0]).await;
    store(api, "d", &[5.0, 1.0, 3.0]).await;
    let response = api.post(&path, "null").await.json();
    assert_eq!(response["user_id"], user);
    assert_eq!(response["aggregate_stats"]["x"], expected(&[5.0, 1.0, 3.0, 10.0, 20.0]));
    assert_eq!(response["aggregate_stats"]["y"], expected(&[-5.0, -1.0, -3.0, -10.0, -20.0]));
    let devices = response["device_stats"].as_array().unwrap();
    assert_eq!(devices.len(), 2);
    assert_eq!((&devices[0]["device_id"], &devices[1]["device_id"]), (&json!("d"), &json!("e")));
    assert_eq!(devices[0]["stats"]["x"], expected(&[5.0, 1.0, 3.0]));
    let late = json!({"start_time": "2026-11-23T00:00:02Z"});
    let response = api.post(&path, late).await.json();
    assert_eq!(response["aggregate_stats"]["x"], expected(&[3.0]));
    assert_eq!(response["device_stats"].as_array().map(Vec::len), Some(1));
}

async fn a_sum_beyond_a_double_is_null(api: Api) {
    api.device("d").await;
    store(api, "d", &[1.7e308, 1.7e308]).await;
    let response = api.post(ANALYZE, "{}").await.json();
    assert_eq!(response["x"]["sum"], Value::Null);
    assert_eq!(response["y"]["sum"], Value::Null);
    assert_eq!((&response["x"]["median"], &response["y"]["median"]), (&json!(1.7e308), &json!(-1.7e308)));
    api.device("e").await;
    store(api, "e", &[f64::MAX, f64::MAX, -f64::MAX, 1e16, 1.0, -1e16]).await;
    let response = api.post("/api/v1/stats/devices/e/analyze", "{}").await.json();
    assert_eq!(response["x"]["sum"], f64::MAX);
    api.device("f").await;
    store(api, "f", &[1e16, 1.0, -1e16, 0.1]).await;
    let response = api.post("/api/v1/stats/devices/f/analyze", "{}").await.json();
    assert_eq!(response["x"]["sum"], 1.1);
}

/// The values are multiples of 1/64 below 2^20. Their sums are exact in any order.
async fn random_readings_match_sorting(api: Api) {
    api.device("d").await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from(i32::try_from(state >> 38).unwrap() - (1 << 25)) / 64.0
    };
    let xs: Vec<f64> = (0..501).map(|_| next()).collect();
    store(api, "d", &xs).await;
    for (start, end) in [(0, 500), (1, 500), (100, 250), (250, 251), (499, 500)] {
        let time = |second: usize| at(second, 0.0)["timestamp"].clone();
        let period = json!({"start_time": time(start), "end_time": time(end)});
        let response = api.post(ANALYZE, period).await.json();
        assert_eq!(response["x"], expected(&xs[start..=end]), "{start} {end}");
        let negative: Vec<f64> = xs[start..=end].iter().map(|x| -x).collect();
        assert_eq!(response["y"], expected(&negative), "{start} {end}");
    }
}

async fn an_unknown_device_or_user_is_not_found(api: Api) {
    for (path, expected) in [
        ("/api/v1/stats/devices/none/analyze", "404 Device not found"),
        ("/api/v1/stats/users/9/analyze", "404 User not found"),
    ] {
        assert_eq!(api.post(path, "{}").await.brief(), expected);
    }
}
