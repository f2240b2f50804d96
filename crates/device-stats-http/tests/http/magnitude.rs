//! The magnitude as a fourth axis: exact, only on request, and from derived segments that may be lost.

use std::sync::Arc;

use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_service::read_derived_segment;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Piece, PieceKey, Replaced, SegmentId, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{
    Bins, EPOCH_US, OptionalStatistics, Period, Timed, analysis, histograms, series, written,
};
use crate::sealing::merge_some;
use crate::server::{Api, Server, over_both_stores};

over_both_stores!(
    the_magnitude_appears_only_on_request,
    extreme_magnitudes_are_defined,
    invalid_requests_for_the_magnitude_are_refused
);
over_both_databases!(
    magnitudes_of_sealed_readings_are_exact,
    lost_magnitudes_are_computed_again,
    corrupt_magnitudes_are_computed_again,
    magnitudes_of_corrupt_readings_are_an_error,
    magnitudes_follow_a_merge,
    concurrent_requests_for_new_magnitudes_agree
);

const DEVICE: &str = "/api/v1/stats/devices/d";
/// Number of readings of the first segment; three pages of rows.
const READINGS: usize = 9_000;
/// Number of readings of the second segment.
const MORE: usize = 700;
/// Number of readings of the third segment. It is too small for a derived segment.
const FEW: usize = 100;
/// Number of hot readings.
const HOT: usize = 200;

async fn store(api: Api, device: &str, readings: &[[f64; 3]]) {
    let row = |(second, [x, y, z]): (usize, &[f64; 3])| json!({"x": x, "y": y, "z": z, "timestamp": 1_795_392_000 + second});
    let rows: Vec<Value> = readings.iter().enumerate().map(row).collect();
    let response = api.post(&format!("/api/v1/stats/devices/{device}/batch"), json!(rows)).await;
    assert_eq!(response.json()["accepted"], readings.len(), "{response:?}");
}

async fn the_magnitude_appears_only_on_request(api: Api) {
    let user = api.user("ada").await;
    for device in ["d", "e"] {
        api.owned_device(device, user).await;
    }
    store(api, "d", &[[1.0, 2.0, -2.0], [-2.0, 3.0, 6.0]]).await;
    store(api, "e", &[[0.0, 0.0, 0.0]]).await;
    let magnitude = json!({
        "min_value": 3.0, "max_value": 7.0, "count": 2, "sum": 10.0, "median": 5.0,
        "percentiles": [{"percentile": 25.0, "value": 4.0}], "mean": 5.0, "rms": 29_f64.sqrt(), "iqr": 2.0,
    });
    let body = json!({"magnitude": true, "percentiles": [25], "mean": true, "rms": true, "iqr": true});
    let response = api.post(&format!("{DEVICE}/analyze"), &body).await.json();
    assert_eq!(response["magnitude"], magnitude);
    let response = api.post(&format!("/api/v1/stats/users/{user}/analyze"), &body).await.json();
    assert_eq!(response["device_stats"][0]["stats"]["magnitude"], magnitude);
    assert_eq!(response["device_stats"][1]["stats"]["magnitude"]["max_value"], 0.0);
    assert_eq!(response["aggregate_stats"]["magnitude"]["median"], 3.0);

    let get = async |query: &str| api.get(&format!("{DEVICE}/{query}")).await.json();
    let response = get("series?interval=PT1S&magnitude=true").await;
    let buckets = response["buckets"].as_array().unwrap().iter();
    let maxima: Vec<&Value> = buckets.map(|bucket| &bucket["stats"]["magnitude"]["max_value"]).collect();
    assert_eq!(maxima, [&json!(3.0), &json!(7.0)]);
    let response = get("histogram?bins=2&magnitude=1").await;
    let expected = json!({"edges": [3.0, 5.0, 7.0], "counts": [1, 1], "below": 0, "above": 0});
    assert_eq!(response["magnitude"], expected);

    for body in [json!({}), json!({"magnitude": false}), json!({"magnitude": null})] {
        let text = api.post(&format!("{DEVICE}/analyze"), &body).await.body;
        assert!(!String::from_utf8_lossy(&text).contains("magnitude"), "{body}");
    }
    for query in [
        "series?interval=PT1S",
        "series?interval=PT1S&magnitude=no",
        "histogram",
        "histogram?magnitude=false",
    ] {
        assert!(!get(query).await.to_string().contains("magnitude"), "{query}");
    }
}

