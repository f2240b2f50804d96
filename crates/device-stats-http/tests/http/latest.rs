//! The latest readings of devices, and single readings by their time.

use std::sync::Arc;

use device_stats_store::Store;
use serde_json::{Value, json};

use crate::databases::{Database, over_both_databases};
use crate::sealing::seal_some;
use crate::server::{Api, READINGS, Server, over_both_stores};

over_both_stores!(
    the_latest_reading_has_the_latest_time,
    the_latest_readings_of_chosen_devices_are_listed,
    latest_readings_are_listed_in_pages,
    operations_without_parameters_refuse_all,
    invalid_lists_of_latest_readings_are_refused,
    a_reading_is_found_by_its_time,
    the_time_in_a_path_follows_the_rules_of_readings
);

over_both_databases!(sealed_readings_are_found);

const LATEST: &str = "/api/v1/stats/latest";

async fn store(api: Api, device: &str, second: u32, x: u32) {
    let time = format!("2026-11-23T10:00:{second:02}Z");
    let reading = json!({"x": x, "y": 0, "z": 0, "timestamp": time});
    let response = api.post(&format!("/api/v1/stats/devices/{device}"), reading).await;
    assert_eq!(response.status, 201, "{response:?}");
}

async fn the_latest_reading_has_the_latest_time(api: Api) {
    let device = api.device("d").await;
    let latest = format!("{READINGS}/latest");
    assert_eq!(api.get(&latest).await.brief(), "404 Reading not found");
    assert_eq!(api.get("/api/v1/stats/devices/none/latest").await.brief(), "404 Device not found");
    for (second, x) in [(5, 1), (9, 2), (7, 3)] {
        store(api, "d", second, x).await;
    }
    let found = api.get(&latest).await.json();
    assert_eq!(found, api.list(&format!("{READINGS}?limit=1")).await[0]);
    assert_eq!((&found["x"], &found["device_id"]), (&json!(2.0), &device["id"]));
    assert_eq!(found["timestamp"], "2026-11-23T10:00:09.000000Z");
}

/// Returns the device and x of each entry.
fn brief(entries: &[Value]) -> Vec<(&str, Option<f64>)> {
    let brief = |entry: &'_ Value| entry["reading"]["x"].as_f64();
    entries.iter().map(|entry| (entry["device_id"].as_str().unwrap(), brief(entry))).collect()
}

async fn the_latest_readings_of_chosen_devices_are_listed(api: Api) {
    let user = api.user("ada").await;
    let b = api.owned_device("b", user).await;
    api.owned_device("a", user).await;
    api.device("c").await;
    store(api, "b", 1, 1).await;
    store(api, "b", 2, 2).await;
    store(api, "c", 1, 3).await;
    for (query, expected) in [
        ("", &[("b", Some(2.0)), ("a", None), ("c", Some(3.0))][..]),
        ("?device_id=c&device_id=b&device_id=c", &[("b", Some(2.0)), ("c", Some(3.0))]),
        (&format!("?user_id={user}"), &[("b", Some(2.0)), ("a", None)]),
        (&format!("?user_id={user}&prefix=a"), &[("a", None)]),
        ("?prefix=c", &[("c", Some(3.0))]),
        ("?prefix=x", &[]),
    ] {
        assert_eq!(brief(&api.list(&format!("{LATEST}{query}")).await), expected, "{query}");
    }
    let entry = api.list(&format!("{LATEST}?device_id=b")).await[0].clone();
    let reading = api.get("/api/v1/stats/devices/b/latest").await.json();
    assert_eq!(entry, json!({"device_id": "b", "id": b.0, "reading": reading}));
    let missing = api.get(&format!("{LATEST}?device_id=b&device_id=x")).await;
    assert_eq!(missing.brief(), "404 Device not found: x");
    assert_eq!(api.get(&format!("{LATEST}?user_id=99")).await.brief(), "404 User not found");
}

async fn latest_readings_are_listed_in_pages(api: Api) {
    for n in 0..5 {
        api.device(&format!("p/{n}")).await;
        api.device(&format!("q/{n}")).await;
    }
    let mut next = Some(format!("{LATEST}?prefix=p%2F&limit=2"));
    let mut seen = Vec::new();
    while let Some(path) = next {
        let page = api.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let entries = page.json();
        seen.extend(
            entries.as_array().unwrap().iter().map(|one| one["device_id"].as_str().unwrap().to_owned()),
        );
        next = crate::lists::next(&path, &page);
    }
    assert_eq!(seen, ["p/0", "p/1", "p/2", "p/3", "p/4"]);
}

