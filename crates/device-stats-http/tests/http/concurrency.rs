//! Queries while readings are appended, sealed and merged. The readings check themselves: x is a unique
//! positive integer, y is 1, and z is -x. Therefore each response shows whether it has one snapshot of
//! complete readings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use device_stats_domain::DeviceKey;
use device_stats_store::Store;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{EPOCH_US, written};
use crate::sealing::{merge_some, seal_some};
use crate::server::{Api, Server};

over_both_databases!(every_response_is_one_snapshot);

const DEVICES: usize = 3;
/// Number of writers of each device.
const WRITERS: usize = 2;
/// Number of batches of each writer.
const BATCHES: usize = 24;
/// Number of readings of a batch.
const ROWS: usize = 25;
/// Number of readings of each device at the end.
const READINGS: u64 = (WRITERS * BATCHES * ROWS) as u64;
const READERS: usize = 3;
const SEALERS: usize = 2;
/// Number of segments in a merge.
const MERGED: usize = 4;
/// Timeout of the whole case, far longer than a case takes.
const PATIENCE: Duration = Duration::from_mins(4);

/// The shared state of all tasks.
struct Scene {
    api: Api,
    store: Arc<dyn Store>,
    user: i64,
    keys: [DeviceKey; DEVICES],
    /// Number of readings of each device that are sent, or about to be sent.
    sent: [AtomicU64; DEVICES],
    /// Number of acknowledged readings of each device.
    stored: [AtomicU64; DEVICES],
    /// Number of unfinished writers and readers.
    busy: AtomicU64,
}

async fn every_response_is_one_snapshot(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_cache(Arc::clone(&store), 256 * 1024).await;
    let api = server.api;
    let user = api.user("ada").await;
    let mut keys = [DeviceKey(0); DEVICES];
    for (device, key) in keys.iter_mut().enumerate() {
        *key = api.owned_device(&device.to_string(), user).await;
    }
    let busy = AtomicU64::new((DEVICES * WRITERS + READERS) as u64);
    let (sent, stored) = Default::default();
    let scene = Arc::new(Scene { api, store, user, keys, sent, stored, busy });
    let mut tasks = JoinSet::new();
    for device in 0..DEVICES {
        (0..WRITERS).for_each(|writer| drop(tasks.spawn(Arc::clone(&scene).write(device, writer))));
    }
    (0..READERS).for_each(|reader| drop(tasks.spawn(Arc::clone(&scene).read(reader))));
    (0..SEALERS).for_each(|sealer| drop(tasks.spawn(Arc::clone(&scene).seal(sealer))));
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    };
    timeout(PATIENCE, all).await.expect("all tasks end");
    scene.check_the_end().await;
    server.stop().await;
}

/// Returns the x of a reading. No other reading has the same x.
fn x_of(device: usize, reading: usize) -> usize {
    reading * DEVICES + device + 1
}

fn moment_of(x: usize) -> i64 {
    EPOCH_US + i64::try_from(x).unwrap() * 1_000
}

