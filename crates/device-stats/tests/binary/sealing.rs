//! Sealing by command and in the background, and the command `verify`.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::databases::{Database, over_both_stores};
use crate::logged_readings::log_line;
use crate::numbered_readings::time;
use crate::server::{Server, run, stdout_of};

/// Posts one reading per second of a device, in one request. Second 0 is [`time`] 0.
fn post(server: &Server, device: &str, seconds: Range<u32>) -> serde_json::Value {
    let mut rows = String::from("timestamp,x,y,z\n");
    for second in seconds {
        let x = f64::from(second) / 3.0;
        writeln!(rows, "{},{x},1,{}", time(second.into()), -x).unwrap();
    }
    let (status, body) = server.post_csv(&format!("/api/v1/stats/devices/{device}/batch"), &rows);
    assert_eq!(status, 201, "{body}");
    body
}

fn register(server: &Server, device: &str) {
    assert_eq!(server.post("/api/v1/devices", &format!(r#"{{"device_id": "{device}"}}"#)).0, 201);
}

fn analysis(server: &Server, device: &str) -> (u16, serde_json::Value) {
    server.post(&format!("/api/v1/stats/devices/{device}/analyze"), "{}")
}

fn seal(database: &Database, flags: &[&str]) -> String {
    stdout_of(&[&["seal", "--database-url", &database.url], flags].concat())
}

/// Returns the output of `verify`, and whether it found no fault.
fn verify(database: &Database) -> (String, bool) {
    let output = run(&["verify", "--database-url", &database.url]);
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn sealing_by_command_changes_no_answer() {
    over_both_stores(|database| {
        let server = Server::start(&database.url);
        for device in ["pump", "fan", "silent"] {
            register(&server, device);
        }
        for n in 0..5 {
            post(&server, "pump", n * 1_000..n * 1_000 + 500);
        }
        post(&server, "fan", 0..10);
        let before = ["pump", "fan"].map(|device| analysis(&server, device));
        assert_eq!(before[0].1["x"]["count"], 2_500);

        let one = seal(database, &["--device", "fan"]);
        let expected = "sealed 10 readings in 1 segments, merged 0 segments into 0";
        assert_eq!(one, format!("device \"fan\": {expected}\n1 devices: {expected}\n"));
        let all = seal(database, &["--all"]);
        assert!(all.contains("device \"pump\": sealed 2500 readings in 1 segments"), "{all}");
        assert_eq!(
            last_line(&all),
            "3 devices: sealed 2500 readings in 1 segments, merged 0 segments into 0"
        );
        assert_eq!(["pump", "fan"].map(|device| analysis(&server, device)), before);

        // Late readings become a segment, which is merged with its neighbours.
        post(&server, "pump", 0..600);
        let before = analysis(&server, "pump");
        assert_eq!(before.1["x"]["count"], 2_600);
        assert_eq!(
            last_line(&seal(database, &["--all"])),
            "3 devices: sealed 100 readings in 1 segments, merged 2 segments into 1"
        );
        assert_eq!(analysis(&server, "pump"), before);
        assert_eq!(
            seal(database, &["--all"]),
            "3 devices: sealed 0 readings in 0 segments, merged 0 segments into 0\n"
        );
        let (output, is_intact) = verify(database);
        assert!(is_intact);
        assert_eq!(output, "3 devices, 2 segments with 2610 readings, 0 hot readings: 0 faults\n");
    });
}

#[test]
fn a_large_request_becomes_a_segment_at_once() {
    over_both_stores(|database| {
        let server = Server::start(&database.url);
        register(&server, "pump");
        assert_eq!(post(&server, "pump", 0..5_000)["accepted"], 5_000);
        let (output, _) = verify(database);
        assert_eq!(output, "1 devices, 1 segments with 5000 readings, 0 hot readings: 0 faults\n");
        // A request with repeats does not become a segment, even if it also has new readings.
        let again = post(&server, "pump", 0..5_000);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &5_000.into()));
        let more = post(&server, "pump", 4_000..9_000);
        assert_eq!((&more["accepted"], &more["duplicates"]), (&4_000.into(), &1_000.into()));
        assert_eq!(analysis(&server, "pump").1["y"]["sum"], 9_000.0);
        assert!(verify(database).1);
    });
}

#[test]
fn old_hot_readings_are_sealed() {
    over_both_stores(|database| {
        let server = Server::start_with(&database.url, &["--seal-after-seconds", "1"]);
        register(&server, "pump");
        post(&server, "pump", 0..10);
        let waiting = Instant::now();
        while !verify(database).0.contains(" 0 hot readings") {
            assert!(waiting.elapsed() < Duration::from_mins(1), "{}", verify(database).0);
        }
        assert_eq!(analysis(&server, "pump").1["x"]["count"], 10);
        assert!(server.terminate());
    });
}

#[test]
fn a_kill_during_sealing_loses_no_reading() {
    over_both_stores(|database| {
        let mut stored = 0;
        for round in 0..4 {
            let server = Server::start_with(&database.url, &["--seal-after-seconds", "0"]);
            if round == 0 {
                register(&server, "pump");
            }
            // Sealing starts while readings are posted, and the kill interrupts it at any point.
            for _ in 0..=round {
                post(&server, "pump", stored..stored + 700);
                stored += 700;
            }
            server.kill();
            let (output, is_intact) = verify(database);
            assert!(is_intact, "{output}");
        }
        let server = Server::start(&database.url);
        let (_, answer) = analysis(&server, "pump");
        assert_eq!((&answer["x"]["count"], &answer["y"]["sum"]), (&stored.into(), &f64::from(stored).into()));
    });
}

#[test]
fn a_fault_names_its_device_and_segment() {
    over_both_stores(|database| {
        let server = Server::start(&database.url);
        for device in ["pump", "fan"] {
            register(&server, device);
            post(&server, device, 0..600);
        }
        seal(database, &["--all"]);
        drop(server);
        assert!(verify(database).1);
        let assert_fault = |expected: &str| {
            let (output, is_intact) = verify(database);
            assert!(!is_intact, "{output}");
            let line = output.lines().next().unwrap();
            assert!(line.starts_with("device \"pump\", segment ") && line.contains(expected), "{line}");
            assert!(!output.contains("device \"fan\""), "{output}");
            assert!(last_line(&output).starts_with("2 devices, 2 segments with "), "{output}");
        };

        database.flip_bit("pump");
        assert_fault("does not match its checksum");
        let server = Server::start(&database.url);
        let (status, body) = analysis(&server, "fan");
        assert_eq!((status, &body["x"]["count"]), (200, &600.into()));
        drop(server);
        database.flip_bit("pump");
        assert!(verify(database).1);

        let pump = "(SELECT id FROM devices WHERE device_id = 'pump')";
        let set_catalogue = |readings: u32| {
            let statement = format!("UPDATE segment SET readings = {readings} WHERE device = {pump}");
            assert_eq!(database.execute(&statement), 1);
        };
        set_catalogue(601);
        assert_fault("the catalogue has");
        set_catalogue(600);

        let server = Server::start(&database.url);
        let (status, body) = server.post("/api/v1/stats/devices/pump/analyze", r#"{"magnitude": true}"#);
        assert_eq!((status, &body["magnitude"]["count"]), (200, &600.into()));
        drop(server);
        assert!(verify(database).1);
        assert_eq!(database.execute("UPDATE derived_block SET bytes = substr(bytes, 2)"), 1);
        assert_fault("its derived segment: the blocks has the wrong length");
        let server = Server::start(&database.url);
        let magnitude = r#"{"magnitude": true}"#;
        for _ in 0..2 {
            let (status, body) = server.post("/api/v1/stats/devices/pump/analyze", magnitude);
            assert_eq!((status, &body["magnitude"]["count"]), (200, &600.into()));
        }
        let warning = log_line(&server, "deleted corrupt magnitudes; they are computed again");
        assert_eq!(warning["level"], "WARN");
        assert_eq!(server.log().matches("deleted corrupt magnitudes").count(), 1);
        drop(server);
        assert!(verify(database).1);

        database.duplicate_reading("pump", 1_700_000_007_000_000);
        assert_fault("has a reading at 1700000007000000 µs, which is also a hot reading");
        database.remove_duplicate();
        assert!(verify(database).1);
    });
}

#[test]
fn a_missing_database_or_device_is_neither_sealed_nor_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let url = format!("sqlite:{}", path.display());
    for command in [&["seal", "--all"][..], &["verify"]] {
        let output = run(&[command, &["--database-url", &url]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(!path.exists(), "{command:?} created a database");
    }
    stdout_of(&["migrate", "--database-url", &url]);
    for command in [&["seal"][..], &["verify"]] {
        let output = run(&[command, &["--device", "nobody", "--database-url", &url]].concat());
        assert_eq!(output.status.code(), Some(3));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("there is no device \"nobody\""), "{message}");
    }
    assert_eq!(
        stdout_of(&["verify", "--database-url", &url]),
        "0 devices, 0 segments with 0 readings, 0 hot readings: 0 faults\n"
    );
}
