//! Readings that arrive while their device or its user is deleted and created again: in any order, nothing
//! remains of a deleted device, and nothing returns. The rows of deleted devices disappear a little later,
//! also if the server is killed in the meantime.

#![expect(clippy::disallowed_methods, reason = "polls the database")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::databases::{Database, over_both_stores};
use crate::numbered_readings::{Api, time};
use crate::server::{Server, run};

const ROUNDS: u64 = 6;
/// The devices, all of one user.
const DEVICES: [&str; 2] = ["pump", "fan"];
/// Numbers of readings per request, in turn. Some requests become segments at once.
const COUNTS: [u64; 3] = [1, 300, 4_500];
/// Table of the deleted devices that are not purged yet.
const PENDING: &str = "deleted_device";
/// Time limit for a purge.
const EVENT_TIMEOUT: Duration = Duration::from_mins(1);
/// Number of devices of a user whose purge is interrupted. Each one takes a slice of its own.
const PURGED_DEVICES: usize = 150;
/// Number of requests of each writer per turn, and of deletions in a round.
const REQUESTS: usize = 4;
/// Minimum number of journal entries of SQLite that a commit removes.
const CUT_ENTRIES: i64 = 32;

fn readings(count: u64, from: u64) -> Value {
    (from..from + count).map(|k| json!({"timestamp": time(k), "x": k, "y": 1, "z": 0})).collect()
}

/// Posts to one device until all is deleted, then asserts that the device is missing.
fn post(api: &Api, device: &str, from: u64, has_posted: &Barrier, is_over: &AtomicBool) {
    let path = format!("/api/v1/stats/devices/{device}");
    let mut next = from;
    let mut send = |count: u64| {
        let (status, answer) = match count {
            1 => api.request("POST", &path, Some(&readings(1, next)[0])),
            _ => api.request("POST", &format!("{path}/batch"), Some(&readings(count, next))),
        }
        .unwrap();
        assert!(matches!(status, 201 | 404), "{status} {answer}");
        next += count;
        status
    };
    for count in COUNTS {
        assert_eq!(send(count), 201, "nothing is deleted yet");
    }
    has_posted.wait();
    let mut turns = COUNTS.into_iter().cycle();
    while !is_over.load(Ordering::SeqCst) {
        for count in turns.by_ref().take(REQUESTS) {
            send(count);
        }
    }
    for count in COUNTS {
        assert_eq!(send(count), 404, "{device} is deleted");
    }
}

/// Posts batches of both devices until all is deleted, then asserts that the devices are missing.
fn post_to_both(api: &Api, from: u64, has_posted: &Barrier, is_over: &AtomicBool) {
    let mut next = from;
    let mut send = || {
        let body: Value = DEVICES
            .iter()
            .flat_map(|device| {
                (next..next + 20)
                    .map(move |k| json!({"device_id": device, "timestamp": time(k), "x": k, "y": 1, "z": 0}))
            })
            .collect();
        let (status, answer) = api.request("POST", "/api/v1/stats/batch", Some(&body)).unwrap();
        // A missing device is a fault in each of its rows.
        assert!(status == 201 || status == 422 && is_device_missing(&answer), "{status} {answer}");
        next += 20;
        status
    };
    assert_eq!(send(), 201, "nothing is deleted yet");
    has_posted.wait();
    while !is_over.load(Ordering::SeqCst) {
        send();
    }
    assert_eq!(send(), 422, "both are deleted");
}

fn is_device_missing(answer: &Value) -> bool {
    answer["detail"].as_array().unwrap().iter().all(|fault| fault["type"] == "device_not_found")
}

/// Registers a user and returns its id.
fn create_user(api: &Api, name: &str) -> Value {
    let body = json!({"username": name, "email": format!("{name}@example.com")});
    let (status, user) = api.request("POST", "/api/v1/users", Some(&body)).unwrap();
    assert_eq!(status, 201, "{user}");
    user["id"].clone()
}

/// Deletes a device and creates it again under the same id, several times.
fn delete_and_create(api: &Api, user: &Value) {
    let path = format!("/api/v1/devices/{}", DEVICES[0]);
    for _ in 0..REQUESTS {
        let (status, answer) = api.request("DELETE", &path, None).unwrap();
        assert!(matches!(status, 204 | 404), "{status} {answer}");
        let body = json!({"device_id": DEVICES[0], "user_id": user});
        let (status, answer) = api.request("POST", "/api/v1/devices", Some(&body)).unwrap();
        // The user may be deleted already.
        assert!(status == 201 || status == 400 && answer["code"] == "user_not_found", "{status} {answer}");
    }
}

/// Runs one round: all threads at once, and in the end all is deleted.
fn race(api: &Api, round: u64) {
    let user = create_user(api, &format!("ann{round}"));
    for device in DEVICES {
        let body = json!({"device_id": device, "user_id": user});
        assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    }
    let (has_posted, is_over) = (Barrier::new(7), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (has_posted, is_over, user) = (&has_posted, &is_over, &user);
        for n in 0..4_u64 {
            let device = DEVICES[usize::try_from(n % 2).unwrap()];
            scope.spawn(move || post(api, device, 1 + n * 10_000_000, has_posted, is_over));
        }
        scope.spawn(move || post_to_both(api, 1_000_000_000, has_posted, is_over));
        let deleting = scope.spawn(move || {
            has_posted.wait();
            delete_and_create(api, user);
        });
        has_posted.wait();
        let (status, answer) = api.request("DELETE", &format!("/api/v1/users/{user}"), None).unwrap();
        assert_eq!(status, 204, "{answer}");
        let created_again = deleting.join();
        is_over.store(true, Ordering::SeqCst);
        created_again.unwrap();
    });
    assert_eq!(
        api.request("GET", "/api/v1/devices", None).unwrap(),
        (200, json!([])),
        "a device outlived its user"
    );
}