async fn invalid_lists_of_latest_readings_are_refused(api: Api) {
    api.device("d").await;
    for (query, expected) in [
        ("device_id=d&prefix=d", "422 value_error query.prefix"),
        ("device_id=d&after=0", "422 value_error query.after"),
        ("limit=1001", "422 less_than_equal query.limit"),
        ("after=-1", "422 greater_than_equal query.after"),
        ("skip=0", "422 extra_forbidden query.skip"),
        ("user_id=x", "422 int_parsing query.user_id"),
    ] {
        assert_eq!(api.get(&format!("{LATEST}?{query}")).await.brief(), expected, "{query}");
    }
}

async fn operations_without_parameters_refuse_all(api: Api) {
    api.device("d").await;
    store(api, "d", 0, 1).await;
    for path in [format!("{READINGS}/latest"), "/api/v1/version".to_owned()] {
        assert_eq!(api.get(&path).await.status, 200, "{path}");
        for (query, expected) in [
            ("end_time=2026-11-23", "422 extra_forbidden query.end_time"),
            ("limit=1", "422 extra_forbidden query.limit"),
        ] {
            assert_eq!(api.get(&format!("{path}?{query}")).await.brief(), expected, "{path}");
        }
    }
}

async fn a_reading_is_found_by_its_time(api: Api) {
    api.device("d").await;
    store(api, "d", 0, 1).await;
    let stored = api.list(READINGS).await.remove(0);
    for time in [
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00.000000Z",
        "2026-11-23T11:00:00+01:00",
        "2026-11-23T11:00:00%2B01:00",
        "2026-11-23%2010:00",
        "2026-11-23T10:00:00.0000009Z",
        "1795428000",
        "1795428000000",
        "1795428000000000?precision=us",
    ] {
        let response = api.get(&format!("{READINGS}/readings/{time}")).await;
        assert_eq!((response.status, response.json()), (200, stored.clone()), "{time}");
    }
    for time in [
        "2026-11-23T10:00:00.000001Z",
        "2026-11-23T09:59:59.999999Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-11-23",
    ] {
        let response = api.get(&format!("{READINGS}/readings/{time}")).await;
        assert_eq!(response.brief(), "404 Reading not found", "{time}");
        assert_eq!(response.json()["code"], "reading_not_found");
    }
    assert_eq!(
        api.get("/api/v1/stats/devices/none/readings/2026-11-23").await.brief(),
        "404 Device not found"
    );
}

async fn the_time_in_a_path_follows_the_rules_of_readings(api: Api) {
    api.device("d").await;
    for (time, expected) in [
        ("yesterday", "422 datetime_from_date_parsing path.timestamp"),
        ("0", "422 time_unit_unknown path.timestamp"),
        ("20261123", "422 time_unit_unknown path.timestamp"),
        ("0?precision=h", "422 literal_error query.precision"),
        ("2026-11-23?unit=s", "422 extra_forbidden query.unit"),
    ] {
        assert_eq!(api.get(&format!("{READINGS}/readings/{time}")).await.brief(), expected, "{time}");
    }
    assert_eq!(api.get(&format!("{READINGS}/readings/0?precision=s")).await.brief(), "404 Reading not found");
}

async fn sealed_readings_are_found(database: Database) {
    let store: Arc<dyn Store> = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    api.device("other").await;
    for second in 0..20 {
        self::store(api, "d", second, second).await;
    }
    seal_some(store.as_ref(), device, |place| place % 3 == 0).await.unwrap();
    seal_some(store.as_ref(), device, |place| place > 9).await.unwrap();
    for second in 0..20 {
        let path = format!("{READINGS}/readings/2026-11-23T10:00:{second:02}Z");
        assert_eq!(api.get(&path).await.json()["x"], f64::from(second));
    }
    let latest = async || api.get(&format!("{READINGS}/latest")).await.json()["x"].as_f64().unwrap();
    assert_eq!(latest().await, 19.0);
    assert_eq!(brief(&api.list(LATEST).await), [("d", Some(19.0)), ("other", None)]);
    self::store(api, "d", 30, 30).await;
    assert_eq!(latest().await, 30.0);
    server.stop().await;
}
