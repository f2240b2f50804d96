//! Analyses by `GET`: the same results as by `POST`, and analyses of chosen devices.

use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(
    a_query_gives_the_analysis_of_the_body,
    invalid_queries_are_refused,
    chosen_devices_are_analyzed_as_one_pool,
    a_prefix_chooses_the_devices_that_have_it,
    missing_devices_are_named,
    too_many_devices_are_refused
);

const DEVICE: &str = "/api/v1/stats/devices/d";
const CHOSEN: &str = "/api/v1/stats/analysis";

async fn store(api: Api, device: &str, xs: &[f64]) {
    let row =
        |(second, x): (usize, &f64)| json!({"x": x, "y": 0.1, "z": -x, "timestamp": 1_795_392_000 + second});
    let rows: Vec<Value> = xs.iter().enumerate().map(row).collect();
    let path = format!("/api/v1/stats/devices/{}/batch", device.replace('/', "%2F"));
    let response = api.post(&path, json!(rows)).await;
    assert_eq!(response.json()["accepted"], xs.len(), "{response:?}");
}

/// Responses are compared byte by byte.
async fn a_query_gives_the_analysis_of_the_body(api: Api) {
    let user = api.user("ada").await;
    for device in ["d", "e"] {
        api.owned_device(device, user).await;
    }
    store(api, "d", &[1.5, 2.0, 1e300, -7.25]).await;
    store(api, "e", &[0.1, 0.2]).await;
    for (query, body) in [
        ("", json!({})),
        ("?percentiles=50,99.9,0,50", json!({"percentiles": [50, 99.9, 0, 50]})),
        ("?percentiles=%2050", json!({"percentiles": [50]})),
        ("?stats=mean", json!({"mean": true})),
        ("?stats=rms,range,iqr", json!({"rms": true, "range": true, "iqr": true})),
        ("?stats=rms&magnitude=true", json!({"rms": true, "magnitude": true})),
        ("?magnitude=false", json!({})),
        ("?stats=stddev,mean&percentiles=25", json!({"stddev": true, "mean": true, "percentiles": [25]})),
        (
            "?start_time=2026-11-23T00:00:01Z&end_time=2026-11-23T00:00:02Z",
            json!({"start_time": "2026-11-23T00:00:01Z", "end_time": "2026-11-23T00:00:02Z"}),
        ),
        ("?until=2026-11-23T00:00:02Z&stats=mean", json!({"until": "2026-11-23T00:00:02Z", "mean": true})),
    ] {
        for path in [DEVICE.to_owned(), format!("/api/v1/stats/users/{user}")] {
            let got = api.get(&format!("{path}/analysis{query}")).await;
            let posted = api.post(&format!("{path}/analyze"), &body).await;
            assert_eq!(got.status, 200, "{query}: {got:?}");
            assert_eq!(got.body, posted.body, "{query}");
        }
    }
    let empty = "start_time=2030-01-01";
    assert_eq!(api.get(&format!("{DEVICE}/analysis?{empty}")).await.brief(), NO_READINGS);
    assert_eq!(api.get("/api/v1/stats/devices/none/analysis").await.brief(), "404 Device not found");
    assert_eq!(api.get("/api/v1/stats/users/99/analysis").await.brief(), "404 User not found");
}

async fn invalid_queries_are_refused(api: Api) {
    api.device("d").await;
    let many = format!("percentiles={}", vec!["50"; 21].join(","));
    for (query, expected) in [
        ("percentiles=", "422 too_short query.percentiles"),
        (&many, "422 too_long query.percentiles"),
        (
            "percentiles=-1,50,101,x,,nan",
            "422 greater_than_equal query.percentiles.0, less_than_equal query.percentiles.2, \
             float_parsing query.percentiles.3, float_parsing query.percentiles.4, \
             finite_number query.percentiles.5",
        ),
        ("percentiles=1&percentiles=2", "422 repeated query.percentiles"),
        ("stats=", "422 too_short query.stats"),
        ("stats=mean,average", "422 literal_error query.stats.1"),
        ("stats=Mean", "422 literal_error query.stats.0"),
        ("mean=true", "422 extra_forbidden query.mean"),
        ("start=2026-11-23", "422 extra_forbidden query.start"),
        ("end_time=2026-11-23&until=2026-11-23", "422 value_error query.until"),
        (
            "start_time=x&stats=x&other=1",
            "422 datetime_from_date_parsing query.start_time, literal_error query.stats.0, extra_forbidden query.other",
        ),
    ] {
        for path in [format!("{DEVICE}/analysis?"), format!("{CHOSEN}?device_id=d&")] {
            assert_eq!(api.get(&format!("{path}{query}")).await.brief(), expected, "{path}{query}");
        }
    }
    let fault = api.get(&format!("{DEVICE}/analysis?stats=median")).await.json()["detail"][0].clone();
    let msg = fault["msg"].as_str().unwrap();
    assert!(msg.starts_with("Input should be 'mean'") && msg.contains(" or '"), "{msg}");
    for (query, expected) in [
        ("", "422 missing query.device_id"),
        ("prefix=", "422 string_too_short query.prefix"),
        ("device_id=d&device_id=", "422 string_too_short query.device_id.1"),
        ("device_id=d&prefix=d", "422 value_error query.prefix"),
        ("device=d", "422 missing query.device_id, extra_forbidden query.device"),
        ("user_id=1", "422 missing query.device_id, extra_forbidden query.user_id"),
    ] {
        assert_eq!(api.get(&format!("{CHOSEN}?{query}")).await.brief(), expected, "{query}");
    }
}

