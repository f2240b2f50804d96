//! Files as other programs write them: other columns, delimiters, encodings and times, and several files at
//! once.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run};

pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    file.to_str().unwrap().to_owned()
}

pub(crate) fn import(server: &Server, files: &[&str], flags: &[&str]) -> Output {
    run(&[&["import", "--url", &server.url], flags, files].concat())
}

pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns time and numbers of all readings of a device, ascending.
pub(crate) fn readings(server: &Server, device: &str) -> Vec<String> {
    let (status, readings) = server.get(&format!("/api/v1/stats/devices/{device}"));
    if status == 404 {
        return Vec::new();
    }
    let describe = |reading: &Value| {
        format!(
            "{} {} {} {}",
            reading["timestamp"].as_str().unwrap(),
            reading["x"],
            reading["y"],
            reading["z"]
        )
    };
    readings.as_array().unwrap().iter().rev().map(describe).collect()
}

/// Returns rows of CSV, one for each second, with the devices in turn.
fn rows(count: u32, devices: u32, x: impl Fn(u32) -> u32) -> String {
    (0..count).fold(String::new(), |mut text, row| {
        writeln!(text, "d{},{},{},2,3", row % devices, 1_795_428_000 + row, x(row)).unwrap();
        text
    })
}

pub(crate) fn devices(server: &Server) -> Vec<String> {
    let (_, devices) = server.get("/api/v1/devices/");
    devices
        .as_array()
        .unwrap()
        .iter()
        .map(|device| device["device_id"].as_str().unwrap().to_owned())
        .collect()
}

const LOGGER: &str = "Date;Time;AccX [g];AccY [g];AccZ [g];Battery\r\n\
    25.10.2026;01:59:59;1,5;-0,25;9,81;80\r\n01.11.2026;10:00:00,5;2;3;4;79\r\n";

/// The command that the guess prints is completed and reads the file.
#[test]
fn a_guess_is_printed_and_states_the_command() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let utf_16: Vec<u8> = format!("\u{feff}{LOGGER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let file = write(folder.path(), "logger.csv", utf_16);
        let output = import(&server, &[&file], &[]);
        assert_eq!(output.status.code(), Some(1));
        let words = stderr(&output);
        let flags = "--delimiter ';' --decimal , --map timestamp=Date+Time --map 'x=AccX [g]' --map 'y=AccY [g]' --map \
                 'z=AccZ [g]' --device logger --ignore-unknown";
        assert!(words.contains(&format!("device-stats import {file} {flags}")), "{words}");
        assert_eq!(devices(&server), Vec::<String>::new());
        let format = ["--time-format", "%d.%m.%Y %H:%M:%S", "--time-zone", "Europe/Berlin"];
        let guessed = [
            "--delimiter",
            ";",
            "--decimal",
            ",",
            "--map",
            "timestamp=Date+Time",
            "--map",
            "x=AccX [g]",
            "--map",
            "y=AccY [g]",
            "--map",
            "z=AccZ [g]",
            "--device",
            "logger",
            "--ignore-unknown",
        ];
        let output = import(&server, &[&file], &[&guessed[..], &format].concat());
        let words = stderr(&output);
        assert!(
            words.contains("logger.csv:3: timestamp: ") && words.contains("does not have the form"),
            "{words}"
        );
        let fixed = write(folder.path(), "logger.csv", LOGGER.replace(",5;2;3", ";2;3"));
        let text = stdout(&import(&server, &[&fixed], &[&guessed[..], &format].concat()));
        assert!(
            text.starts_with("2 readings: 2 accepted, 0 repeats, in ")
                && text.contains("1 device, 1 registered"),
            "{text}"
        );
        let expected =
            ["2026-10-24T23:59:59.000000Z 1.5 -0.25 9.81", "2026-11-01T09:00:00.000000Z 2.0 3.0 4.0"];
        assert_eq!(readings(&server, "logger"), expected);
    });
}

#[test]
fn clock_changes_are_refused_or_chosen() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let file = write(folder.path(), "a.csv", "device_id,x,y,z,timestamp\nd,1,2,3,2026-10-25 02:30\n");
        let zone = ["--time-zone", "Europe/Berlin"];
        let output = import(&server, &[&file], &zone);
        assert!(stderr(&output).contains("a.csv:2: timestamp: "), "{}", stderr(&output));
        assert!(stderr(&output).contains("show this time twice"), "{}", stderr(&output));
        for (choice, expected) in [("earlier", "2026-10-25T00:30"), ("later", "2026-10-25T01:30")] {
            // The spelling of `series`.
            let zone = ["--timezone", "Europe/Berlin"];
            stdout(&import(&server, &[&file], &[&zone[..], &["--repeated-times", choice]].concat()));
            assert!(readings(&server, "d").iter().any(|reading| reading.starts_with(expected)), "{choice}");
        }
        for (flag, value) in [
            ("--time-zone", "Berlin"),
            ("--time-format", "iso"),
            ("--map", "w=W"),
            ("--delimiter", "ab"),
            ("--encoding", "utf-17"),
            ("--decimal", ";"),
            ("--parallel", "0"),
            ("--format", "xls"),
            ("--skip-rows", "0"),
        ] {
            assert_eq!(import(&server, &[&file], &[flag, value]).status.code(), Some(2), "{flag}");
        }
    });
}

