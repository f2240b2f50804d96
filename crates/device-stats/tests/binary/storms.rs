//! Outages of PostgreSQL under load: restarts, crashes and lost connections. A request with readings is
//! answered with 201, or with 503 and `Retry-After`. An analysis contains at least the acknowledged and at
//! most the sent readings. The service recovers with PostgreSQL, and in the end each reading is stored once.
//!
//! `CRASH_POINTS=all` runs more rounds, as `make torture` does.

#![expect(clippy::disallowed_methods, reason = "a refused writer waits before it retries")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use device_stats_postgres::testing::TestPostgres;
use serde_json::{Value, json};

use crate::numbered_readings::{Answer, Api, Fate, NumberedDevice};
use crate::random::Random;
use crate::server::{Server, run};
use crate::torture::is_torture;

const WRITERS: u64 = 8;
/// Numbers of readings per request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 12] = [1, 1, 3, 1, 40, 1, 1, 700, 1, 3, 40, 4_500];
/// Number of rounds with each kind of outage.
const ROUNDS: u32 = 2;
const ROUNDS_OF_TORTURE: u32 = 100;
/// Maximum time until readings are accepted after PostgreSQL accepts connections.
const RESUME_MAX: Duration = Duration::from_secs(2);
/// Maximum time without an acknowledgement or an analysis while PostgreSQL is available.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Pause of a writer after a refusal. The service asks for a second; a shorter pause gives more load.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// An outage of PostgreSQL.
#[derive(Clone, Copy, Debug)]
enum Outage {
    Restart,
    Crash,
    LostConnections,
}

const OUTAGES: [Outage; 3] = [Outage::LostConnections, Outage::Restart, Outage::Crash];

impl Outage {
    /// Causes the outage, and returns when PostgreSQL accepts connections again.
    fn cause(self, postgres: &TestPostgres) {
        match self {
            Self::Restart => postgres.stop(),
            Self::Crash => postgres.crash(),
            Self::LostConnections => return postgres.terminate_backends(),
        }
        postgres.start_again();
    }
}

/// Totals of all writers and of the reader.
#[derive(Default)]
struct Written {
    sent: AtomicU64,
    stored: AtomicU64,
    /// Number of requests answered with 201.
    acknowledged: AtomicU64,
    /// Number of requests that were refused or had an unknown outcome.
    failed: AtomicU64,
    /// Number of analyses answered with 200.
    analyzed: AtomicU64,
    is_over: AtomicBool,
}

/// Posts until the test is over. Sends each unacknowledged request again until it is acknowledged.
fn write(device: &mut NumberedDevice, api: &Api, mut random: Random, written: &Written) {
    while !written.is_over.load(Ordering::SeqCst) {
        let count = random.choose(&COUNTS);
        written.sent.fetch_add(count, Ordering::SeqCst);
        let mut answer = device.post(api, count);
        while answer != Answer::Stored {
            assert!(matches!(answer, Answer::Refused(503) | Answer::OutcomeUnknown), "{answer:?}");
            written.failed.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(REFUSED_PAUSE);
            answer = device.post_again(api, || true);
        }
        written.stored.fetch_add(count, Ordering::SeqCst);
        written.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// Analyzes all devices together until the test is over.
fn read(api: &Api, user: &Value, written: &Written) {
    let mut before = 0;
    while !written.is_over.load(Ordering::SeqCst) {
        let least = written.stored.load(Ordering::SeqCst);
        let path = format!("/api/v1/stats/users/{user}/analyze");
        let (status, answer) = api.request("POST", &path, Some(&json!({}))).unwrap();
        let most = written.sent.load(Ordering::SeqCst);
        match status {
            200 => {}
            404 => {
                assert_eq!(least, 0, "{answer}");
                continue;
            }
            503 => continue,
            _ => panic!("{status} {answer}"),
        }
        let axes = &answer["aggregate_stats"];
        let count = axes["x"]["count"].as_u64().unwrap();
        assert!(least.max(before) <= count && count <= most, "{least}, {before} <= {count} <= {most}");
        assert_eq!(axes["y"]["sum"].as_f64(), Some(f64::from(u32::try_from(count).unwrap())), "{axes}");
        assert_eq!(axes["z"]["sum"].as_f64().unwrap(), -axes["x"]["sum"].as_f64().unwrap(), "{axes}");
        before = count;
        written.analyzed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits until a counter has grown by a number, and returns the waiting time.
fn wait_for(growth: u64, counter: &AtomicU64, timeout: Duration) -> Duration {
    let begun = Instant::now();
    let before = counter.load(Ordering::SeqCst);
    while counter.load(Ordering::SeqCst) < before + growth {
        assert!(begun.elapsed() < timeout, "nothing happens for {timeout:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

/// Registers a user and its devices, and returns the id of the user.
fn register(api: &Api, devices: &[NumberedDevice]) -> Value {
    let user = json!({"username": "ann", "email": "ann@example.com"});
    let (status, user) = api.request("POST", "/api/v1/users", Some(&user)).unwrap();
    assert_eq!(status, 201, "{user}");
    for device in devices {
        let body = json!({"device_id": device.name, "user_id": user["id"]});
        assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    }
    user["id"].clone()
}

#[test]
fn outages_of_postgresql_lose_and_double_nothing() {
    let rounds = if is_torture() { ROUNDS_OF_TORTURE } else { ROUNDS };
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let server = Server::start_with(&url, &["--seal-after-seconds", "0"]);
    let api = Api::at(&server.url);
    let seed = u64::from(std::process::id()) << 32 | 1;
    let mut devices: Vec<NumberedDevice> =
        (0..WRITERS).map(|n| NumberedDevice::new(format!("d{n}"))).collect();
    let user = register(&api, &devices);
    let written = Written::default();
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        for (n, device) in (0..).zip(&mut devices) {
            let (api, written, random) = (&api, &written, Random::with_seed(seed ^ (n << 8)));
            scope.spawn(move || write(device, api, random, written));
        }
        scope.spawn(|| read(&api, &user, &written));
        // After a failure here, the other threads must end.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(WRITERS, &written.acknowledged, SILENCE_MAX);
            for _ in 0..rounds {
                for outage in OUTAGES {
                    outage.cause(&postgres);
                    // Either each writer was acknowledged, or some writers several times.
                    longest = longest.max(wait_for(WRITERS, &written.acknowledged, RESUME_MAX));
                    // The first analysis may have started before the outage.
                    wait_for(2, &written.analyzed, SILENCE_MAX);
                }
            }
        }));
        written.is_over.store(true, Ordering::SeqCst);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert!(!server.log().contains("\"level\":\"ERROR\""), "{}", server.log());
    for device in &devices {
        device.assert_kept(&api);
    }
    drop(server);
    let verify = run(&["verify", "--database-url", &url]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let server = Server::start(&url);
    let api = api.with_url(&server.url);
    for device in &devices {
        device.assert_kept(&api);
    }
    let total: (u64, u64) = devices
        .iter()
        .map(NumberedDevice::sent_and_acknowledged)
        .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    assert_eq!(total.0, total.1);
    let failed = written.failed.into_inner();
    assert!(failed > 0, "no writer noticed an outage");
    let requests: usize = devices.iter().map(|device| device.count_requests(Fate::Acknowledged)).sum();
    println!(
        "{} outages, seed {seed}: {requests} requests with {} readings acknowledged, {failed} responses \
         503, {} analyses, recovered after at most {longest:?}: 0 lost, 0 doubled, 0 invented",
        rounds * 3,
        total.1,
        written.analyzed.load(Ordering::SeqCst),
    );
}
