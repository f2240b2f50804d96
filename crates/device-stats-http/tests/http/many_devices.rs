//! Tests of a user with many devices, each with a few small segments.

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::Replaced;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{Bins, EPOCH_US, OptionalStatistics, Period, Timed, analysis, histograms, series};
use crate::server::Server;

over_both_databases!(many_devices_of_a_user_are_analyzed_exactly);

const DEVICES: usize = 300;
/// Number of segments of each device.
const SEGMENTS: usize = 3;
/// Number of readings of each segment.
const READINGS: usize = 5;
/// Timeout of a request, far longer than a request takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns a reading of a device. The readings of all devices overlap in time.
fn row(device: usize, reading: usize) -> Row {
    let n = reading * DEVICES + device;
    let number = |factor: usize| f64::from(u32::try_from(n * factor % 10_007).unwrap()) / 10.0;
    let values = Axes { x: number(7_919), y: 0.0 - number(31), z: number(4_001) * 1e-300 };
    let seconds = i64::try_from(reading * 60 + device % 60).unwrap();
    Row { time_us: EPOCH_US + seconds * 1_000_000, id: i64::try_from(n).unwrap() + 1, values }
}

async fn many_devices_of_a_user_are_analyzed_exactly(database: Database) {
    let store = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let api = server.api;
    let user = api.user("ada").await;
    let mut devices: Vec<(String, Vec<Timed>)> = Vec::new();
    for device in 0..DEVICES {
        let key = api.owned_device(&device.to_string(), user).await;
        let rows: Vec<Row> = (0..SEGMENTS * READINGS).map(|reading| row(device, reading)).collect();
        for rows in rows.chunks(READINGS) {
            let segment = Segment::encode(rows, Effort::Fast).unwrap();
            let appended = store.append_segment(key, &segment).await.unwrap();
            assert!(matches!(appended, Replaced::Done(_)), "{appended:?}");
        }
        let timed = |row: &Row| (row.time_us, [row.values.x, row.values.y, row.values.z]);
        devices.push((device.to_string(), rows.iter().map(timed).collect()));
    }
    let path = format!("/api/v1/stats/users/{user}");
    let middle = EPOCH_US + 330_000_000;
    let wanted = OptionalStatistics::all(vec![1_000, 99_000]);
    for period in
        [Period::ALL, Period { start: Some(middle), end: None }, Period { start: None, end: Some(middle) }]
    {
        let inside = |readings: &[Timed]| -> Vec<Timed> {
            readings.iter().copied().filter(|(time, _)| period.contains(*time)).collect()
        };
        let mut all: Vec<Timed> = devices.iter().flat_map(|(_, readings)| inside(readings)).collect();
        all.sort_by_key(|(time, _)| *time);
        let each = devices.iter().map(|(device_id, readings)| {
            json!({"device_id": device_id, "stats": analysis(&inside(readings), period, &wanted)})
        });
        let each: Value = each.collect();
        let expected = json!({
            "user_id": user, "aggregate_stats": analysis(&all, period, &wanted), "device_stats": each,
        });
        let body = wanted.body(period);
        let response = timeout(PATIENCE, api.post(&format!("{path}/analyze"), body)).await.unwrap();
        assert_eq!(response.json().to_string(), expected.to_string(), "{period:?}");
        let query = format!("interval=PT1M{}", period.query());
        let response = timeout(PATIENCE, api.get(&format!("{path}/series?{query}"))).await.unwrap();
        assert_eq!(
            response.json()["buckets"].to_string(),
            series(&all, period, 60_000_000, false).to_string()
        );
        let bins = Bins { count: 10, low: None, high: None };
        let query = format!("bins=10{}", period.query());
        let response = timeout(PATIENCE, api.get(&format!("{path}/histogram?{query}"))).await.unwrap();
        assert_eq!(response.json().to_string(), histograms(&all, period, bins, false).to_string());
    }
    server.stop().await;
}