/// Asserts that no device remains, and no hot or sealed reading can be found.
fn assert_gone(database: &Database) {
    let verify = run(&["verify", "--database-url", &database.url]);
    let output = String::from_utf8(verify.stdout).unwrap();
    assert_eq!(output, "0 devices, 0 segments with 0 readings, 0 hot readings: 0 faults\n");
    for table in ["users", "devices"] {
        assert_eq!(database.rows(table), 0, "{table}");
    }
}

/// Waits until the server has purged all deleted devices, and asserts that it has left no row of them.
fn assert_purged(database: &Database) {
    let waiting = Instant::now();
    while database.rows(PENDING) > 0 {
        assert!(waiting.elapsed() < EVENT_TIMEOUT, "{} deleted devices are left", database.rows(PENDING));
        std::thread::sleep(Duration::from_millis(10));
    }
    for table in ["segment", "segment_block", "derived_segment", "derived_block"] {
        assert_eq!(database.rows(table), 0, "{table}");
    }
}

/// Asserts that nothing remains of the deleted devices: now for all requests, and soon in all tables.
fn assert_empty(database: &Database) {
    assert_gone(database);
    assert_purged(database);
}

#[test]
fn nothing_remains_of_devices_and_users_deleted_under_load() {
    over_both_stores(|database| {
        let flags = ["--seal-after-seconds", "0"];
        let server = Server::start_with(&database.url, &flags);
        let api = Api::at(&server.url);
        for round in 0..ROUNDS {
            race(&api, round);
            assert_empty(database);
        }
        drop(server);
        assert_empty(database);
        let server = Server::start_with(&database.url, &flags);
        let api = api.with_url(&server.url);
        assert_empty(database);

        // A new device with the same id has no readings.
        for device in DEVICES {
            let body = json!({"device_id": device});
            assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
            let path = format!("/api/v1/stats/devices/{device}");
            assert_eq!(api.status("POST", &format!("{path}/analyze")), Some(404));
            assert_eq!(api.request("POST", &path, Some(&readings(1, 1)[0])).unwrap().0, 201);
            let (status, answer) = api.request("POST", &format!("{path}/analyze"), None).unwrap();
            assert_eq!((status, &answer["x"]["count"]), (200, &json!(1)));
            assert_eq!(api.status("DELETE", &format!("/api/v1/devices/{device}")), Some(204));
        }
        assert_empty(database);
        assert_journal_is_trimmed(database, &api);
    });
}

/// Asserts that later commits remove the rest of the deleted hot readings, a part with each commit.
fn assert_journal_is_trimmed(database: &Database, api: &Api) {
    let body = json!({"device_id": "late"});
    assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    let commits = database.rows(database.hot_table()) / CUT_ENTRIES + 2;
    for k in 0..commits {
        let reading = &readings(1, k.unsigned_abs())[0];
        assert_eq!(api.request("POST", "/api/v1/stats/devices/late", Some(reading)).unwrap().0, 201);
    }
    let left = database.rows(database.hot_table());
    // Each commit adds one entry for its reading. In addition, there is at most one entry for each sealing.
    assert!(left <= 2 * commits, "{left} rows remain after {commits} commits");
}

/// Registers a user with devices that have readings, and returns the user.
fn create_devices(api: &Api) -> Value {
    let user = create_user(api, "ann");
    let names: Vec<String> = (0..PURGED_DEVICES).map(|n| format!("of-ann-{n}")).collect();
    for name in &names {
        let body = json!({"device_id": name, "user_id": user});
        assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    }
    let rows = names.iter().flat_map(|name| {
        (1..=20).map(move |k| json!({"device_id": name, "timestamp": time(k), "x": k, "y": 1, "z": 0}))
    });
    let (status, answer) = api.request("POST", "/api/v1/stats/batch", Some(&rows.collect())).unwrap();
    assert_eq!(status, 201, "{answer}");
    user
}

/// The server is killed right after it has answered the deletion of a user with many devices.
fn delete_and_kill(database: &Database) {
    let server = Server::start_with(&database.url, &["--seal-after-seconds", "0"]);
    let api = Api::at(&server.url);
    let user = create_devices(&api);
    let sealing = Instant::now();
    while database.rows("segment") < i64::try_from(PURGED_DEVICES).unwrap() {
        assert!(sealing.elapsed() < EVENT_TIMEOUT, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(api.request("DELETE", &format!("/api/v1/users/{user}"), None).unwrap().0, 204);
    server.kill();
    let pending = database.rows(PENDING);
    assert!(pending > 0, "the server has purged {PURGED_DEVICES} devices before the kill");
    assert!(database.rows("segment") >= pending, "a device was forgotten before its segments were deleted");
    assert_gone(database);
}

#[test]
fn a_purge_continues_after_a_kill() {
    over_both_stores(|database| {
        delete_and_kill(database);
        let server = Server::start_with(&database.url, &[]);
        // The device ids are free, although old readings are still stored.
        let body = json!({"device_id": "of-ann-7"});
        let api = Api::at(&server.url);
        assert_eq!(api.request("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
        assert_eq!(api.status("POST", "/api/v1/stats/devices/of-ann-7/analyze"), Some(404));
        assert_purged(database);
        assert_eq!(api.status("DELETE", "/api/v1/devices/of-ann-7"), Some(204));
        assert_purged(database);
    });
}

#[test]
fn the_seal_command_purges_deleted_devices() {
    over_both_stores(|database| {
        delete_and_kill(database);
        let sealed = run(&["seal", "--all", "--database-url", &database.url]);
        assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
        assert_eq!(database.rows(PENDING), 0);
        assert_purged(database);
    });
}
