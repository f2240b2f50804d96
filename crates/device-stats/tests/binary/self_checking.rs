//! Analyses that check themselves while readings are appended, sealed and merged. Each reading has x = k, y =
//! 1, z = -k with a unique positive k, so the statistics of an inconsistent snapshot contradict each other.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::databases::{Database, over_both_stores, postgres};
use crate::numbered_readings::time;
use crate::server::{Server, run};

const DEVICES: u64 = 3;
/// Numbers of readings of the successive requests of a writer. Some requests become segments at once.
const COUNTS: [u64; 8] = [1, 300, 40, 4_500, 2_000, 7, 1_200, 900];

/// Numbers of sent and of stored readings.
#[derive(Default)]
struct Written {
    sent: AtomicU64,
    stored: AtomicU64,
}

/// The nodes of a service, used in turn.
struct Api {
    client: Client,
    urls: Vec<String>,
    asked: AtomicU64,
    user: u64,
}

impl Api {
    async fn post(&self, path: &str, kind: &str, body: String) -> (StatusCode, Value) {
        let turn = usize::try_from(self.asked.fetch_add(1, Ordering::SeqCst)).unwrap();
        let url = &self.urls[turn % self.urls.len()];
        let request = self.client.post(format!("{url}{path}")).header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn create(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, "application/json", body.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    /// Posts numbered readings. The number also determines the time.
    async fn append(&self, device: u64, numbers: &[u64]) -> Value {
        let mut rows = String::from("timestamp,x,y,z\n");
        for k in numbers {
            writeln!(rows, "{},{k},1,-{k}", time(*k)).unwrap();
        }
        let (status, answer) =
            self.post(&format!("/api/v1/stats/devices/d{device}/batch"), "text/csv", rows).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }
}

/// Appends batches to a device. The even numbers come before the odd ones, so half of the readings are late.
/// Some batches are sent again.
async fn write(api: Arc<Api>, written: Arc<Written>, device: u64) {
    let mut next = 1;
    for round in 0..3 {
        for count in COUNTS {
            let numbers: Vec<u64> = (next..next + 2 * count).collect();
            next += 2 * count;
            let (even, odd): (Vec<u64>, Vec<u64>) = numbers.iter().partition(|k| *k % 2 == 0);
            for numbers in [even, odd] {
                written.sent.fetch_add(numbers.len() as u64, Ordering::SeqCst);
                let answer = api.append(device, &numbers).await;
                assert_eq!(answer["accepted"], numbers.len());
                written.stored.fetch_add(numbers.len() as u64, Ordering::SeqCst);
            }
            if round % 2 == 0 {
                assert_eq!(api.append(device, &numbers).await["duplicates"], numbers.len());
            }
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Asserts the relations between the statistics of such readings, and returns their count.
fn assert_consistent(axes: &Value) -> u64 {
    let count = axes["x"]["count"].as_u64().unwrap();
    assert_eq!((&axes["y"]["count"], &axes["z"]["count"]), (&count.into(), &count.into()), "{axes}");
    assert_eq!(axes["y"]["sum"].as_f64(), Some(f64::from(u32::try_from(count).unwrap())), "{axes}");
    assert_eq!(number(&axes["z"]["sum"]), -number(&axes["x"]["sum"]), "{axes}");
    assert_eq!(number(&axes["z"]["min_value"]), -number(&axes["x"]["max_value"]), "{axes}");
    assert_eq!(number(&axes["z"]["max_value"]), -number(&axes["x"]["min_value"]), "{axes}");
    assert_eq!(number(&axes["z"]["median"]), -number(&axes["x"]["median"]), "{axes}");
    count
}

/// Analyzes the user repeatedly until all readings are written, and then once more. Returns the number of
/// analyses with readings, without the last one.
async fn read(api: Arc<Api>, written: Arc<Written>, is_written: Arc<tokio::sync::Notify>) -> u32 {
    let (mut before, mut answers) = (0, 0);
    let over = is_written.notified();
    let mut over = std::pin::pin!(over);
    loop {
        let is_last = futures_util::poll!(over.as_mut()).is_ready();
        let least = written.stored.load(Ordering::SeqCst);
        let path = format!("/api/v1/stats/users/{}/analyze", api.user);
        let (status, answer) = api.post(&path, "application/json", "{}".to_owned()).await;
        let most = written.sent.load(Ordering::SeqCst);
        if status == StatusCode::NOT_FOUND {
            assert_eq!(least, 0, "{answer}");
            continue;
        }
        assert_eq!(status, StatusCode::OK, "{answer}");
        let count = assert_consistent(&answer["aggregate_stats"]);
        assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
        assert!(before <= count, "{count} after {before}");
        let devices = answer["device_stats"].as_array().unwrap();
        assert_eq!(devices.iter().map(|device| assert_consistent(&device["stats"])).sum::<u64>(), count);
        if is_last {
            return answers;
        }
        (before, answers) = (count, answers + 1);
    }
}

#[test]
fn analyses_are_consistent_during_sealing_and_merging() {
    over_both_stores(|database| run_nodes(database, 1));
}

/// An analysis by one node includes each reading that the other node has acknowledged or sealed exactly once.
#[test]
fn analyses_of_two_nodes_are_consistent() {
    run_nodes(&postgres(), 2);
}

fn run_nodes(database: &Database, count: usize) {
    // The provider can be installed once per process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let flags = ["--seal-after-seconds", "0", "--log", "info,device_stats_service::sealing=debug"];
    let nodes: Vec<Server> = (0..count).map(|_| Server::start_with(&database.url, &flags)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(check(nodes.iter().map(|node| node.url.clone()).collect()));
    for event in ["sealed", "merged"] {
        let message = format!("\"message\":\"{event}\"");
        assert!(
            nodes.iter().any(|node| node.log().contains(&message)),
            "nothing was {event} during the test"
        );
    }
    let verify = run(&["verify", "--database-url", &database.url]);
    let output = String::from_utf8(verify.stdout).unwrap();
    assert!(verify.status.success(), "{output}");
}

async fn check(urls: Vec<String>) {
    let mut api = Api { client: Client::new(), urls, asked: AtomicU64::new(0), user: 0 };
    let user = api.create("/api/v1/users", json!({"username": "ada", "email": "ada@example.com"})).await;
    api.user = user["id"].as_u64().unwrap();
    for device in 0..DEVICES {
        api.create("/api/v1/devices", json!({"device_id": format!("d{device}"), "user_id": api.user})).await;
    }
    let (api, written) = (Arc::new(api), Arc::<Written>::default());
    let is_written = Arc::<tokio::sync::Notify>::default();
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        readers.spawn(read(Arc::clone(&api), Arc::clone(&written), Arc::clone(&is_written)));
    }
    let writers = (0..DEVICES).map(|device| write(Arc::clone(&api), Arc::clone(&written), device));
    let mut writers: JoinSet<()> = writers.collect();
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    is_written.notify_waiters();
    for answers in readers.join_all().await {
        assert!(answers > 0, "no analysis ended while readings were written");
    }
    let expected = DEVICES * 3 * 2 * COUNTS.iter().sum::<u64>();
    assert_eq!(written.stored.load(Ordering::SeqCst), expected);
}
