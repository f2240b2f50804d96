//! The metrics for Prometheus: each request moves those that it should, and the documentation has all of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::server::{Api, BATCH, over_both_stores};

over_both_stores!(
    metrics_follow_readings_and_requests,
    both_formats_have_the_same_samples,
    the_documentation_has_every_metric,
);

/// Returns the samples of a text in the format of Prometheus, by name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

async fn scrape(api: Api, accept: &str) -> String {
    let response = api.send("GET", "/metrics", &[&format!("accept: {accept}")], None).await;
    assert_eq!(response.status, 200, "{response:?}");
    let is_openmetrics = accept.contains("openmetrics");
    let expected = if is_openmetrics {
        "application/openmetrics-text; version=1.0.0"
    } else {
        "text/plain; version=0.0.4"
    };
    assert_eq!(response.header("content-type").unwrap(), format!("{expected}; charset=utf-8"));
    String::from_utf8(response.body).unwrap()
}

async fn metrics_follow_readings_and_requests(api: Api) {
    api.device("d").await;
    let text = scrape(api, "*/*").await;
    let before = samples(&text);
    let row = |second: u32, x: u32| json!({"timestamp": format!("2026-11-23T10:00:{second:02}Z"), "x": x, "y": 2, "z": 3});
    let stored = api.post(BATCH, json!([row(1, 1), row(2, 1), row(1, 1), row(2, 9)])).await;
    assert_eq!((stored.counts(), stored.conflicts()), ((2, 2), 1));
    for path in ["/nothing", "/api/v1/stats/devices/none/analysis"] {
        assert_eq!(api.get(path).await.status, 404);
    }
    let text = scrape(api, "*/*").await;
    let after = samples(&text);
    let grown = |name: &str| {
        after.get(name).copied().unwrap_or_default() - before.get(name).copied().unwrap_or_default()
    };
    for (name, expected) in [
        ("device_stats_readings_accepted_total", 2.0),
        ("device_stats_readings_repeated_total", 2.0),
        ("device_stats_readings_conflicting_total", 1.0),
        ("device_stats_hot_readings", 2.0),
        ("device_stats_sealing_backlog_readings", 2.0),
        ("device_stats_commit_duration_seconds_count", 1.0),
        (r#"device_stats_http_requests_total{method="GET",route="none",status="404"}"#, 1.0),
        (
            r#"device_stats_http_requests_total{method="GET",route="/api/v1/stats/devices/{device_id}/analysis",status="404"}"#,
            1.0,
        ),
        (
            r#"device_stats_http_request_duration_seconds_count{method="POST",route="/api/v1/stats/devices/{device_id}/batch"}"#,
            1.0,
        ),
    ] {
        assert!((grown(name) - expected).abs() < f64::EPSILON, "{name}: {} in {text}", grown(name));
    }
    assert!(after["process_resident_memory_bytes"] > 1e6, "{text}");
    assert!(grown("process_cpu_seconds_total") >= 0.0);
    assert_eq!(after["device_stats_http_requests_in_progress"], 1.0);
}

async fn both_formats_have_the_same_samples(api: Api) {
    api.device("d").await;
    let prometheus = scrape(api, "text/plain").await;
    let openmetrics = scrape(api, "application/openmetrics-text; version=1.0.0, text/plain;q=0.5").await;
    assert!(openmetrics.ends_with("\n# EOF\n"), "{openmetrics}");
    let names = |text: &str| -> BTreeSet<String> {
        samples(text).keys().map(|name| name.split('{').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&prometheus), names(&openmetrics));
}

async fn the_documentation_has_every_metric(api: Api) {
    api.device("d").await;
    let text = scrape(api, "*/*").await;
    let described = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let served: BTreeMap<&str, &str> = described.collect();
    let page = include_str!("../../../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let mut documented: BTreeMap<&str, &str> =
        rows.map(|(name, rest)| (name, rest.split([' ', ',']).next().unwrap())).collect();
    if !served.contains_key("device_stats_disk_free_bytes") {
        documented.remove("device_stats_disk_free_bytes");
    }
    assert_eq!(served, documented);
}
