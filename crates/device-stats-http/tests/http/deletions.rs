//! Tests of the deletion of readings of a device in a period.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_service::limits::DELETIONS_AT_ONCE;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Piece, PieceKey};
use serde_json::{Value, json};

use crate::databases::{Database, over_both_databases};
use crate::sealing::{merge_some, seal_some};
use crate::server::{Api, BATCH, NO_READINGS, READINGS, Response, Server, over_both_stores};

over_both_stores!(
    readings_of_a_period_are_deleted,
    one_reading_is_deleted_by_its_time,
    a_deletion_needs_a_bound_or_all,
    wrong_parameters_of_a_deletion_are_refused,
    a_period_that_ends_before_it_starts_is_refused,
    a_deletion_of_another_device_changes_nothing,
    deleted_readings_can_be_posted_again,
    an_analysis_sees_all_or_none_of_a_deletion,
);
over_both_databases!(
    hot_and_sealed_readings_are_deleted,
    readings_are_deleted_while_they_are_sealed_and_merged,
    a_segment_inside_the_period_is_not_read,
);

fn at(second: u32) -> Value {
    json!({"x": second, "y": 0, "z": 0, "timestamp": format!("2026-11-23T00:00:{second:02}Z")})
}

async fn post(api: Api, seconds: std::ops::Range<u32>) {
    let rows: Value = seconds.clone().map(at).collect();
    assert_eq!(api.post(BATCH, rows).await.counts(), (u64::from(seconds.end - seconds.start), 0));
}

async fn delete(api: Api, query: &str) -> Response {
    api.delete(&format!("{READINGS}?{query}")).await
}

/// Deletes readings, and returns the seconds of the others.
async fn left_after(api: Api, query: &str, deleted: u32) -> Vec<u32> {
    let response = delete(api, query).await;
    assert_eq!((response.status, response.json()), (200, json!({"deleted": deleted})), "{query}");
    seconds(api).await
}

async fn seconds(api: Api) -> Vec<u32> {
    let second = |reading: &Value| reading["timestamp"].as_str().unwrap()[17..19].parse().unwrap();
    api.list(READINGS).await.iter().rev().map(second).collect()
}

async fn readings_of_a_period_are_deleted(api: Api) {
    api.device("d").await;
    post(api, 0..10).await;
    let day = "2026-11-23T00:00";
    let left = left_after(api, &format!("start_time={day}:03Z&end_time={day}:05Z"), 3).await;
    assert_eq!(left, [0, 1, 2, 6, 7, 8, 9]);
    assert_eq!(left_after(api, &format!("start_time={day}:02Z&until={day}:07Z"), 2).await, [0, 1, 7, 8, 9]);
    assert_eq!(left_after(api, &format!("until={day}:01Z"), 1).await, [1, 7, 8, 9]);
    assert_eq!(left_after(api, &format!("start_time={day}:09Z&all=false"), 1).await, [1, 7, 8]);
    assert_eq!(left_after(api, "start_time=2027-01-01", 0).await, [1, 7, 8]);
    assert_eq!(left_after(api, "all=true", 3).await, [0_u32; 0]);
    assert_eq!(left_after(api, "all=true", 0).await, [0_u32; 0]);
    assert_eq!(api.post(&format!("{READINGS}/analyze"), "{}").await.brief(), NO_READINGS);
}

async fn one_reading_is_deleted_by_its_time(api: Api) {
    api.device("d").await;
    for micros in ["000001", "000002", "000003"] {
        let at = format!("2026-11-23T00:00:00.{micros}Z");
        let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": at});
        assert_eq!(api.post(READINGS, reading).await.status, 201);
    }
    let time = "2026-11-23T00:00:00.000002Z";
    let response = delete(api, &format!("start_time={time}&end_time={time}")).await;
    assert_eq!(response.json(), json!({"deleted": 1}));
    let times: Vec<_> = api.list(READINGS).await.iter().map(|one| one["timestamp"].clone()).collect();
    assert_eq!(times, ["2026-11-23T00:00:00.000003Z", "2026-11-23T00:00:00.000001Z"]);
}

async fn a_deletion_needs_a_bound_or_all(api: Api) {
    api.device("d").await;
    post(api, 0..3).await;
    for query in ["", "all=false", "all=0"] {
        let response = delete(api, query).await;
        assert_eq!(response.brief(), "422 missing query.all", "{query}");
        let msg = "Give start_time, end_time or until, or all=true to delete all readings of the device";
        assert_eq!(response.json()["detail"][0]["msg"], msg);
    }
    for bound in ["start_time", "end_time", "until"] {
        let response = delete(api, &format!("all=true&{bound}=2026-11-23")).await;
        assert_eq!(response.brief(), "422 value_error query.all", "{bound}");
        let msg = "Value error, give either all=true or a period, not both";
        assert_eq!(response.json()["detail"][0]["msg"], msg);
    }
    assert_eq!(seconds(api).await, [0, 1, 2]);
}

