//! Readings that come while their device is deleted, while its user is, and while both are created anew: whatever was first,
//! nothing is left of what was deleted, and nothing comes back.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::databases::{Database, over_both_stores};
use crate::numbered_readings::Api;
use crate::server::{Started, run};

const ROUNDS: u64 = 6;
/// The devices, all of one user.
const DEVICES: [&str; 2] = ["pump", "fan"];
/// Readings of the requests of one writer, in turn: some become segments at once.
const COUNTS: [u64; 3] = [1, 300, 4_500];
/// Requests that each writer has answered with 201 or 404 before anything is deleted, and as many afterwards.
const REQUESTS: usize = 4;
/// Entries that one commit removes from the journal of SQLite, at least.
const CUT_ENTRIES: i64 = 32;

fn readings(count: u64, from: u64) -> Value {
    (from..from + count).map(|k| json!({"timestamp": k, "x": k, "y": 1, "z": 0})).collect()
}

/// Posts to one device until everything is deleted, and then finds it missing.
fn post(api: &Api, device: &str, from: u64, has_posted: &Barrier, is_over: &AtomicBool) {
    let path = format!("/api/v1/stats/devices/{device}");
    let mut next = from;
    let mut send = |count: u64| {
        let (status, answer) = match count {
            1 => api.ask("POST", &path, Some(&readings(1, next)[0])),
            _ => api.ask("POST", &format!("{path}/batch"), Some(&readings(count, next))),
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

/// Posts to both devices at once until everything is deleted, and then finds them missing.
fn post_to_both(api: &Api, from: u64, has_posted: &Barrier, is_over: &AtomicBool) {
    let mut next = from;
    let mut send = || {
        let body: Value = DEVICES
            .iter()
            .flat_map(|device| {
                (next..next + 20)
                    .map(move |k| json!({"device_id": device, "timestamp": k, "x": k, "y": 1, "z": 0}))
            })
            .collect();
        let (status, answer) = api.ask("POST", "/api/v1/stats/batch", Some(&body)).unwrap();
        // A device that is missing is a fault of its row.
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

/// Registers a user, and returns its id.
fn create_user(api: &Api, name: &str) -> Value {
    let body = json!({"username": name, "email": format!("{name}@example.com")});
    let (status, user) = api.ask("POST", "/api/v1/users", Some(&body)).unwrap();
    assert_eq!(status, 201, "{user}");
    user["id"].clone()
}

/// Deletes a device and creates it again under the same id, a few times.
fn delete_and_create(api: &Api, user: &Value) {
    let path = format!("/api/v1/devices/{}", DEVICES[0]);
    for _ in 0..REQUESTS {
        let (status, answer) = api.ask("DELETE", &path, None).unwrap();
        assert!(matches!(status, 204 | 404), "{status} {answer}");
        let body = json!({"device_id": DEVICES[0], "user_id": user});
        let (status, answer) = api.ask("POST", "/api/v1/devices", Some(&body)).unwrap();
        // Its user may be gone by now.
        assert!(status == 201 || status == 400 && answer["code"] == "user_not_found", "{status} {answer}");
    }
}

/// One round: everybody at once, and in the end all is deleted.
fn race(api: &Api, round: u64) {
    let user = create_user(api, &format!("ann{round}"));
    for device in DEVICES {
        let body = json!({"device_id": device, "user_id": user});
        assert_eq!(api.ask("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
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
        let (status, answer) = api.ask("DELETE", &format!("/api/v1/users/{user}"), None).unwrap();
        assert_eq!(status, 204, "{answer}");
        let created_again = deleting.join();
        is_over.store(true, Ordering::SeqCst);
        created_again.unwrap();
    });
    assert_eq!(
        api.ask("GET", "/api/v1/devices", None).unwrap(),
        (200, json!([])),
        "a device outlived its user"
    );
}

/// Asserts that no reading is left, hot or sealed, nor a part of one.
fn assert_nothing_is_left(database: &Database) {
    let verified = run(&["verify", "--database-url", &database.url]);
    let found = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(found, "0 devices, 0 segments with 0 readings, 0 hot readings: 0 faults\n");
    for table in ["users", "devices", "segment", "segment_block"] {
        assert_eq!(database.rows(table), 0, "{table}");
    }
}

#[test]
fn nothing_is_left_of_devices_and_users_deleted_under_readings() {
    over_both_stores(|database| {
        let flags = ["--seal-after-seconds", "0"];
        let server = Started::with(&database.url, &flags);
        let api = Api::at(&server.url);
        for round in 0..ROUNDS {
            race(&api, round);
            assert_nothing_is_left(database);
        }
        drop(server);
        assert_nothing_is_left(database);
        let server = Started::with(&database.url, &flags);
        let api = api.moved_to(&server.url);
        assert_nothing_is_left(database);

        // Under the same name it begins with nothing.
        for device in DEVICES {
            let body = json!({"device_id": device});
            assert_eq!(api.ask("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
            let path = format!("/api/v1/stats/devices/{device}");
            assert_eq!(api.status("POST", &format!("{path}/analyze")), Some(404));
            assert_eq!(api.ask("POST", &path, Some(&readings(1, 1)[0])).unwrap().0, 201);
            let (status, answer) = api.ask("POST", &format!("{path}/analyze"), None).unwrap();
            assert_eq!((status, &answer["x"]["count"]), (200, &json!(1)));
            assert_eq!(api.status("DELETE", &format!("/api/v1/devices/{device}")), Some(204));
        }
        assert_nothing_is_left(database);
        assert_forgotten(database, &api);
    });
}

/// What hot readings leave in the database is removed by later commits, a bit by each.
fn assert_forgotten(database: &Database, api: &Api) {
    let body = json!({"device_id": "late"});
    assert_eq!(api.ask("POST", "/api/v1/devices", Some(&body)).unwrap().0, 201);
    let commits = database.rows(database.hot_table()) / CUT_ENTRIES + 2;
    for k in 0..commits {
        let reading = &readings(1, k.unsigned_abs())[0];
        assert_eq!(api.ask("POST", "/api/v1/stats/devices/late", Some(reading)).unwrap().0, 201);
    }
    let left = database.rows(database.hot_table());
    // Its own, where they are not sealed yet, and at most one entry that says so for each.
    assert!(left <= 2 * commits, "{left} rows are left after {commits} commits");
}
