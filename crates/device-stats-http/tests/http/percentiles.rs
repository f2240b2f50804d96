//! Percentiles and the other optional statistics: exact, and only on request.

use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, over_both_stores};

over_both_stores!(
    optional_statistics_appear_only_on_request,
    a_user_gets_percentiles_of_the_pool,
    percentiles_of_the_largest_doubles_are_exact,
    invalid_requests_are_refused,
    numeric_texts_count_as_numbers
);

const ANALYZE: &str = "/api/v1/stats/devices/d/analyze";

async fn store(api: Api, device: &str, xs: &[f64]) {
    let row = |(second, x)| json!({"x": x, "y": 0.5, "z": -7, "timestamp": 1_795_392_000 + second});
    let rows: Vec<Value> = xs.iter().enumerate().map(row).collect();
    let response = api.post(&format!("/api/v1/stats/devices/{device}/batch"), json!(rows)).await;
    assert_eq!(response.json()["accepted"], xs.len(), "{response:?}");
}

/// Responses are compared as text, because statistics that are not requested must not change a byte.
async fn optional_statistics_appear_only_on_request(api: Api) {
    api.device("d").await;
    store(api, "d", &[9.0, 2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0]).await;
    let x = r#"{"min_value":2.0,"max_value":9.0,"count":8,"sum":40.0,"median":4.5"#;
    let y = r#"{"min_value":0.5,"max_value":0.5,"count":8,"sum":4.0,"median":0.5"#;
    let z = r#"{"min_value":-7.0,"max_value":-7.0,"count":8,"sum":-56.0,"median":-7.0"#;
    let list = |values: [f64; 4]| {
        let [first, second, third, fourth] = values;
        format!(
            r#","percentiles":[{{"percentile":50.0,"value":{first:?}}},{{"percentile":99.9,"value":{second:?}}},{{"percentile":0.0,"value":{third:?}}},{{"percentile":50.0,"value":{fourth:?}}}]"#
        )
    };
    let percentiles = ([4.5, 8.986, 2.0, 4.5], [0.5; 4], [-7.0; 4]);
    for (body, extra_x, extra_y, extra_z) in [
        ("{}", String::new(), String::new(), String::new()),
        (
            r#"{"percentiles":null,"mean":false,"stddev":null,"rms":false,"range":null,"iqr":0,"unknown":[1]}"#,
            String::new(),
            String::new(),
            String::new(),
        ),
        (
            r#"{"percentiles":[50, 99.9, 0, 50]}"#,
            list(percentiles.0),
            list(percentiles.1),
            list(percentiles.2),
        ),
        (r#"{"mean":true}"#, r#","mean":5.0"#.into(), r#","mean":0.5"#.into(), r#","mean":-7.0"#.into()),
        (
            r#"{"stddev":true}"#,
            r#","stddev":2.138089935299395"#.into(),
            r#","stddev":0.0"#.into(),
            r#","stddev":0.0"#.into(),
        ),
        (
            r#"{"rms":true}"#,
            r#","rms":5.385164807134504"#.into(),
            r#","rms":0.5"#.into(),
            r#","rms":7.0"#.into(),
        ),
        (
            r#"{"range":true,"iqr":true}"#,
            r#","range":7.0,"iqr":1.5"#.into(),
            r#","range":0.0,"iqr":0.0"#.into(),
            r#","range":0.0,"iqr":0.0"#.into(),
        ),
    ] {
        let response = api.post(ANALYZE, body).await;
        let expected = format!(
            r#"{{"x":{x}{extra_x}}},"y":{y}{extra_y}}},"z":{z}{extra_z}}},"period_start":null,"period_end":null}}"#
        );
        assert_eq!(String::from_utf8_lossy(&response.body), expected, "{body}");
    }
    let everything = json!({"percentiles": [25], "mean": true, "stddev": true, "end_time": 1_795_392_003});
    let response = api.post(ANALYZE, everything).await.json();
    assert_eq!(response["x"]["count"], 4);
    assert_eq!(response["x"]["percentiles"], json!([{"percentile": 25.0, "value": 3.5}]));
    assert_eq!((&response["x"]["mean"], &response["y"]["stddev"]), (&json!(4.75), &json!(0.0)));
}

async fn a_user_gets_percentiles_of_the_pool(api: Api) {
    let user = api.user("ada").await;
    for device in ["d", "e"] {
        api.owned_device(device, user).await;
    }
    store(api, "d", &[1.0, 2.0, 3.0, 10.0]).await;
    store(api, "e", &[20.0]).await;
    let wanted = json!({"percentiles": [10, 90], "mean": true, "stddev": true});
    let response = api.post(&format!("/api/v1/stats/users/{user}/analyze"), wanted).await.json();
    let values = |stats: &Value| {
        let percentiles = stats["x"]["percentiles"].as_array().unwrap().iter();
        percentiles.map(|percentile| percentile["value"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(values(&response["aggregate_stats"]), [1.4, 16.0]);
    assert_eq!(response["aggregate_stats"]["x"]["mean"], 7.2);
    let devices = response["device_stats"].as_array().unwrap();
    assert_eq!(values(&devices[0]["stats"]), [1.3, 7.9]);
    assert_eq!(values(&devices[1]["stats"]), [20.0, 20.0]);
    // A single reading has no standard deviation.
    let one = devices[1]["stats"]["x"].as_object().unwrap();
    assert_eq!((one.get("stddev"), &one["mean"]), (Some(&Value::Null), &json!(20.0)));
}

async fn percentiles_of_the_largest_doubles_are_exact(api: Api) {
    api.device("d").await;
    store(api, "d", &[f64::MIN, f64::MAX]).await;
    let wanted = json!({
        "percentiles": [0, 50, 75, 100], "mean": true, "stddev": true, "rms": true, "range": true, "iqr": true
    });
    let response = api.post(ANALYZE, wanted).await.json();
    let x = response["x"].as_object().unwrap();
    assert_eq!(
        (&x["rms"], x.get("range"), &x["iqr"]),
        (&json!(f64::MAX), Some(&Value::Null), &json!(f64::MAX))
    );
    let values: Vec<f64> =
        x["percentiles"].as_array().unwrap().iter().map(|one| one["value"].as_f64().unwrap()).collect();
    assert_eq!(values, [f64::MIN, 0.0, f64::MAX / 2.0, f64::MAX]);
    assert_eq!((&x["mean"], x.get("stddev")), (&json!(0.0), Some(&Value::Null)));
}

async fn invalid_requests_are_refused(api: Api) {
    api.device("d").await;
    let many = |count: usize| json!({"percentiles": vec![50; count]}).to_string();
    for (body, expected) in [
        (r#"{"percentiles": []}"#, "422 too_short body.percentiles"),
        (&many(21), "422 too_long body.percentiles"),
        (r#"{"percentiles": 50}"#, "422 list_type body.percentiles"),
        (r#"{"percentiles": "50"}"#, "422 list_type body.percentiles"),
        (r#"{"percentiles": {"50": 1}}"#, "422 list_type body.percentiles"),
        (
            r#"{"percentiles": [-0.1, 50, 100.1, null, "x", 1e999, [1]]}"#,
            "422 greater_than_equal body.percentiles.0, less_than_equal body.percentiles.2, \
             float_type body.percentiles.3, float_parsing body.percentiles.4, finite_number body.percentiles.5, \
             float_type body.percentiles.6",
        ),
        (r#"{"percentiles": [1], "percentiles": [2]}"#, "422 repeated body.percentiles"),
        (r#"{"mean": "perhaps"}"#, "422 bool_parsing body.mean"),
        (r#"{"mean": 2}"#, "422 bool_parsing body.mean"),
        (r#"{"stddev": 0.5}"#, "422 bool_type body.stddev"),
        (r#"{"stddev": []}"#, "422 bool_type body.stddev"),
        (
            r#"{"rms": "x", "range": 3, "iqr": {}}"#,
            "422 bool_parsing body.rms, bool_parsing body.range, bool_type body.iqr",
        ),
        (
            r#"{"interquartile_range": true, "RMS": true}"#,
            "422 extra_forbidden body.interquartile_range, extra_forbidden body.RMS",
        ),
        (
            r#"{"start_time": "x", "percentiles": [101], "mean": [], "stddev": {}}"#,
            "422 datetime_from_date_parsing body.start_time, less_than_equal body.percentiles.0, bool_type body.mean, \
             bool_type body.stddev",
        ),
    ] {
        assert_eq!(api.post(ANALYZE, body).await.brief(), expected, "{body}");
    }
    let user = api.user("ada").await;
    let path = format!("/api/v1/stats/users/{user}/analyze");
    assert_eq!(api.post(&path, many(21)).await.brief(), "422 too_long body.percentiles");
    let words = api.post(ANALYZE, many(21)).await.json()["detail"][0].clone();
    assert_eq!(words["msg"], "List should have at most 20 items after validation, not 21");
    assert_eq!(words["ctx"], json!({"field_type": "List", "max_length": 20, "actual_length": 21}));
    assert_eq!(api.post(ANALYZE, many(20)).await.brief(), NO_READINGS);
}

async fn numeric_texts_count_as_numbers(api: Api) {
    api.device("d").await;
    store(api, "d", &[1.0, 2.0]).await;
    let wanted = r#"{"percentiles": ["25", " 5e1 ", true, -0.0], "mean": "yes", "stddev": 1}"#;
    let response = api.post(ANALYZE, wanted).await.json();
    let expected = json!([
        {"percentile": 25.0, "value": 1.25},
        {"percentile": 50.0, "value": 1.5},
        {"percentile": 1.0, "value": 1.01},
        {"percentile": 0.0, "value": 1.0},
    ]);
    assert_eq!(response["x"]["percentiles"], expected);
    assert_eq!((&response["x"]["mean"], &response["x"]["stddev"]), (&json!(1.5), &json!(0.5_f64.sqrt())));
}