async fn wrong_parameters_of_a_deletion_are_refused(api: Api) {
    api.device("d").await;
    post(api, 0..3).await;
    for (query, expected) in [
        ("start_time=soon", "datetime_from_date_parsing query.start_time"),
        ("end_time=2026-11-23&until=2026-11-23", "value_error query.until"),
        ("all=maybe", "bool_parsing query.all"),
        ("all=true&all=true", "repeated query.all"),
        ("all=true&limit=5", "extra_forbidden query.limit"),
        ("end_time=2026-11-24&from=2026-11-23", "extra_forbidden query.from"),
        ("since=2026-11-23", "extra_forbidden query.since, missing query.all"),
        ("start_time=2026-11-23&limit=1", "extra_forbidden query.limit"),
        ("start_time=2026-11-24&end_time=2026-11-23", "value_error query.end_time"),
        ("start_time=2026-11-23T00:00:01&end_time=2026-11-23T00:00:00.999999", "value_error query.end_time"),
        ("start_time=2026-11-24&until=2026-11-23", "value_error query.until"),
        ("start_time=2026-11-23&until=2026-11-23", "value_error query.until"),
        (
            "start_time=2026-11-24&end_time=2026-11-23&limit=1",
            "extra_forbidden query.limit, value_error query.end_time",
        ),
    ] {
        assert_eq!(delete(api, query).await.brief(), format!("422 {expected}"), "{query}");
    }
    assert_eq!(seconds(api).await, [0, 1, 2]);
}

/// Somebody who confuses the bounds learns that nothing was deleted.
async fn a_period_that_ends_before_it_starts_is_refused(api: Api) {
    api.device("d").await;
    post(api, 0..3).await;
    let day = "2026-11-23T00:00";
    for (query, msg) in [
        ("start_time=:02Z&end_time=:01Z", "Value error, end_time should not be before start_time"),
        ("start_time=:02Z&until=:02Z", "Value error, until should be after start_time"),
        ("start_time=:02Z&until=:01Z", "Value error, until should be after start_time"),
    ] {
        let query = query.replace("=:", &format!("={day}:"));
        let response = delete(api, &query).await;
        assert_eq!((response.status, &response.json()["detail"][0]["msg"]), (422, &json!(msg)), "{query}");
    }
    assert_eq!(seconds(api).await, [0, 1, 2]);
    assert_eq!(left_after(api, &format!("start_time={day}:02Z&end_time={day}:02Z"), 1).await, [0, 1]);
}

async fn a_deletion_of_another_device_changes_nothing(api: Api) {
    assert_eq!(delete(api, "all=true").await.brief(), "404 Device not found");
    api.device("d").await;
    api.device("e").await;
    post(api, 0..3).await;
    let response = api.delete("/api/v1/stats/devices/e?all=true").await;
    assert_eq!(response.json(), json!({"deleted": 0}));
    assert_eq!(seconds(api).await, [0, 1, 2]);
}

async fn deleted_readings_can_be_posted_again(api: Api) {
    api.device("d").await;
    for _ in 0..3 {
        post(api, 0..50).await;
        assert_eq!(delete(api, "all=true").await.json(), json!({"deleted": 50}));
    }
    // As a segment, too.
    let rows: Value =
        (0..5_000).map(|n| json!({"x": n, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n})).collect();
    for _ in 0..2 {
        assert_eq!(api.post(BATCH, &rows).await.counts(), (5_000, 0));
        let middle = "start_time=1795428001&end_time=1795432998";
        assert_eq!(delete(api, middle).await.json(), json!({"deleted": 4_998}));
        assert_eq!(api.list(READINGS).await.len(), 2);
        assert_eq!(api.post(BATCH, &rows).await.counts(), (4_998, 2));
        assert_eq!(delete(api, "all=true").await.json(), json!({"deleted": 5_000}));
    }
}

async fn an_analysis_sees_all_or_none_of_a_deletion(api: Api) {
    api.device("d").await;
    let rows: Value =
        (0..5_000).map(|n| json!({"x": n, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n})).collect();
    let is_done = Arc::new(AtomicBool::new(false));
    let analyses = tokio::spawn({
        let is_done = Arc::clone(&is_done);
        async move {
            while !is_done.load(Ordering::SeqCst) {
                let response = api.post(&format!("{READINGS}/analyze"), "{}").await;
                match response.status {
                    200 => {
                        let count = response.json()["x"]["count"].clone();
                        assert!(count == 5_000 || count == 100, "{count}");
                    }
                    _ => assert_eq!(response.brief(), NO_READINGS),
                }
            }
        }
    });
    for _ in 0..6 {
        api.post(BATCH, &rows).await;
        assert_eq!(delete(api, "start_time=1795428100").await.json(), json!({"deleted": 4_900}));
        assert_eq!(delete(api, "all=true").await.json(), json!({"deleted": 100}));
    }
    is_done.store(true, Ordering::SeqCst);
    analyses.await.unwrap();
}

