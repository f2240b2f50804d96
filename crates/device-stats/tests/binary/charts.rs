//! The commands `series` and `histogram`, and the optional statistics of `analyze`.

use std::path::Path;

use serde_json::{Value, json};

use crate::databases::{Database, over_both_stores};
use crate::server::{Server, run, stdout_of};

/// Starts a server with 100 readings of a device of the user ann, one per minute from 10:00. x is 0 to 99.
fn start(database: &Database, folder: &Path) -> Server {
    let server = Server::start(&database.url);
    let rows: Vec<String> =
        (0..100).map(|n| format!("pump,{},{n},{},5\n", 1_795_428_000 + 60 * n, n * n)).collect();
    let file = folder.join("rows.csv");
    std::fs::write(&file, format!("device_id,timestamp,x,y,z\n{}", rows.concat())).unwrap();
    let file = file.to_str().unwrap();
    stdout_of(&["import", file, "--user", "ann", "--email", "ann@example.com", "--url", &server.url]);
    server
}

#[test]
fn a_series_is_drawn_or_printed_as_csv_or_json() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = start(database, folder.path());
        let series = |flags: &[&str]| stdout_of(&[&["series", "--url", &server.url], flags].concat());
        let json: Value = serde_json::from_str(&series(&["pump", "--interval", "PT1H", "--json"])).unwrap();
        assert_eq!((&json["interval"], json["buckets"].as_array().unwrap().len()), (&json!("PT1H"), 2));
        assert_eq!(json["buckets"][0]["stats"]["x"]["count"], 60);
        // The answer of the server is printed unchanged.
        assert_eq!(json, server.get("/api/v1/stats/devices/pump/series?interval=PT1H").1);
        let of_user = series(&["--user", "ann", "--interval", "PT1H", "--output", "json"]);
        assert_eq!(serde_json::from_str::<Value>(&of_user).unwrap(), json);

        let csv = series(&["pump", "--interval", "PT1H", "--csv"]);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * 3);
        assert_eq!(
            lines[1],
            "2026-11-23T10:00:00.000000Z,2026-11-23T11:00:00.000000Z,x,60,0.0,59.0,1770.0,29.5"
        );

        let text = series(&["pump", "--interval", "PT1H"]);
        assert!(text.starts_with("2 buckets of PT1H, UTC\n\nx\n| start "), "{text}");
        assert!(text.contains("| 2026-11-23T10:00:00.000000Z |    60 |  0.0 |   29.5 | 59.0 | ─"), "{text}");
        assert!(text.contains('●') && text.contains("\n\ny\n") && text.contains("\n\nz\n"), "{text}");
        // Without an interval, a screen full of buckets.
        let text = series(&["pump"]);
        assert!(text.starts_with("34 buckets of PT3M, UTC\n") || text.contains(" buckets of PT"), "{text}");
        let zoned = series(&["pump", "--points", "3", "--timezone", "Asia/Kolkata", "--json"]);
        // The spelling of `import`.
        assert_eq!(series(&["pump", "--points", "3", "--time-zone", "Asia/Kolkata", "--json"]), zoned);
        let zoned: Value = serde_json::from_str(&zoned).unwrap();
        assert_eq!((&zoned["timezone"], &zoned["interval"]), (&json!("Asia/Kolkata"), &json!("PT1H")));
        assert_eq!(zoned["buckets"][0]["start"], "2026-11-23T09:30:00.000000Z");
        let weeks = [
            "pump",
            "--interval",
            "P1W",
            "--week-start",
            "sunday",
            "--from",
            "2026-11-23",
            "--until",
            "2026-11-24",
            "--csv",
        ];
        assert!(series(&weeks).contains("\n2026-11-22T00:00:00.000000Z,2026-11-29T00:00:00.000000Z,x,100,"));
    });
}

#[test]
fn a_histogram_is_drawn_or_printed_as_csv_or_json() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = start(database, folder.path());
        let histogram = |flags: &[&str]| stdout_of(&[&["histogram", "--url", &server.url], flags].concat());
        let bins = ["--bins", "4", "--low", "-10", "--high", "70"];
        let json: Value =
            serde_json::from_str(&histogram(&[&["pump", "--json"], &bins[..]].concat())).unwrap();
        assert_eq!(
            json["x"],
            json!({ "edges": [-10.0, 10.0, 30.0, 50.0, 70.0], "counts": [10, 20, 20, 21], "below": 0, "above": 29 })
        );
        let csv = histogram(&[&["--user", "ann", "--csv"], &bins[..]].concat());
        let lines: Vec<&str> = csv.lines().take(6).collect();
        assert_eq!(
            lines,
            [
                "axis,low,high,count",
                "x,-10.0,10.0,10",
                "x,10.0,30.0,20",
                "x,30.0,50.0,20",
                "x,50.0,70.0,21",
                "x,70.0,,29"
            ]
        );
        let text = histogram(&[&["pump"], &bins[..]].concat());
        let rows: Vec<&str> = text.lines().skip(3).take(5).collect();
        let bar = |row: &str| row.chars().filter(|part| *part == '█').count();
        assert_eq!(rows.iter().map(|row| bar(row)).collect::<Vec<_>>(), [13, 27, 27, 28, 40], "{text}");
        assert_eq!(histogram(&["pump", "--csv"]).lines().count(), 1 + 3 * 20);
    });
}

