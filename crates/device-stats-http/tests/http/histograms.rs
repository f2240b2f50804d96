//! Histograms: every reading is counted once, by the returned edges.

use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(
    bins_span_minimum_to_maximum,
    bins_span_the_requested_edges,
    a_single_value_gets_a_range_around_it,
    the_largest_doubles_have_bins,
    a_user_is_counted_as_one_pool,
    a_histogram_without_readings_is_not_found,
    an_invalid_histogram_is_refused
);

const HISTOGRAM: &str = "/api/v1/stats/devices/d/histogram";

async fn store(api: Api, device: &str, xs: &[f64]) {
    let row =
        |(second, x): (usize, &f64)| json!({"x": x, "y": -x, "z": 3, "timestamp": 1_795_392_000 + second});
    let rows: Vec<Value> = xs.iter().enumerate().map(row).collect();
    let response = api.post(&format!("/api/v1/stats/devices/{device}/batch"), json!(rows)).await;
    assert_eq!(response.json()["accepted"], xs.len(), "{response:?}");
}

const PRIMES: [f64; 10] = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0];

async fn bins_span_minimum_to_maximum(api: Api) {
    api.device("d").await;
    store(api, "d", &PRIMES).await;
    let response = api.get(&format!("{HISTOGRAM}?bins=3")).await.json();
    let x = json!({"edges": [2.0, 11.0, 20.0, 29.0], "counts": [4, 4, 2], "below": 0, "above": 0});
    let y = json!({"edges": [-29.0, -20.0, -11.0, -2.0], "counts": [2, 3, 5], "below": 0, "above": 0});
    assert_eq!((&response["x"], &response["y"]), (&x, &y));
    assert_eq!((&response["period_start"], &response["period_end"]), (&Value::Null, &Value::Null));
    let period = "start_time=2026-11-23T00:00:02Z&end_time=2026-11-23T00:00:04Z";
    let response = api.get(&format!("{HISTOGRAM}?bins=2&{period}")).await.json();
    let x = json!({"edges": [5.0, 8.0, 11.0], "counts": [2, 1], "below": 0, "above": 0});
    assert_eq!(response["x"], x);
    assert_eq!(response["period_end"], "2026-11-23T00:00:04.000000Z");
    for (query, bins) in [("", 20), ("?bins=1", 1), ("?bins=1000", 1000), ("?bins=%207%20", 7)] {
        let x = api.get(&format!("{HISTOGRAM}{query}")).await.json()["x"].clone();
        let edges: Vec<f64> =
            x["edges"].as_array().unwrap().iter().map(|edge| edge.as_f64().unwrap()).collect();
        let counts = x["counts"].as_array().unwrap();
        assert_eq!((edges.len(), counts.len()), (bins + 1, bins), "{query}");
        assert!(edges.is_sorted(), "{query}");
        assert_eq!((edges[0], edges[bins]), (2.0, 29.0), "{query}");
        assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 10, "{query}");
    }
}

async fn bins_span_the_requested_edges(api: Api) {
    api.device("d").await;
    store(api, "d", &PRIMES).await;
    for (query, expected) in [
        (
            "low=3&high=23&bins=4",
            json!({"edges": [3.0, 8.0, 13.0, 18.0, 23.0], "counts": [3, 1, 2, 2], "below": 1, "above": 1}),
        ),
        (
            "low=0&high=100&bins=2",
            json!({"edges": [0.0, 50.0, 100.0], "counts": [10, 0], "below": 0, "above": 0}),
        ),
        ("low=5&bins=2", json!({"edges": [5.0, 17.0, 29.0], "counts": [4, 4], "below": 2, "above": 0})),
        ("high=6&bins=2", json!({"edges": [2.0, 4.0, 6.0], "counts": [2, 1], "below": 0, "above": 7})),
        (
            "low=-1e308&high=1e308&bins=1",
            json!({"edges": [-1e308, 1e308], "counts": [10], "below": 0, "above": 0}),
        ),
        // No value is inside the given bound. The bound was moved by 0.5.
        ("low=40&bins=2", json!({"edges": [40.0, 40.5, 41.0], "counts": [0, 0], "below": 10, "above": 0})),
        ("high=-1&bins=1", json!({"edges": [-2.0, -1.0], "counts": [0], "below": 0, "above": 10})),
        ("low=29&bins=1", json!({"edges": [29.0, 30.0], "counts": [1], "below": 9, "above": 0})),
        ("high=2&bins=1", json!({"edges": [1.0, 2.0], "counts": [1], "below": 0, "above": 9})),
    ] {
        assert_eq!(api.get(&format!("{HISTOGRAM}?{query}")).await.json()["x"], expected, "{query}");
    }
}

