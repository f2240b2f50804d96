//! A PostgreSQL that comes and goes under load: it is stopped, it crashes, its connections are ended. Whoever posts is
//! answered with 201, or with 503 and when to come again; whoever analyzes finds at least what was acknowledged before, and
//! at most what was sent. Once PostgreSQL is back, so is the service. Afterwards everything is there, once.
//!
//! `CRASH_POINTS=all` goes on for long, as `make torture` does.

#![expect(
    clippy::disallowed_methods,
    reason = "a refused client waits before it comes again; how many rounds there are is up to who runs it"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use device_stats_postgres::testing::TestPostgres;
use serde_json::{Value, json};

use crate::numbered_readings::{Answer, Api, Fate, Numbered};
use crate::random::Random;
use crate::server::{Started, run};

const WRITERS: u64 = 8;
/// Readings of a request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 12] = [1, 1, 3, 1, 40, 1, 1, 700, 1, 3, 40, 4_500];
/// Rounds of every kind of trouble.
const ROUNDS: u32 = 2;
const ROUNDS_OF_TORTURE: u32 = 100;
/// How soon readings are taken again once PostgreSQL takes connections.
const RESUME_MAX: Duration = Duration::from_secs(2);
/// How long nothing may be acknowledged, and no analysis answered, while PostgreSQL is there.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// How long a writer waits that was refused. The service asks for a second; this makes more trouble.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// What happens to PostgreSQL.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Restart,
    Crash,
    ConnectionsEnd,
}

const TROUBLES: [Trouble; 3] = [Trouble::ConnectionsEnd, Trouble::Restart, Trouble::Crash];

impl Trouble {
    /// Makes it, and returns when PostgreSQL takes connections again.
    fn happen(self, postgres: &TestPostgres) {
        match self {
            Self::Restart => postgres.stop(),
            Self::Crash => postgres.crash(),
            Self::ConnectionsEnd => return postgres.terminate_backends(),
        }
        postgres.start_again();
    }
}

/// What the writers have done, all together.
#[derive(Default)]
struct Written {
    sent: AtomicU64,
    stored: AtomicU64,
    /// Requests that were answered with 201.
    acknowledged: AtomicU64,
    /// Requests that were refused, or whose outcome nobody could tell.
    troubled: AtomicU64,
    /// Analyses that were answered with 200.
    analyzed: AtomicU64,
    is_over: AtomicBool,
}

/// Posts until it is over, and sends again what was not acknowledged until it is.
fn write(device: &mut Numbered, api: &Api, mut random: Random, written: &Written) {
    while !written.is_over.load(Ordering::SeqCst) {
        let count = random.one_of(&COUNTS);
        written.sent.fetch_add(count, Ordering::SeqCst);
        let mut answer = device.post(api, count);
        while answer != Answer::Stored {
            assert!(matches!(answer, Answer::Refused(503) | Answer::OutcomeUnknown), "{answer:?}");
            written.troubled.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(REFUSED_PAUSE);
            answer = device.post_again(api, || true);
        }
        written.stored.fetch_add(count, Ordering::SeqCst);
        written.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// Analyzes all devices together until it is over.
fn read(api: &Api, user: &Value, written: &Written) {
    let mut before = 0;
    while !written.is_over.load(Ordering::SeqCst) {
        let least = written.stored.load(Ordering::SeqCst);
        let path = format!("/api/v1/stats/users/{user}/analyze");
        let (status, answer) = api.ask("POST", &path, Some(&json!({}))).unwrap();
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

/// Waits until something has happened so many times, and says how long that took.
fn wait_for(times: u64, counter: &AtomicU64, at_most: Duration) -> Duration {
    let begun = Instant::now();
    let before = counter.load(Ordering::SeqCst);
    while counter.load(Ordering::SeqCst) < before + times {
        assert!(begun.elapsed() < at_most, "nothing happens for {at_most:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

/// Registers a user with these devices, and returns its id.
fn register(api: &Api, devices: &[Numbered]) -> Value {
    let user = json!({"username": "ann", "email": "ann@example.com"});
    let (status, user) = api.ask("POST", "/api/v1/users", Some(&user)).unwrap();
    assert_eq!(status, 201, "{user}");
    for device in devices {
        let body = json!({"device_id": device.name, "user_id": user["id"]});
        assert_eq!(api.ask("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    }
    user["id"].clone()
}

#[test]
fn a_postgresql_that_comes_and_goes_loses_and_doubles_nothing() {
    let is_torture = std::env::var("CRASH_POINTS").is_ok_and(|all| all == "all");
    let rounds = if is_torture { ROUNDS_OF_TORTURE } else { ROUNDS };
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let server = Started::with(&url, &["--seal-after-seconds", "0"]);
    let api = Api::at(&server.url);
    let seed = u64::from(std::process::id()) << 32 | 1;
    let mut devices: Vec<Numbered> = (0..WRITERS).map(|n| Numbered::device(format!("d{n}"))).collect();
    let user = register(&api, &devices);
    let written = Written::default();
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        for (n, device) in (0..).zip(&mut devices) {
            let (api, written, random) = (&api, &written, Random::seeded(seed ^ (n << 8)));
            scope.spawn(move || write(device, api, random, written));
        }
        scope.spawn(|| read(&api, &user, &written));
        // Whatever fails here, the others have to end.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(WRITERS, &written.acknowledged, SILENCE_MAX);
            for _ in 0..rounds {
                for trouble in TROUBLES {
                    trouble.happen(&postgres);
                    // All of them, or some of them again.
                    longest = longest.max(wait_for(WRITERS, &written.acknowledged, RESUME_MAX));
                    // The first one may have begun before.
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
    let verified = run(&["verify", "--database-url", &url]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let server = Started::on(&url);
    let api = api.moved_to(&server.url);
    for device in &devices {
        device.assert_kept(&api);
    }
    let total: (u64, u64) = devices
        .iter()
        .map(Numbered::sent_and_stored)
        .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    assert_eq!(total.0, total.1);
    let troubled = written.troubled.into_inner();
    assert!(troubled > 0, "no writer noticed any trouble");
    let requests: usize = devices.iter().map(|device| device.requests(Fate::Acknowledged)).sum();
    println!(
        "{} troubles, seed {seed}: {requests} requests with {} readings acknowledged, {troubled} answers \
         of 503, {} analyses, back after {longest:?} at most: 0 lost, 0 doubled, 0 invented",
        rounds * 3,
        total.1,
        written.analyzed.load(Ordering::SeqCst),
    );
}