async fn hot_and_sealed_readings_are_deleted(database: Database) {
    let store = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    post(api, 0..20).await;
    seal_some(&*store, device, |place| place % 3 == 0).await.unwrap();
    seal_some(&*store, device, |place| place % 3 == 0).await.unwrap();
    let bounds = "start_time=2026-11-23T00:00:04Z&end_time=2026-11-23T00:00:15Z";
    assert_eq!(left_after(api, bounds, 12).await, [0, 1, 2, 3, 16, 17, 18, 19]);
    let response = api.post(&format!("{READINGS}/analyze"), "{}").await.json();
    assert_eq!((&response["x"]["sum"], &response["x"]["count"]), (&json!(76.0), &json!(8)));
    post(api, 4..16).await;
    assert_eq!(seconds(api).await, (0..20).collect::<Vec<_>>());
    server.stop().await;
}

/// The segments that a deletion has read are merged before it deletes. It reads the new ones.
async fn readings_are_deleted_while_they_are_sealed_and_merged(database: Database) {
    let store = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    let is_done = Arc::new(AtomicBool::new(false));
    let sealing = tokio::spawn({
        let (store, is_done) = (Arc::clone(&store), Arc::clone(&is_done));
        async move {
            while !is_done.load(Ordering::SeqCst) {
                seal_some(&*store, device, |place| place % 2 == 0).await;
                if store.list_segments(device).await.unwrap().len() > 1 {
                    merge_some(&*store, device, |_| true).await;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    for _ in 0..30 {
        post(api, 0..50).await;
        let bounds = "start_time=2026-11-23T00:00:10Z&end_time=2026-11-23T00:00:29Z";
        let expected: Vec<u32> = (0..10).chain(30..50).collect();
        assert_eq!(left_after(api, bounds, 20).await, expected);
        assert_eq!(left_after(api, "all=true", 30).await, [0_u32; 0]);
    }
    is_done.store(true, Ordering::SeqCst);
    sealing.await.unwrap();
    server.stop().await;
}

/// Even a corrupt segment can be deleted.
async fn a_segment_inside_the_period_is_not_read(database: Database) {
    let store = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let device = api.owned_device("d", None).await;
    post(api, 0..9).await;
    seal_some(&*store, device, |place| (3..6).contains(&place)).await.unwrap();
    let entry = store.list_segments(device).await.unwrap()[0];
    assert!(store.read_segment(device, entry).await.unwrap().is_some());
    for piece in [Piece::Head, Piece::Block(0)] {
        database.replace(PieceKey { device, segment: entry.id, piece }, b"damaged").await;
    }
    let cut = delete(api, "start_time=2026-11-23T00:00:04Z").await;
    assert_eq!(cut.status, 500, "{cut:?}");
    let bounds = "start_time=2026-11-23T00:00:02Z&end_time=2026-11-23T00:00:06Z";
    assert_eq!(left_after(api, bounds, 5).await, [0, 1, 7, 8]);
    server.stop().await;
}

/// A transaction of another program holds the device, as posts without a pause would. Each deletion tries for
/// ten seconds, so the last requests wait for more than twenty seconds. SQLite has no such lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_of_a_device_in_use_are_refused_after_a_time() {
    let database = Database::postgres();
    let server = Server::start(database.open().await).await;
    let api = server.api;
    api.device("d").await;
    post(api, 0..3).await;
    let Database::Postgres(url) = &database else { panic!("another database") };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT 1 FROM devices WHERE device_id = 'd' FOR KEY SHARE").await.unwrap();
    let mut deletions = tokio::task::JoinSet::new();
    for _ in 0..=3 * DELETIONS_AT_ONCE {
        deletions.spawn(async move { delete(api, "all=true").await });
    }
    let mut codes = Vec::new();
    for response in deletions.join_all().await {
        assert_eq!(response.status, 503, "{response:?}");
        assert_eq!(response.header("retry-after"), Some("1"));
        codes.push(response.json()["code"].as_str().unwrap().to_owned());
    }
    let count = |code| codes.iter().filter(|found| *found == code).count();
    let (overtaken, waiting) = (count("deletion_overtaken"), count("too_many_deletions"));
    assert!(overtaken >= DELETIONS_AT_ONCE && waiting > 0, "{codes:?}");
    assert_eq!(overtaken + waiting, codes.len(), "{codes:?}");
    assert_eq!(seconds(api).await, [0, 1, 2]);
    drop(client);
    connection.await.unwrap().unwrap();
    assert_eq!(left_after(api, "all=true", 3).await, [0; 0]);
    server.stop().await;
}