#[test]
fn flags_that_contradict_each_other_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", "a,b,x,y,z\n1,2,3,4,5\n");
    for (flags, expected) in [
        (&["--map", "timestamp=a", "--map", "timestamp=b"][..], "--map names two columns for timestamp"),
        (&["--device", "d", "--map", "device_id=a"], "give --device or --map device_id=COLUMN, not both"),
    ] {
        // No server has this address.
        let output = run(&[&["import", &file, "--url", "http://127.0.0.1:1"], flags].concat());
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("error: {expected}\n")));
    }
}

/// The first rows had no time and were stored with the current time, before a row with a time was found.
#[test]
fn a_late_time_is_found_before_rows_without_one_are_stored() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let untimed = "{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}\n".repeat(5_001);
        let timed = "{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3,\"timestamp\":\"2026-11-23\"}\n";
        let file = write(folder.path(), "a.ndjson", format!("{untimed}{timed}"));
        let output = import(&server, &[&file], &[]);
        assert!(
            stderr(&output).contains("a.ndjson:1: timestamp: the row has no time"),
            "{}",
            stderr(&output)
        );
        assert_eq!(devices(&server), Vec::<String>::new());
        let text = stdout(&import(&server, &[&file], &["--missing-times", "now"]));
        assert!(text.starts_with("5002 readings: 5002 accepted"), "{text}");
    });
}

#[test]
fn folders_and_standard_input_are_read() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let data = folder.path().join("data");
        for (name, x) in [("b.csv", 2), ("a/c.csv", 1), ("z.tsv", 3), ("notes.txt", 9), (".hidden.csv", 9)] {
            let delimiter = if name == "z.tsv" { "\t" } else { "," };
            let text = format!(
                "device_id,timestamp,x,y,z\nd,2026-11-23T10:00:00Z,{x},2,3\nd,2026-11-23T10:00:0{x}Z,{x},2,3\n"
            );
            write(&data, name, text.replace(',', delimiter));
        }
        let text = stdout(&import(&server, &[data.to_str().unwrap()], &[]));
        assert!(text.starts_with("6 readings: 4 accepted, 2 repeats"), "{text}");
        // The first of several rows with one time wins, in the order of the names.
        assert_eq!(readings(&server, "d")[0], "2026-11-23T10:00:00.000000Z 1.0 2.0 3.0");
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let refused = import(&server, &[empty.to_str().unwrap()], &[]);
        assert!(stderr(&refused).contains("has no file whose name states a format"));
        assert_eq!(refused.status.code(), Some(2));
        let stdin = |flags: &[&str], input: &str| {
            let mut command = device_stats(&[&["import", "-", "--url", &server.url], flags].concat());
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // A command that refuses its flags closes the pipe.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        };
        let refused = stdin(&[], "");
        assert!(stderr(&refused).contains("state the format of standard input with --format"));
        assert_eq!(refused.status.code(), Some(2));
        let output = stdin(&["--format", "ndjson"], "{\"device_id\":\"s\",\"x\":1,\"y\":2,\"z\":3}\n");
        assert!(stdout(&output).starts_with("1 reading: 1 accepted, 0 repeats, "));
        // The input is searched for a time while it is read.
        let lines = "{\"device_id\":\"t\",\"x\":1,\"y\":2,\"z\":3}\n".repeat(12_000);
        assert!(
            stdout(&stdin(&["--format", "ndjson"], &lines)).starts_with("12000 readings: 12000 accepted")
        );
        let output = stdin(&["--format", "csv"], "device_id,x,y,z\ns,1,2,oops\n");
        assert!(stderr(&output).contains("standard input:2: z: "), "{}", stderr(&output));
    });
}