async fn a_single_value_gets_a_range_around_it(api: Api) {
    api.device("d").await;
    store(api, "d", &[7.0]).await;
    let response = api.get(&format!("{HISTOGRAM}?bins=4")).await.json();
    let x = json!({"edges": [6.5, 6.75, 7.0, 7.25, 7.5], "counts": [0, 0, 1, 0], "below": 0, "above": 0});
    assert_eq!(response["x"], x);
}

async fn the_largest_doubles_have_bins(api: Api) {
    api.device("d").await;
    store(api, "d", &[f64::MIN, -1.0, 0.0, f64::MAX]).await;
    let response = api.get(&format!("{HISTOGRAM}?bins=2")).await.json();
    let x = json!({"edges": [f64::MIN, 0.0, f64::MAX], "counts": [2, 2], "below": 0, "above": 0});
    assert_eq!(response["x"], x);
    api.device("top").await;
    store(api, "top", &[f64::MAX]).await;
    let response = api.get("/api/v1/stats/devices/top/histogram?bins=1").await.json();
    let x = json!({"edges": [f64::MAX.next_down(), f64::MAX], "counts": [1], "below": 0, "above": 0});
    assert_eq!(response["x"], x);
}

async fn a_user_is_counted_as_one_pool(api: Api) {
    let user = api.user("ada").await;
    for device in ["d", "e", "silent"] {
        api.owned_device(device, user).await;
    }
    api.device("foreign").await;
    store(api, "foreign", &[1000.0]).await;
    store(api, "d", &[0.0, 1.0]).await;
    store(api, "e", &[1.5, 4.0]).await;
    let response = api.get(&format!("/api/v1/stats/users/{user}/histogram?bins=2")).await.json();
    let x = json!({"edges": [0.0, 2.0, 4.0], "counts": [3, 1], "below": 0, "above": 0});
    assert_eq!(response["x"], x);
}

async fn a_histogram_without_readings_is_not_found(api: Api) {
    let user = api.user("ada").await;
    api.device("d").await;
    for (path, expected) in [
        (HISTOGRAM, NO_READINGS),
        (&format!("/api/v1/stats/users/{user}/histogram"), NO_READINGS),
        ("/api/v1/stats/devices/none/histogram", "404 Device not found"),
        ("/api/v1/stats/users/99/histogram", "404 User not found"),
    ] {
        assert_eq!(api.get(path).await.brief(), expected, "{path}");
    }
    store(api, "d", &[1.0]).await;
    assert_eq!(api.get(&format!("{HISTOGRAM}?start_time=2026-11-24")).await.brief(), NO_READINGS);
}

async fn an_invalid_histogram_is_refused(api: Api) {
    api.device("d").await;
    for (query, expected) in [
        ("bins=0", "422 greater_than_equal query.bins"),
        ("bins=1001", "422 less_than_equal query.bins"),
        ("bins=x", "422 int_parsing query.bins"),
        ("bins=1.5", "422 int_parsing query.bins"),
        ("low=x", "422 float_parsing query.low"),
        ("high=NaN", "422 finite_number query.high"),
        ("high=1e999", "422 finite_number query.high"),
        ("low=1&high=1", "422 greater_than query.high"),
        ("low=1.7976931348623157e308", "422 less_than query.low"),
        ("high=-1.7976931348623157e308", "422 greater_than query.high"),
        ("low=2&high=1", "422 greater_than query.high"),
        ("low=1&low=2", "422 repeated query.low"),
        ("end_time=x", "422 datetime_from_date_parsing query.end_time"),
        ("interval=P1D", "422 extra_forbidden query.interval"),
        (
            "bins=0&low=x&high=y&start_time=z&width=1",
            "422 greater_than_equal query.bins, float_parsing query.low, float_parsing query.high, \
             datetime_from_date_parsing query.start_time, extra_forbidden query.width",
        ),
    ] {
        assert_eq!(api.get(&format!("{HISTOGRAM}?{query}")).await.brief(), expected, "{query}");
    }
}