/// Returns the counts of x of the pool and of each device.
fn counts(analysis: &Value) -> (u64, Vec<(&str, u64)>) {
    let count = |stats: &Value| stats["x"]["count"].as_u64().unwrap();
    let devices = analysis["device_stats"].as_array().unwrap().iter();
    let devices = devices.map(|device| (device["device_id"].as_str().unwrap(), count(&device["stats"])));
    (count(&analysis["aggregate_stats"]), devices.collect())
}

async fn chosen_devices_are_analyzed_as_one_pool(api: Api) {
    for device in ["b", "a", "c,d", "silent"] {
        api.device(device).await;
    }
    store(api, "a", &[1.0, 2.0, 3.0]).await;
    store(api, "b", &[10.0, 20.0]).await;
    store(api, "c,d", &[100.0]).await;
    let get = async |query: &str| {
        let response = api.get(&format!("{CHOSEN}?{query}")).await;
        assert_eq!(response.status, 200, "{query}: {response:?}");
        response.json()
    };
    // By ascending `id`, each device once, and without devices that have no readings in the period.
    let all = get("device_id=a&device_id=silent&device_id=b&device_id=a&percentiles=50&stats=mean").await;
    assert_eq!(counts(&all), (5, vec![("b", 2), ("a", 3)]));
    let pool = &all["aggregate_stats"]["x"];
    assert_eq!((&pool["median"], &pool["mean"], &pool["sum"]), (&json!(3.0), &json!(7.2), &json!(36.0)));
    assert_eq!(pool["percentiles"], json!([{"percentile": 50.0, "value": 3.0}]));
    let of_a = api.get("/api/v1/stats/devices/a/analysis?percentiles=50&stats=mean").await.json();
    assert_eq!(all["device_stats"][1]["stats"], of_a);
    assert_eq!(counts(&get("device_id=c,d").await), (1, vec![("c,d", 1)]));
    let late = get("device_id=a&device_id=b&start_time=2026-11-23T00:00:02Z").await;
    assert_eq!(counts(&late), (1, vec![("a", 1)]));
    assert_eq!(late["aggregate_stats"]["period_start"], "2026-11-23T00:00:02.000000Z");
    assert_eq!(api.get(&format!("{CHOSEN}?device_id=silent")).await.brief(), NO_READINGS);
}

async fn a_prefix_chooses_the_devices_that_have_it(api: Api) {
    for device in ["plant-1/a", "plant-1/b", "plant-10/a", "PLANT-1/c", "plant-1%"] {
        api.device(device).await;
        store(api, device, &[1.0]).await;
    }
    for (prefix, expected) in [
        ("plant-1/", &["plant-1/a", "plant-1/b"][..]),
        ("plant-1%2F", &["plant-1/a", "plant-1/b"]),
        ("plant-1", &["plant-1/a", "plant-1/b", "plant-10/a", "plant-1%"]),
        ("plant-1%25", &["plant-1%"]),
    ] {
        let found = api.get(&format!("{CHOSEN}?prefix={prefix}")).await.json();
        let (count, devices) = counts(&found);
        assert_eq!(devices.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected);
        assert_eq!(count, expected.len() as u64);
    }
    let response = api.get(&format!("{CHOSEN}?prefix=plant-2")).await;
    assert_eq!(response.brief(), "404 Device not found: no device has an id with this prefix");
}

async fn missing_devices_are_named(api: Api) {
    api.device("a").await;
    store(api, "a", &[1.0]).await;
    let response = api.get(&format!("{CHOSEN}?device_id=a&device_id=gone-2&device_id=gone-1")).await;
    assert_eq!(response.brief(), "404 Device not found: gone-1, gone-2");
    assert_eq!(response.json()["code"], "device_not_found");
    let many: Vec<String> = (10..40).map(|n| format!("device_id=gone-{n}")).collect();
    let response = api.get(&format!("{CHOSEN}?{}", many.join("&"))).await;
    let detail = response.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("gone-28, gone-29 and 10 more"), "{detail}");
}

async fn too_many_devices_are_refused(api: Api) {
    let row = |n: u32| format!("m,device=many-{n} x=1,y=2,z=3 1795392000000000000");
    let batch = async |numbers: std::ops::Range<u32>| {
        let lines: Vec<String> = numbers.map(row).collect();
        let response = api.post("/api/v1/write?register=true", lines.join("\n")).await;
        assert_eq!(response.status, 204, "{response:?}");
    };
    batch(0..1_000).await;
    let found = api.get(&format!("{CHOSEN}?prefix=many-")).await.json();
    assert_eq!(counts(&found).0, 1_000);
    batch(1_000..1_001).await;
    let response = api.get(&format!("{CHOSEN}?prefix=many-")).await;
    assert_eq!(response.brief(), "422 too_many_devices query.prefix");
    assert_eq!(response.json()["detail"][0]["ctx"], json!({"devices_max": 1_000}));
    let ids = vec!["device_id=d"; 1_001].join("&");
    assert_eq!(api.get(&format!("{CHOSEN}?{ids}")).await.brief(), "422 too_long query.device_id");
}
