//! Sealing, by command and in the background, and the command that verifies what is sealed.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::databases::{Database, over_both_stores};
use crate::server::{Started, printed, run};

/// Posts readings of a device whose seconds since 1970 are those, in one request.
fn post(server: &Started, device: &str, seconds: Range<u32>) -> serde_json::Value {
    let mut rows = String::from("timestamp,x,y,z\n");
    for second in seconds {
        let x = f64::from(second) / 3.0;
        writeln!(rows, "{second},{x},1,{}", -x).unwrap();
    }
    let (status, body) = server.post_csv(&format!("/api/v1/stats/devices/{device}/batch"), &rows);
    assert_eq!(status, 201, "{body}");
    body
}

fn register(server: &Started, device: &str) {
    assert_eq!(server.post("/api/v1/devices", &format!(r#"{{"device_id": "{device}"}}"#)).0, 201);
}

fn analysis(server: &Started, device: &str) -> (u16, serde_json::Value) {
    server.post(&format!("/api/v1/stats/devices/{device}/analyze"), "{}")
}

fn sealed(database: &Database, whose: &[&str]) -> String {
    printed(&[&["seal", "--database-url", &database.url], whose].concat())
}

/// What `verify` printed, and whether it found nothing.
fn verified(database: &Database) -> (String, bool) {
    let output = run(&["verify", "--database-url", &database.url]);
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn what_is_sealed_by_command_is_answered_as_before() {
    over_both_stores(|database| {
        let server = Started::on(&database.url);
        for device in ["pump", "fan", "silent"] {
            register(&server, device);
        }
        for n in 0..5 {
            post(&server, "pump", n * 1_000..n * 1_000 + 500);
        }
        post(&server, "fan", 0..10);
        let before = ["pump", "fan"].map(|device| analysis(&server, device));
        assert_eq!(before[0].1["x"]["count"], 2_500);

        let one = sealed(database, &["--device", "fan"]);
        let expected = "sealed 10 readings in 1 segments, merged 0 segments into 0";
        assert_eq!(one, format!("device \"fan\": {expected}\n1 devices: {expected}\n"));
        let all = sealed(database, &["--all"]);
        assert!(all.contains("device \"pump\": sealed 2500 readings in 1 segments"), "{all}");
        assert_eq!(
            last_line(&all),
            "3 devices: sealed 2500 readings in 1 segments, merged 0 segments into 0"
        );
        assert_eq!(["pump", "fan"].map(|device| analysis(&server, device)), before);

        // Late readings become a segment of their own, and are merged with their neighbours.
        post(&server, "pump", 0..600);
        let before = analysis(&server, "pump");
        assert_eq!(before.1["x"]["count"], 2_600);
        assert_eq!(
            last_line(&sealed(database, &["--all"])),
            "3 devices: sealed 100 readings in 1 segments, merged 2 segments into 1"
        );
        assert_eq!(analysis(&server, "pump"), before);
        assert_eq!(
            sealed(database, &["--all"]),
            "3 devices: sealed 0 readings in 0 segments, merged 0 segments into 0\n"
        );
        let (found, is_good) = verified(database);
        assert!(is_good);
        assert_eq!(found, "3 devices, 2 segments with 2610 readings, 0 hot readings: 0 faults\n");
    });
}

#[test]
fn many_readings_of_a_request_become_a_segment_at_once() {
    over_both_stores(|database| {
        let server = Started::on(&database.url);
        register(&server, "pump");
        assert_eq!(post(&server, "pump", 0..5_000)["accepted"], 5_000);
        let (found, _) = verified(database);
        assert_eq!(found, "1 devices, 1 segments with 5000 readings, 0 hot readings: 0 faults\n");
        // Repeats are repeats, and readings between them do not need a segment.
        let again = post(&server, "pump", 0..5_000);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &5_000.into()));
        let more = post(&server, "pump", 4_000..9_000);
        assert_eq!((&more["accepted"], &more["duplicates"]), (&4_000.into(), &1_000.into()));
        assert_eq!(analysis(&server, "pump").1["y"]["sum"], 9_000.0);
        assert!(verified(database).1);
    });
}

#[test]
fn readings_that_grow_old_are_sealed() {
    over_both_stores(|database| {
        let server = Started::with(&database.url, &["--seal-after-seconds", "1"]);
        register(&server, "pump");
        post(&server, "pump", 0..10);
        let waiting = Instant::now();
        while !verified(database).0.contains(" 0 hot readings") {
            assert!(waiting.elapsed() < Duration::from_mins(1), "{}", verified(database).0);
        }
        assert_eq!(analysis(&server, "pump").1["x"]["count"], 10);
        assert!(server.terminate());
    });
}

#[test]
fn a_kill_while_readings_are_sealed_loses_none() {
    over_both_stores(|database| {
        let mut stored = 0;
        for round in 0..4 {
            let server = Started::with(&database.url, &["--seal-after-seconds", "0"]);
            if round == 0 {
                register(&server, "pump");
            }
            // Sealing begins while these are posted, and is cut off wherever it is.
            for _ in 0..=round {
                post(&server, "pump", stored..stored + 700);
                stored += 700;
            }
            server.kill();
            let (found, is_good) = verified(database);
            assert!(is_good, "{found}");
        }
        let server = Started::on(&database.url);
        let (_, answer) = analysis(&server, "pump");
        assert_eq!((&answer["x"]["count"], &answer["y"]["sum"]), (&stored.into(), &f64::from(stored).into()));
    });
}

#[test]
fn faults_are_named_by_device_and_segment() {
    over_both_stores(|database| {
        let server = Started::on(&database.url);
        for device in ["pump", "fan"] {
            register(&server, device);
            post(&server, device, 0..500);
        }
        sealed(database, &["--all"]);
        drop(server);
        assert!(verified(database).1);
        let faults = |expected: &str| {
            let (found, is_good) = verified(database);
            assert!(!is_good, "{found}");
            let line = found.lines().next().unwrap();
            assert!(line.starts_with("device \"pump\", segment ") && line.contains(expected), "{line}");
            assert!(!found.contains("device \"fan\""), "{found}");
            assert!(last_line(&found).starts_with("2 devices, 2 segments with "), "{found}");
        };

        database.flip_a_bit_of("pump");
        faults("does not match its checksum");
        let server = Started::on(&database.url);
        let (status, body) = analysis(&server, "fan");
        assert_eq!((status, &body["x"]["count"]), (200, &500.into()));
        drop(server);
        database.flip_a_bit_of("pump");
        assert!(verified(database).1);

        let of_pump = "(SELECT id FROM devices WHERE device_id = 'pump')";
        let catalogue = |readings: u32| {
            let statement = format!("UPDATE segment SET readings = {readings} WHERE device = {of_pump}");
            assert_eq!(database.execute(&statement), 1);
        };
        catalogue(501);
        faults("the catalogue says");
        catalogue(500);

        database.store_again("pump", 7_000_000);
        faults("has a reading at 7000000 µs, which is hot, too");
        database.take_back();
        assert!(verified(database).1);
    });
}

#[test]
fn only_what_is_there_is_sealed_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let url = format!("sqlite:{}", path.display());
    for command in [&["seal", "--all"][..], &["verify"]] {
        let output = run(&[command, &["--database-url", &url]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(!path.exists(), "{command:?} created a database");
    }
    printed(&["migrate", "--database-url", &url]);
    for command in [&["seal"][..], &["verify"]] {
        let output = run(&[command, &["--device", "nobody", "--database-url", &url]].concat());
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("there is no device \"nobody\""), "{message}");
    }
    assert_eq!(
        printed(&["verify", "--database-url", &url]),
        "0 devices, 0 segments with 0 readings, 0 hot readings: 0 faults\n"
    );
}