async fn extreme_magnitudes_are_defined(api: Api) {
    api.device("d").await;
    store(api, "d", &[[f64::MAX, f64::MAX, 0.0], [5e-324, 0.0, 5e-324], [1e200, 0.0, 0.0]]).await;
    let response = api.post(&format!("{DEVICE}/analyze"), json!({"magnitude": true})).await.json();
    let magnitude = &response["magnitude"];
    let found = (&magnitude["min_value"], &magnitude["median"], &magnitude["max_value"]);
    assert_eq!(found, (&json!(5e-324), &json!(1e200), &json!(f64::MAX)));
}

async fn invalid_requests_for_the_magnitude_are_refused(api: Api) {
    api.device("d").await;
    for (body, expected) in [
        (r#"{"magnitude": "perhaps"}"#, "422 bool_parsing body.magnitude"),
        (r#"{"magnitude": [1]}"#, "422 bool_type body.magnitude"),
        (r#"{"Magnitude": true}"#, "422 extra_forbidden body.Magnitude"),
        (r#"{"norm": true}"#, "422 extra_forbidden body.norm"),
    ] {
        assert_eq!(api.post(&format!("{DEVICE}/analyze"), body).await.brief(), expected, "{body}");
    }
    for (query, expected) in [
        ("series?interval=PT1H&magnitude=2", "422 bool_parsing query.magnitude"),
        ("histogram?magnitude=", "422 bool_parsing query.magnitude"),
        ("histogram?magnitude=true&magnitude=true", "422 repeated query.magnitude"),
        ("histogram?norm=true", "422 extra_forbidden query.norm"),
    ] {
        assert_eq!(api.get(&format!("{DEVICE}/{query}")).await.brief(), expected, "{query}");
    }
}

/// Returns a reading: x is unique, y has few values, z has many sizes.
fn row(reading: usize) -> Row {
    let n = i32::try_from(reading * 7_919 % 100_003).unwrap();
    let z = f64::from(n % 3_000 - 1_500) * 2_f64.powi(n % 60 - 30);
    let values = Axes { x: f64::from(n) / 8.0, y: f64::from(n % 40), z };
    Row { time_us: EPOCH_US + i64::try_from(reading).unwrap() * 1_000_000, id: i64::from(n) + 1, values }
}

async fn append(store: &dyn Store, device: DeviceKey, rows: &[Row]) -> SegmentId {
    let segment = Segment::encode(rows, Effort::Fast).unwrap();
    let Replaced::Done(id) = store.append_segment(device, &segment).await.unwrap() else { panic!("stale") };
    id
}

/// A device with three segments and hot readings.
struct Scene {
    database: Database,
    store: Arc<dyn Store>,
    key: DeviceKey,
    segments: [SegmentId; 3],
    readings: Vec<Timed>,
}

impl Scene {
    async fn new(database: Database) -> Self {
        let store = database.open().await;
        let server = Server::start(Arc::clone(&store)).await;
        let key = server.api.owned_device("d", None).await;
        let rows: Vec<Row> = (0..READINGS + MORE + FEW + HOT).map(row).collect();
        let segments = [
            append(&*store, key, &rows[..READINGS]).await,
            append(&*store, key, &rows[READINGS..READINGS + MORE]).await,
            append(&*store, key, &rows[READINGS + MORE..READINGS + MORE + FEW]).await,
        ];
        let timed = |row: &Row| {
            let Axes { x, y, z } = row.values;
            (row.time_us, [x, y, z])
        };
        let readings: Vec<Timed> = rows.iter().map(timed).collect();
        let hot = readings[READINGS + MORE + FEW..]
            .iter()
            .map(|(time, [x, y, z])| json!({"x": x, "y": y, "z": z, "timestamp": written(*time)}));
        let response = server.api.post(&format!("{DEVICE}/batch"), hot.collect::<Value>()).await;
        assert_eq!(response.status, 201, "{response:?}");
        server.stop().await;
        Self { database, store, key, segments, readings }
    }

    /// Compares analyses, series and histograms of several windows with the readings.
    async fn check(&self, api: Api) {
        let wanted = OptionalStatistics { magnitude: true, ..OptionalStatistics::all(vec![10_000, 99_900]) };
        let at = |reading: usize| Some(self.readings[reading].0);
        for (start, end) in [
            (None, None),
            (at(1_000), at(5_000)),
            (at(8_000), at(9_600)),
            (None, at(63)),
            (at(9_550), None),
            (at(9_750), at(9_850)),
        ] {
            let period = Period { start, end };
            let inside = self.readings.iter().copied().filter(|(time, _)| period.contains(*time));
            let inside: Vec<Timed> = inside.collect();
            let found = api.post(&format!("{DEVICE}/analyze"), wanted.body(period)).await;
            assert_eq!(found.json().to_string(), analysis(&inside, period, &wanted).to_string());
            let query = format!("interval=PT10M&magnitude=true{}", period.query());
            let found = api.get(&format!("{DEVICE}/series?{query}")).await.json();
            let expected = series(&inside, period, 600_000_000, true);
            assert_eq!(found["buckets"].to_string(), expected.to_string());
            let query = format!("bins=20&magnitude=true{}", period.query());
            let found = api.get(&format!("{DEVICE}/histogram?{query}")).await.json();
            let bins = Bins { count: 20, low: None, high: None };
            assert_eq!(found.to_string(), histograms(&inside, period, bins, true).to_string());
        }
    }

    /// Returns a stored derived segment.
    async fn derived(&self, number: usize) -> Segment {
        let entries = self.store.list_segments(self.key).await.unwrap();
        let entry = entries.iter().find(|entry| entry.id == self.segments[number]).unwrap();
        read_derived_segment(&*self.store, self.key, entry).await.unwrap().unwrap()
    }

    /// Returns whether the derived segment of a segment is stored.
    async fn is_derived(&self, segment: SegmentId) -> bool {
        let head = PieceKey { device: self.key, segment, piece: Piece::Head };
        self.store.read_derived_pieces(&[head]).await.unwrap()[0].is_some()
    }
}

async fn magnitudes_of_sealed_readings_are_exact(database: Database) {
    let scene = Scene::new(database).await;
    let server = Server::start(Arc::clone(&scene.store)).await;
    let analyzed = server.api.post(&format!("{DEVICE}/analyze"), json!({"mean": true})).await;
    assert_eq!(analyzed.status, 200);
    assert!(!scene.is_derived(scene.segments[0]).await, "computed without a request");
    // The first requests compute the derived segments; the next ones find them in the cache.
    scene.check(server.api).await;
    scene.check(server.api).await;
    server.stop().await;
    for (segment, is_large) in scene.segments.into_iter().zip([true, true, false]) {
        assert_eq!(scene.is_derived(segment).await, is_large);
    }
    // Without a cache, every request reads them from the store.
    let server = Server::start_with_cache(Arc::clone(&scene.store), 0).await;
    scene.check(server.api).await;
    server.stop().await;
}

async fn lost_magnitudes_are_computed_again(database: Database) {
    let scene = Scene::new(database).await;
    let server = Server::start(Arc::clone(&scene.store)).await;
    let histogram = format!("{DEVICE}/histogram?magnitude=true");
    let found = server.api.get(&histogram).await.json();
    assert_eq!(scene.database.delete_derived().await, 2);
    // The cache still has the heads of the derived segments, but not all of their pages.
    scene.check(server.api).await;
    assert_eq!(server.api.get(&histogram).await.json(), found);
    assert!(scene.is_derived(scene.segments[0]).await);
    server.stop().await;
}

/// A request with a corrupt derived segment was answered with 500 until somebody deleted the segment by hand.
async fn corrupt_magnitudes_are_computed_again(database: Database) {
    let scene = Scene::new(database).await;
    // Without a cache, every request reads all bytes.
    let server = Server::start_with_cache(Arc::clone(&scene.store), 0).await;
    let series = format!("{DEVICE}/series?interval=PT10M&magnitude=true");
    let expected = server.api.get(&series).await.json();
    let (first, second) = (scene.derived(0).await, scene.derived(1).await);
    let flipped = |bytes: &[u8], byte: usize| {
        let mut bytes = bytes.to_vec();
        bytes[byte] ^= 1;
        Some(bytes)
    };
    let mut damages = vec![
        (Piece::Head, Some(first.head[1..].to_vec())),
        (Piece::Head, Some(Vec::new())),
        // All checksums of the other head are valid.
        (Piece::Head, Some(second.head.clone())),
        (Piece::Block(0), None),
        (Piece::Block(0), Some(first.blocks[0][1..].to_vec())),
    ];
    for part in 0..3 {
        damages.push((Piece::Head, flipped(&first.head, part * (first.head.len() - 1) / 2)));
        for (number, block) in (0..).zip(&first.blocks) {
            damages.push((Piece::Block(number), flipped(block, part * (block.len() - 1) / 2)));
        }
    }
    for (piece, bytes) in damages {
        let key = PieceKey { device: scene.key, segment: scene.segments[0], piece };
        scene.database.replace_derived(key, bytes.as_deref()).await;
        assert_eq!(server.api.get(&series).await.json(), expected, "{piece:?}");
    }
    // Damages of several segments are repaired in one request.
    for (segment, derived) in scene.segments.into_iter().zip([&first, &second]) {
        let key = PieceKey { device: scene.key, segment, piece: Piece::Head };
        scene.database.replace_derived(key, Some(&derived.head[1..])).await;
    }
    assert_eq!(server.api.get(&series).await.json(), expected);
    assert_eq!((scene.derived(0).await, scene.derived(1).await), (first, second));
    server.stop().await;
}

/// Magnitudes that cannot be computed, because the readings are corrupt, are an error.
async fn magnitudes_of_corrupt_readings_are_an_error(database: Database) {
    let scene = Scene::new(database).await;
    let server = Server::start_with_cache(Arc::clone(&scene.store), 0).await;
    let analyze = async || server.api.post(&format!("{DEVICE}/analyze"), json!({"magnitude": true})).await;
    let expected = analyze().await.json();
    let derived = scene.derived(0).await;
    let key = |piece| PieceKey { device: scene.key, segment: scene.segments[0], piece };
    let block = scene.store.read_pieces(&[key(Piece::Block(0))]).await.unwrap().remove(0).unwrap();
    scene.database.replace(key(Piece::Block(0)), &block[1..]).await;
    scene.database.replace_derived(key(Piece::Head), Some(&derived.head[1..])).await;
    assert_eq!(analyze().await.status, 500);
    assert_eq!(analyze().await.status, 500);
    scene.database.replace(key(Piece::Block(0)), &block).await;
    assert_eq!(analyze().await.json(), expected);
    assert_eq!(scene.derived(0).await, derived);
    server.stop().await;
}

async fn magnitudes_follow_a_merge(database: Database) {
    let scene = Scene::new(database).await;
    let server = Server::start(Arc::clone(&scene.store)).await;
    scene.check(server.api).await;
    let Some(Replaced::Done(merged)) = merge_some(&*scene.store, scene.key, |_| true).await else {
        panic!("the segments were not merged")
    };
    for segment in [scene.segments[0], scene.segments[1], scene.segments[2], merged] {
        assert!(!scene.is_derived(segment).await);
    }
    scene.check(server.api).await;
    let entries = scene.store.list_segments(scene.key).await.unwrap();
    let segment = scene.store.read_segment(scene.key, entries[0]).await.unwrap().unwrap();
    let derived = read_derived_segment(&*scene.store, scene.key, &entries[0]).await.unwrap().unwrap();
    assert_eq!(segment.verify_derived(&derived), Ok(()));
    server.stop().await;
}

async fn concurrent_requests_for_new_magnitudes_agree(database: Database) {
    let scene = Scene::new(database).await;
    let nodes =
        [Server::start(Arc::clone(&scene.store)).await, Server::start(Arc::clone(&scene.store)).await];
    let mut requests = JoinSet::new();
    for n in 0..12 {
        let api = nodes[n % 2].api;
        let body = json!({"magnitude": true, "percentiles": [1, 50, 99], "stddev": true});
        requests.spawn(async move { api.post(&format!("{DEVICE}/analyze"), body).await.json().to_string() });
    }
    let mut answers = requests.join_all().await;
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    scene.check(nodes[0].api).await;
    for node in nodes {
        node.stop().await;
    }
}
