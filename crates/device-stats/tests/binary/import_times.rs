//! Times in files: a number whose unit is not certain, and a missing time among others, are never stored as
//! another time.

use std::path::Path;
use std::process::Output;

use crate::databases::over_both_stores;
use crate::server::{Server, run};

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn import(server: &Server, file: &str, flags: &[&str]) -> Output {
    run(&[&["import", file, "--url", &server.url], flags].concat())
}

/// Returns the times of all readings of the device, ascending.
fn times(server: &Server) -> Vec<String> {
    let (status, readings) = server.get("/api/v1/stats/devices/d");
    if status == 404 {
        return Vec::new();
    }
    let readings = readings.as_array().unwrap().iter().rev();
    readings.map(|reading| reading["timestamp"].as_str().unwrap().to_owned()).collect()
}

/// A row without a time was stored with the current time.
#[test]
fn a_missing_time_among_others_is_refused() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let csv = "device_id,x,y,z,timestamp\nd,1,2,3,2026-11-23\nd,1,2,3,\n";
        let lines = "{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}\n\
            {\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3,\"timestamp\":\"2026-11-23\"}\n";
        for (name, text, missing, other) in [("a.csv", csv, 3, 2), ("b.ndjson", lines, 1, 2)] {
            let file = write(folder.path(), name, text);
            let output = import(&server, &file, &[]);
            assert_eq!(output.status.code(), Some(1));
            let words = String::from_utf8(output.stderr).unwrap();
            let expected = format!(
                "{file}:{missing}: timestamp: the row has no time, but the row at {file}:{other} has one; to store such \
                 rows with the current time, add --missing-times now"
            );
            assert!(words.contains(&expected), "{words}");
            assert_eq!(times(&server), Vec::<String>::new());
        }
        let file = write(folder.path(), "a.csv", csv);
        assert!(import(&server, &file, &["--missing-times", "now"]).status.success());
        let stored = times(&server);
        assert_eq!((stored.len(), stored[0].as_str()), (2, "2026-11-23T00:00:00.000000Z"));
        // The skipped row has a time.
        let output = import(&server, &file, &["--skip", "1"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(times(&server).len(), 2);
        // No row has a time.
        let file = write(folder.path(), "c.csv", "device_id,x,y,z,timestamp\nd,1,2,3,\nd,4,5,6,\n");
        assert!(import(&server, &file, &[]).status.success());
        assert_eq!(times(&server).len(), 4);
    });
}

#[test]
fn a_number_needs_its_unit() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        for (number, precision, expected) in [
            ("1795428000123456", "us", "2026-11-23T10:00:00.123456Z"),
            ("20261123", "s", "1970-08-23T12:05:23.000000Z"),
            ("46349.4167", "ms", "1970-01-01T00:00:46.349416Z"),
        ] {
            let file =
                write(folder.path(), "a.csv", &format!("device_id,x,y,z,timestamp\nd,1,2,3,{number}\n"));
            let output = import(&server, &file, &[]);
            assert_eq!(output.status.code(), Some(1), "{number}");
            let words = String::from_utf8(output.stderr).unwrap();
            assert!(words.contains("a.csv:2: timestamp: "), "{words}");
            assert!(import(&server, &file, &["--precision", precision]).status.success(), "{number}");
            assert!(times(&server).contains(&expected.to_owned()), "{number}: {:?}", times(&server));
        }
        assert_eq!(times(&server).len(), 3);
    });
}

/// A file that was cut inside a quoted number gave a shorter number.
#[test]
fn a_cut_quoted_cell_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    for (text, words) in [
        ("device_id,x,y,z\nd,1,2,\"3", "the input ends inside quotes"),
        ("device_id,x,y,z\nd,\"1\"2,2,3\n", "text follows the closing quote of a cell"),
    ] {
        let file = write(folder.path(), "cut.csv", text);
        let output = import(&server, &file, &[]);
        assert_eq!(output.status.code(), Some(1));
        let found = String::from_utf8(output.stderr).unwrap();
        assert!(found.contains(&format!("cut.csv:2: {words}")), "{found}");
    }
    assert_eq!(times(&server), Vec::<String>::new());
}