#[test]
fn a_dry_run_shows_the_readings_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(5_001, 30, |row| row);
    let file = write(folder.path(), "a.csv", format!("device_id,timestamp,x,y,z\n{rows}"));
    // No server has this address.
    let output = run(&["import", &file, "--dry-run", "--url", "http://127.0.0.1:1"]);
    let text = stdout(&output);
    for part in [
        "5001 readings of 30 devices would be stored; nothing was sent",
        "2026-11-23T10:00:30.000000Z",
        "2026-11-23T11:23:00.000000Z",
        "and 10 more devices",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let faulty = write(folder.path(), "b.csv", "device_id,x,y,z\nd,1,2,oops\nd,1,2,3\n");
    let output = run(&["import", &faulty, "--dry-run", "--on-fault", "skip"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 reading of 1 device would be stored, 1 rejected; nothing was sent"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

/// Rows with one device and time are stored as if they were sent one after the other, however many requests
/// are sent at once.
#[test]
fn the_first_of_equal_times_wins_in_parallel() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let count = 5_000;
        let blocks: Vec<String> = (1..=8).map(|x| rows(count, 100, |_| x)).collect();
        let file = write(folder.path(), "a.csv", format!("device_id,timestamp,x,y,z\n{}", blocks.concat()));
        let text = stdout(&import(&server, &[&file], &["--parallel", "8"]));
        assert!(text.starts_with("40000 readings: 5000 accepted, 35000 repeats"), "{text}");
        assert!(text.contains("100 devices, 100 registered"), "{text}");
        for device in ["d0", "d57", "d99"] {
            let (_, analysis) = server.post(&format!("/api/v1/stats/devices/{device}/analyze"), "{}");
            assert_eq!(
                (&analysis["x"]["max_value"], &analysis["x"]["count"]),
                (&Value::from(1.0), &Value::from(50))
            );
        }
    });
}

/// Lines before the header were an error without a way out.
#[test]
fn comments_are_proposed_and_ignored_on_request() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let text = "# logger 7, \"garage\r\n#\r\n\r\ndevice_id,timestamp,x,y,z\r\n# a \"quote, and a comma\r\n\
                d,2026-11-23T10:00:00Z,1,2,3\r\nd,2026-11-23T10:00:01Z,1,2,oops\r\n";
        let file = write(folder.path(), "a.csv", text);
        let words = stderr(&import(&server, &[&file], &[]));
        assert!(words.contains("a.csv: the file begins with a comment\nnothing was sent"), "{words}");
        assert!(words.contains(&format!("device-stats import {file} --comment '#'\n")), "{words}");
        let output = import(&server, &[&file], &["--comment", "#", "--on-fault", "skip"]);
        assert!(stderr(&output).contains("1 row rejected"), "{output:?}");
        assert_eq!(readings(&server, "d"), ["2026-11-23T10:00:00.000000Z 1.0 2.0 3.0"]);
        // Lines are counted as in an editor.
        let output = import(&server, &[&file], &["--comment", "#"]);
        assert!(stderr(&output).contains("a.csv:7: z: "), "{}", stderr(&output));
        let other = write(
            folder.path(),
            "b.csv",
            text.replace("device_id,timestamp,x", "sensor;Zeit;x").replace(',', ";"),
        );
        let words = stderr(&import(&server, &[&other], &[]));
        let flags = "--comment '#' --delimiter ';' --map device_id=sensor --map timestamp=Zeit\n";
        assert!(words.contains(flags), "{words}");
        // A header that begins with the character is no comment.
        let header = write(folder.path(), "c.csv", "#device_id,timestamp,x,y,z\nd,2026-11-23,1,2,3\n");
        let words = stderr(&import(&server, &[&header], &[]));
        assert!(!words.contains("--comment") && words.contains("#device_id"), "{words}");
    });
}

/// All rows would get the current time, or become one device.
#[test]
fn a_guess_that_loses_times_or_devices_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", "x,y,z,place,phase\n1,2,3,hall,1\n");
    let words = stderr(&run(&["import", "--dry-run", &file]));
    assert!(words.contains("--device a --ignore-unknown\nBUT: no column is known to be the time"), "{words}");
    assert!(
        words.contains("\nBUT: --device stores all rows as one device; if one of the columns \"place\""),
        "{words}"
    );
    let file =
        write(folder.path(), "b.csv", "Ger\u{e4}t;Datum;Uhrzeit;x;y;z;q\np;23.11.2026;10:00;1;2;3;4\n");
    let words = stderr(&run(&["import", "--dry-run", &file]));
    let flags = "--map 'device_id=Ger\u{e4}t' --map timestamp=Datum+Uhrzeit --ignore-unknown";
    assert!(words.contains(flags) && !words.contains("BUT"), "{words}");
}

/// A download is sometimes compressed although its name does not say so.
#[test]
fn a_compressed_file_is_recognized_by_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let text = "device_id,timestamp,x,y,z\na,2026-11-23,1,2,3\n";
    let plain = write(folder.path(), "plain.csv", text);
    for program in ["gzip", "zstd"] {
        let packed = std::process::Command::new(program).args(["-c", &plain]).output().unwrap().stdout;
        let file = write(folder.path(), &format!("{program}.csv"), packed);
        let text = stdout(&run(&["import", "--dry-run", &file]));
        assert!(text.contains("2026-11-23T00:00:00.000000Z"), "{text}");
    }
}