#[test]
fn an_analysis_has_the_requested_statistics() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = start(database, folder.path());
        let flags = [
            "analyze",
            "pump",
            "--percentiles",
            "25,99.9",
            "--stats",
            "mean,stddev,rms,range,iqr",
            "--url",
            &server.url,
        ];
        let text = stdout_of(&flags);
        let cells = |line: &str| {
            line.split('|')
                .map(|cell| cell.trim().to_owned())
                .filter(|cell| !cell.is_empty())
                .collect::<Vec<_>>()
        };
        let lines: Vec<&str> = text.lines().collect();
        let header = [
            "axis", "count", "min", "max", "sum", "median", "p25", "p99.9", "mean", "stddev", "rms", "range",
            "iqr",
        ];
        assert_eq!(cells(lines[0]), header);
        assert_eq!(cells(lines[4])[..9], ["z", "100", "5.0", "5.0", "500.0", "5.0", "5.0", "5.0", "5.0"]);
        let json: Value =
            serde_json::from_str(&stdout_of(&[&flags[..], &["--output", "json"]].concat())).unwrap();
        let body = r#"{"percentiles": [25, 99.9], "mean": true, "stddev": true, "rms": true, "range": true, "iqr": true}"#;
        assert_eq!(json, server.post("/api/v1/stats/devices/pump/analyze", body).1);

        // `until` is exclusive, and `end-time` is inclusive.
        for (end, count) in [("--until", 1), ("--end-time", 2)] {
            let line = ["analyze", "pump", end, "2026-11-23T10:01:00Z", "--json", "--url", &server.url];
            assert_eq!(serde_json::from_str::<Value>(&stdout_of(&line)).unwrap()["x"]["count"], count);
        }
    });
}

#[test]
fn without_readings_nothing_is_printed() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = start(database, folder.path());
        for command in ["analyze", "series", "histogram"] {
            let flags: &[&str] = if command == "series" { &["--interval", "P1D"] } else { &[] };
            let line = [command, "pump", "--start-time", "2030-01-01", "--url", &server.url];
            let output = run(&[&line[..], flags].concat());
            assert_eq!(output.status.code(), Some(1), "{command}");
            assert_eq!(
                String::from_utf8(output.stderr).unwrap(),
                "error: No statistics found for the specified period\n"
            );
            let output = run(&[&[command, "none", "--url", &server.url], flags].concat());
            assert_eq!(output.status.code(), Some(3), "{command}");
            let output = run(&[command, "pump", "--user", "ann"]);
            assert_eq!(output.status.code(), Some(2), "{command}");
        }
        assert_eq!(run(&["series", "pump", "--csv", "--json"]).status.code(), Some(2));
        assert_eq!(run(&["series", "pump", "--points", "2", "--interval", "P1D"]).status.code(), Some(2));
    });
}

#[test]
fn the_magnitude_is_a_fourth_axis_on_request() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = start(database, folder.path());
        let at = ["pump", "--url", &server.url];
        // The first reading is 0, 0 and 5.
        let analysis =
            stdout_of(&[&["analyze", "--magnitude", "--stats", "mean", "--json"], &at[..]].concat());
        let analysis: Value = serde_json::from_str(&analysis).unwrap();
        assert_eq!(analysis["magnitude"]["min_value"], 5.0);
        let body = r#"{"magnitude": true, "mean": true}"#;
        assert_eq!(analysis, server.post("/api/v1/stats/devices/pump/analyze", body).1);
        for (command, flag) in
            [("analyze", "--percentiles=50"), ("series", "--points=2"), ("histogram", "--bins=2")]
        {
            let line = [&[command, flag], &at[..]].concat();
            let text = stdout_of(&[&line[..], &["--magnitude"]].concat());
            assert!(text.contains("\nmagnitude\n") || text.contains("\n| magnitude |"), "{text}");
            assert!(!stdout_of(&line).contains("magnitude"), "{command}");
        }
        let csv = stdout_of(&[&["histogram", "--csv", "--magnitude", "--bins", "2"], &at[..]].concat());
        assert_eq!(csv.lines().filter(|line| line.starts_with("magnitude,")).count(), 2, "{csv}");
        let csv = stdout_of(&[&["series", "--csv", "--magnitude", "--interval", "P1D"], &at[..]].concat());
        assert!(csv.lines().last().unwrap().contains(",magnitude,100,"), "{csv}");
    });
}
