//! A user with many devices, each with a few small segments.

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::Replaced;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::served::Served;
use crate::truth::{Bins, Period, Timed, Wanted, analysis, histograms, series};

over_both_databases!(many_devices_of_a_user);

const DEVICES: usize = 300;
/// Segments of each device.
const SEGMENTS: usize = 3;
/// Readings of each segment.
const READINGS: usize = 5;
/// Far more than an answer takes; who waits longer does something again and again.
const PATIENCE: Duration = Duration::from_mins(1);
/// 23 November 2026, in microseconds since 1970 UTC.
const EPOCH_US: i64 = 1_795_392_000_000_000;

/// A reading of a device; all devices have readings all the time.
fn row(device: usize, reading: usize) -> Row {
    let n = reading * DEVICES + device;
    let number = |factor: usize| f64::from(u32::try_from(n * factor % 10_007).unwrap()) / 10.0;
    let values = Axes { x: number(7_919), y: 0.0 - number(31), z: number(4_001) * 1e-300 };
    let seconds = i64::try_from(reading * 60 + device % 60).unwrap();
    Row { time_us: EPOCH_US + seconds * 1_000_000, id: i64::try_from(n).unwrap() + 1, values }
}

async fn many_devices_of_a_user(database: Database) {
    let store = database.open().await;
    let served = Served::start(Arc::clone(&store)).await;
    let api = served.api;
    let user = api.user("ada").await;
    let mut devices: Vec<(String, Vec<Timed>)> = Vec::new();
    for device in 0..DEVICES {
        let body = json!({"device_id": device.to_string(), "user_id": user});
        let key = DeviceKey(api.post("/api/v1/devices", body).await.json()["id"].as_i64().unwrap());
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
    let wanted = Wanted { percentiles: vec![1_000, 99_000], mean: true, stddev: true };
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
        let answer = timeout(PATIENCE, api.post(&format!("{path}/analyze"), body)).await.unwrap();
        assert_eq!(answer.json().to_string(), expected.to_string(), "{period:?}");
        let query = format!("interval=PT1M{}", period.query());
        let answer = timeout(PATIENCE, api.get(&format!("{path}/series?{query}"))).await.unwrap();
        assert_eq!(answer.json()["buckets"].to_string(), series(&all, period, 60_000_000).to_string());
        let bins = Bins { count: 10, low: None, high: None };
        let query = format!("bins=10{}", period.query());
        let answer = timeout(PATIENCE, api.get(&format!("{path}/histogram?{query}"))).await.unwrap();
        assert_eq!(answer.json().to_string(), histograms(&all, period, bins).to_string());
    }
    served.stop().await;
}