impl Scene {
    /// The writers of a device alternate in time, so each writer appends late readings.
    async fn write(self: Arc<Self>, device: usize, writer: usize) {
        for batch in 0..BATCHES {
            let first = (batch * WRITERS + writer) * ROWS;
            let row = |reading| {
                let x = x_of(device, reading);
                json!({"x": x, "y": 1, "z": -i64::try_from(x).unwrap(), "timestamp": written(moment_of(x))})
            };
            let rows: Value = (first..first + ROWS).map(row).collect();
            self.sent[device].fetch_add(ROWS as u64, Ordering::SeqCst);
            let path = format!("/api/v1/stats/devices/{device}/batch");
            // A busy database returns 503. Sending the batch again is safe.
            while self.api.post(&path, &rows).await.status != 201 {}
            self.stored[device].fetch_add(ROWS as u64, Ordering::SeqCst);
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }

    /// Seals, and merges if there are many segments, while a writer or reader runs. The sealers compete for
    /// readings.
    async fn seal(self: Arc<Self>, sealer: usize) {
        let mut turn = sealer;
        while self.busy.load(Ordering::SeqCst) > 0 {
            let key = self.keys[turn % DEVICES];
            seal_some(&*self.store, key, |place| turn.is_multiple_of(2) || place.is_multiple_of(2)).await;
            if self.store.list_segments(key).await.unwrap().len() > MERGED + 2 {
                merge_some(&*self.store, key, |place| (turn % 3..turn % 3 + MERGED).contains(&place)).await;
            }
            turn += 1;
        }
    }

    /// Sends rounds of queries while a writer runs, and at least one round.
    async fn read(self: Arc<Self>, reader: usize) {
        let mut before = [0; DEVICES + 1];
        let mut turn = reader;
        while self.busy.load(Ordering::SeqCst) > READERS as u64 || turn < 4 * DEVICES {
            let device = turn % DEVICES;
            match turn / DEVICES % 4 {
                0 => self.analyze_device(device, &mut before[device]).await,
                1 => self.analyze_user(&mut before[DEVICES]).await,
                2 => self.list(device, turn % 50).await,
                _ => self.series(device, &mut before[device]).await,
            }
            turn += 1;
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }

    async fn analyze_device(&self, device: usize, before: &mut u64) {
        let path = format!("/api/v1/stats/devices/{device}/analyze");
        let Some((response, stored)) = self.ask("POST", &path, &[device]).await else { return };
        let (count, _) = check(&response);
        self.check_count(&[device], stored, count, before);
        let middle = written(moment_of(x_of(device, 300)));
        let early = self.api.post(&path, json!({"end_time": middle})).await;
        if early.status == 200 {
            assert!(check(&early.json()).0 <= 301, "{early:?}");
        }
    }

    async fn analyze_user(&self, before: &mut u64) {
        let path = format!("/api/v1/stats/users/{}/analyze", self.user);
        let Some((response, stored)) = self.ask("POST", &path, &[0, 1, 2]).await else { return };
        let (count, sum) = check(&response["aggregate_stats"]);
        self.check_count(&[0, 1, 2], stored, count, before);
        let devices =
            response["device_stats"].as_array().unwrap().iter().map(|device| check(&device["stats"]));
        let (counts, sums): (Vec<u64>, Vec<f64>) = devices.unzip();
        assert_eq!((counts.iter().sum::<u64>(), sums.iter().sum::<f64>()), (count, sum), "{response}");
    }

    async fn series(&self, device: usize, before: &mut u64) {
        let path = format!("/api/v1/stats/devices/{device}/series?interval=PT0.5S");
        let Some((response, stored)) = self.ask("GET", &path, &[device]).await else { return };
        let buckets =
            response["buckets"].as_array().unwrap().iter().filter(|bucket| !bucket["stats"].is_null());
        let count = buckets.map(|bucket| check(&bucket["stats"]).0).sum();
        self.check_count(&[device], stored, count, before);
    }

    async fn list(&self, device: usize, skip: usize) {
        let path = format!("/api/v1/stats/devices/{device}?skip={skip}");
        let stored = self.stored[device].load(Ordering::SeqCst);
        let response = self.api.get(&path).await;
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json().as_array().unwrap().clone();
        assert!(page.len() as u64 >= stored.saturating_sub(skip as u64).min(100), "{stored} {page:?}");
        let xs: Vec<usize> = page.iter().map(x_in).collect();
        assert!(xs.iter().all(|x| x % DEVICES == (device + 1) % DEVICES), "{page:?}");
        assert!(xs.array_windows().all(|[newer, older]| newer > older), "{page:?}");
    }

    /// Sends a query. Returns the response and the number of readings stored before it, or `None` if no
    /// reading may be stored yet.
    async fn ask(&self, method: &str, path: &str, devices: &[usize]) -> Option<(Value, u64)> {
        let stored = devices.iter().map(|device| self.stored[*device].load(Ordering::SeqCst)).sum();
        let response = self.api.send(method, path, &[], None).await;
        if response.status == 404 && stored == 0 {
            return None;
        }
        assert_eq!(response.status, 200, "{path}: {response:?}");
        Some((response.json(), stored))
    }

    /// Checks that the count includes all stored readings, no unsent ones, and never decreases.
    fn check_count(&self, devices: &[usize], stored: u64, count: u64, before: &mut u64) {
        let sent: u64 = devices.iter().map(|device| self.sent[*device].load(Ordering::SeqCst)).sum();
        assert!(stored <= count && count <= sent, "{stored} <= {count} <= {sent}");
        assert!(*before <= count, "{before} readings, and now {count}");
        *before = count;
    }

    /// Checks that no reading is lost or doubled, and that some are sealed.
    async fn check_the_end(&self) {
        for device in 0..DEVICES {
            let path = format!("/api/v1/stats/devices/{device}/analyze");
            let last = usize::try_from(READINGS).unwrap() - 1;
            let all: u64 = (0..=last).map(|reading| x_of(device, reading) as u64).sum();
            let (count, sum) = check(&self.api.post(&path, "{}").await.json());
            assert_eq!((count, json!(sum).to_string()), (READINGS, format!("{all}.0")));
            assert!(!self.store.list_segments(self.keys[device]).await.unwrap().is_empty());
        }
    }
}

/// Checks that the statistics fit the rule of x, y and z. Returns their count and the sum of x.
fn check(axes: &Value) -> (u64, f64) {
    let number = |axis: &str, name: &str| axes[axis][name].as_f64().unwrap_or_else(|| panic!("{axes}"));
    let count = number("x", "count");
    for name in ["min_value", "max_value", "median"] {
        assert_eq!(number("y", name), 1.0, "{axes}");
    }
    for (name, mirrored) in [("min_value", "max_value"), ("max_value", "min_value"), ("median", "median")] {
        assert_eq!(number("z", name), -number("x", mirrored), "{axes}");
    }
    assert_eq!(
        (number("y", "count"), number("z", "count"), number("y", "sum")),
        (count, count, count),
        "{axes}"
    );
    assert_eq!(number("z", "sum"), -number("x", "sum"), "{axes}");
    (axes["x"]["count"].as_u64().unwrap(), number("x", "sum"))
}

/// Returns the x of a reading, after checking its other members.
fn x_in(reading: &Value) -> usize {
    let x = reading["x"].as_f64().unwrap();
    assert_eq!((&reading["y"], &reading["z"]), (&json!(1.0), &json!(-x)), "{reading}");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
    let whole = x as usize;
    assert_eq!(reading["timestamp"], written(moment_of(whole)), "{reading}");
    whole
}
