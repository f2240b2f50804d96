//! The figures of the service for its operator: each request moves the counts that it should.

use serde_json::{Value, json};

use crate::server::{Api, BATCH, READINGS, over_both_stores};

over_both_stores!(
    readings_are_counted_by_their_outcomes,
    answers_are_counted_by_their_kind,
    the_database_and_its_sizes_are_shown,
);

const SERVICE: &str = "/api/v1/service";

async fn show(api: Api) -> Value {
    let response = api.get(SERVICE).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

async fn readings_are_counted_by_their_outcomes(api: Api) {
    api.device("d").await;
    let totals = async || {
        let readings = &show(api).await["readings"];
        let names = ["accepted_total", "repeated_total", "conflicting_total", "rejected_total"];
        names.map(|name| readings[name].as_u64().unwrap())
    };
    assert_eq!(totals().await, [0; 4]);
    let row = |time: u32, x: u32| json!({"timestamp": format!("2026-11-23T10:00:{time:02}Z"), "x": x, "y": 2, "z": 3});
    let stored = api.post(BATCH, json!([row(1, 1), row(2, 1), row(1, 1), row(2, 9)])).await;
    assert_eq!((stored.counts(), stored.conflicts()), ((2, 2), 1));
    assert_eq!(totals().await, [2, 2, 1, 0]);
    assert_eq!(api.post(READINGS, row(3, 1)).await.status, 201);
    let csv = "timestamp,x,y,z\n2026-11-23T10:00:04Z,1,2,3\n2026-11-23T10:00:05Z,1,2,\n";
    assert_eq!(api.post_as(&format!("{BATCH}?on_fault=skip"), "text/csv", csv).await.status, 201);
    // A refused batch has no outcomes.
    assert_eq!(api.post_as(BATCH, "text/csv", csv).await.status, 422);
    let figures = show(api).await;
    assert_eq!(totals().await, [4, 2, 1, 1]);
    assert_eq!(figures["readings"]["hot"], 4);
    assert_eq!(figures["sealing"]["backlog_readings"], 4);
    assert!(figures["sealing"]["oldest_hot_s"].as_f64().unwrap() >= 0.0);
    assert!(figures["readings"]["accepted_per_second"].as_f64().unwrap() > 0.0);
}

async fn answers_are_counted_by_their_kind(api: Api) {
    let before = show(api).await["requests"].clone();
    assert!(before["in_progress"].as_u64().unwrap() >= 1);
    for (path, status) in [("/nothing", 404), ("/api/v1/users?limit=0", 422), ("/api/v1/version", 200)] {
        assert_eq!(api.get(path).await.status, status);
    }
    let after = show(api).await["requests"].clone();
    let grown = |name: &str| after[name].as_u64().unwrap() - before[name].as_u64().unwrap();
    assert_eq!(grown("client_errors_total"), 2);
    assert_eq!((grown("refused_total"), grown("server_errors_total")), (0, 0));
    assert!(after["per_second"].as_f64().unwrap() > 0.0);
}

async fn the_database_and_its_sizes_are_shown(api: Api) {
    let figures = show(api).await;
    let is_sqlite = figures["store"] == "sqlite";
    assert!(is_sqlite || figures["store"] == "postgresql", "{figures}");
    assert!(figures["store_version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!((&figures["auth"], &figures["version"]), (&json!("open"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(figures["disk"]["database_bytes"].as_u64().unwrap() > 0);
    assert_eq!(figures["disk"]["free_bytes"].is_u64(), is_sqlite, "{figures}");
    assert_eq!(figures["segments"]["count"], 0);
    assert_eq!(figures["segments"]["bytes_per_reading"], Value::Null);
    let [used, max] =
        ["cache_bytes", "cache_bytes_max"].map(|name| figures["memory"][name].as_u64().unwrap());
    assert!(used <= max && max > 0, "{figures}");
}
