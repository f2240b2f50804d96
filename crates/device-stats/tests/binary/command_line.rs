//! The commands `import`, `analyze`, `bench load`, `config` and `openapi`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int16Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run, stdout_of};

/// Returns interleaved readings of three devices, with values that need every bit.
fn readings() -> Vec<(String, [f64; 3])> {
    let value = |seed: u32| (f64::from(seed) * 12.9898).sin() * 1e3;
    let row = |row: u32| (format!("sensor {}", row % 3), [value(row), -value(row + 1), value(row) / 3.0]);
    (0..12_345).map(row).collect()
}

fn csv(readings: &[(String, [f64; 3])]) -> String {
    let mut text = "device_id,timestamp,x,y,z\n".to_owned();
    for (row, (device, [x, y, z])) in readings.iter().enumerate() {
        writeln!(text, "{device},2026-11-23T10:{:02}:{:02}.{:06}Z,{x},{y},{z}", row / 60 % 60, row % 60, row)
            .unwrap();
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2].midpoint(values[values.len() / 2])
}

#[test]
fn import_and_analyze_keep_every_bit() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let readings = readings();
        let file = folder.path().join("readings.csv");
        std::fs::write(&file, csv(&readings)).unwrap();
        let file = file.to_str().unwrap();

        let first = stdout_of(&["import", file, "--url", &server.url]);
        assert!(first.contains("12345 accepted, 0 repeats"), "{first}");
        let again = stdout_of(&["import", file, "--url", &server.url]);
        assert!(again.contains("0 accepted, 12345 repeats"), "{again}");
        assert!(!again.contains("conflicts"), "{again}");
        let mut changed = readings.clone();
        changed[77].1[2] = 0.5;
        changed[78].1[0] = 0.5;
        let other = folder.path().join("changed.csv");
        std::fs::write(&other, csv(&changed)).unwrap();
        let other = stdout_of(&["import", other.to_str().unwrap(), "--url", &server.url]);
        assert!(other.contains("0 accepted, 12345 repeats"), "{other}");
        let note =
            "conflicts: 2 (repeats with other values than the stored readings, which stay as they are)";
        assert_eq!(other.lines().last(), Some(note));

        for device in ["sensor 0", "sensor 1", "sensor 2"] {
            let analysis: Value =
                serde_json::from_str(&stdout_of(&["analyze", device, "--json", "--url", &server.url]))
                    .unwrap();
            for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
                let values: Vec<f64> = readings
                    .iter()
                    .filter(|(owner, _)| owner == device)
                    .map(|(_, values)| values[axis])
                    .collect();
                let statistics = &analysis[name];
                assert_eq!(statistics["count"].as_u64(), Some(values.len() as u64));
                assert_eq!(statistics["min_value"].as_f64(), values.iter().copied().reduce(f64::min));
                assert_eq!(statistics["max_value"].as_f64(), values.iter().copied().reduce(f64::max));
                assert_eq!(statistics["median"].as_f64(), Some(median(values.clone())));
                let sum: device_stats_exact::ExactSum = values.iter().copied().collect();
                assert_eq!(statistics["sum"].as_f64(), sum.rounded());
            }
            assert!(stdout_of(&["analyze", device, "--url", &server.url]).contains("median"));
        }
    });
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Each file has the same readings, so all files after the first have only repeats.
#[test]
fn the_extension_determines_the_format_of_a_file() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let readings = readings();
        let table = csv(&readings);
        let objects: Vec<String> = table
            .lines()
            .skip(1)
            .zip(&readings)
            .map(|(line, (device, [x, y, z]))| {
                let time = line.split(',').nth(1).unwrap();
                format!(r#"{{"device_id":"{device}","timestamp":"{time}","x":{x},"y":{y},"z":{z}}}"#)
            })
            .collect();
        let lines = objects.join("\n").into_bytes();
        let array =
            format!("[\n  {}\n]\n", objects.join(",\n  ").replace(",\"x\"", ",\n    \"x\"")).into_bytes();
        let columns = columns(&table, &readings);
        let table = table.into_bytes();
        let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
        let mut accepted = readings.len();
        for (name, bytes) in [
            ("readings.ndjson", lines.clone()),
            ("readings.jsonl.gz", [gzip(&lines[..99_999]), gzip(&lines[99_999..])].concat()),
            ("readings.ndjson.zst", zstd(&lines)),
            ("readings.json", array.clone()),
            ("readings.json.gz", gzip(&array)),
            ("readings.json.zst", [zstd(&array[..99_999]), zstd(&array[99_999..])].concat()),
            ("readings.csv.gz", gzip(&table)),
            ("readings.csv.zst", zstd(&table)),
            ("readings.arrows", stream(&columns)),
            ("readings.arrows.gz", gzip(&stream(&columns))),
            ("stream.arrow", stream(&columns)),
            ("file.arrow", arrow_file(&columns)),
            ("readings.parquet", parquet(&columns)),
        ] {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            let text = stdout_of(&["import", file.to_str().unwrap(), "--url", &server.url]);
            let expected = format!("{accepted} accepted, {} repeats", readings.len() - accepted);
            assert!(text.contains(&expected), "{name}: {text}");
            accepted = 0;
        }
    });
}

/// Returns the same readings as columns.
fn columns(table: &str, readings: &[(String, [f64; 3])]) -> RecordBatch {
    let column = |array: ArrayRef| array;
    let times = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap());
    let devices = readings.iter().map(|(device, _)| device.as_str());
    let axis = |axis: usize| {
        let values = readings.iter().map(|(_, values)| values[axis]);
        column(Arc::new(Float64Array::from_iter_values(values)))
    };
    RecordBatch::try_from_iter([
        ("timestamp", column(Arc::new(StringArray::from_iter_values(times)))),
        ("x", axis(0)),
        ("y", axis(1)),
        ("device_id", column(Arc::new(devices.collect::<DictionaryArray<Int16Type>>()))),
        ("z", axis(2)),
    ])
    .unwrap()
}

fn stream(columns: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &columns.schema()).unwrap();
    writer.write(columns).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// Encodes an Arrow file of two compressed batches.
fn arrow_file(columns: &RecordBatch) -> Vec<u8> {
    let lz4 = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &columns.schema(), lz4).unwrap();
    writer.write(&columns.slice(0, 5_001)).unwrap();
    writer.write(&columns.slice(5_001, columns.num_rows() - 5_001)).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn parquet(columns: &RecordBatch) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(4_000));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, columns.schema(), Some(properties.build())).unwrap();
    writer.write(columns).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn a_fault_in_columns_names_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let mut readings = readings();
    let mut cut = stream(&columns(&csv(&readings), &readings));
    cut.truncate(cut.len() - 8);
    readings[6_000].1[1] = f64::NAN;
    let faulty = columns(&csv(&readings), &readings);
    let some = faulty.project(&[1, 2, 3]).unwrap();
    for (name, bytes, expected) in [
        (
            "faulty.arrows",
            stream(&faulty),
            vec!["faulty.arrows: row 6001: y: ", "5000 accepted", "--skip 5000"],
        ),
        ("faulty.parquet", parquet(&faulty), vec!["faulty.parquet: row 6001: y: ", "5000 repeats"]),
        ("some.arrow", arrow_file(&some), vec!["some.arrow: header.z: Column required"]),
        ("some.parquet", parquet(&some), vec!["some.parquet: header.z: Column required"]),
        ("cut.arrows", cut, vec!["stopped after 12345 readings", "cut.arrows: the stream is cut off"]),
        (
            "plain.arrow",
            b"device_id,x,y,z\n".to_vec(),
            vec!["plain.arrow: the file is neither an Arrow file"],
        ),
        ("plain.parquet", b"device_id,x,y,z\n".to_vec(), vec!["plain.parquet: the file is not Parquet"]),
    ] {
        assert_import_fails(&server, &folder.path().join(name), &bytes, &expected);
    }
    // After the faulty row, all rows are accepted.
    let file = folder.path().join("faulty.parquet");
    let text = stdout_of(&["import", file.to_str().unwrap(), "--skip", "6001", "--url", &server.url]);
    assert!(text.starts_with("6344 readings: 0 accepted, 6344 repeats"), "{text}");
}

#[test]
fn a_fault_in_text_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let good = r#"{"device_id":"pump","timestamp":1795428001,"x":1,"y":2,"z":3}"#;
    let faulty = r#"{"device_id":"pump","timestamp":1795428002,"x":1,"y":"oops","z":3}"#;
    let lines = format!("{good}\n\n{faulty}\n{{\n");
    let mut cut = gzip(lines.as_bytes());
    cut.truncate(cut.len() / 2);
    for (name, bytes, expected) in [
        (
            "faulty.csv",
            b"device_id,timestamp,x,y,z\npump,1795428001,1,2,3\npump,1795428002,1,oops,3\n".to_vec(),
            vec!["faulty.csv:3: y:"],
        ),
        ("faulty.ndjson", lines.clone().into_bytes(), vec!["faulty.ndjson:3: y:", "faulty.ndjson:4: JSON"]),
        ("faulty.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap(), vec!["faulty.jsonl.zst:3: y:"]),
        (
            "faulty.json",
            format!("[\n{good},\n{{\"timestamp\":1795428002,\"device_id\":\ntrue}}]").into_bytes(),
            vec!["faulty.json:3: device_id:"],
        ),
        ("open.json", format!("[\n{good},\n").into_bytes(), vec!["open.json:3: the array is not closed"]),
        ("cut.ndjson.gz", cut, vec!["cannot read", "cut.ndjson.gz: the file is cut off: "]),
        (
            "plain.csv.gz",
            b"device_id,x,y,z\n".to_vec(),
            vec!["cannot read", "plain.csv.gz: the file is not compressed with gzip"],
        ),
        (
            "plain.csv.zst",
            b"device_id,x,y,z\n".to_vec(),
            vec!["cannot read", "plain.csv.zst: the file is not compressed with zstd"],
        ),
        (
            "readings.txt",
            b"device_id,x,y,z\n".to_vec(),
            vec!["readings.txt names no known format", ".ndjson"],
        ),
    ] {
        assert_import_fails(&server, &folder.path().join(name), &bytes, &expected);
    }
}

#[test]
fn an_unknown_device_and_a_missing_file_fail() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let output = run(&["analyze", "nobody", "--url", &server.url]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Device not found"));
    let missing = run(&["import", "/no/such/file.csv", "--url", &server.url]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(missing.stderr, b"error: cannot read /no/such/file.csv: it does not exist\n");
}

#[test]
fn config_hides_secrets() {
    let mut command = device_stats(&["config"]);
    command.env("DATABASE_URL", "postgres://ada:s3cret@db:5432/readings");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("db") && !text.contains("s3cret"), "{text}");
}

#[test]
fn the_committed_openapi_document_is_up_to_date() {
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json")).unwrap();
    assert!(stdout_of(&["openapi"]) == committed, "run `make openapi-write` and check the difference");
}

#[test]
fn bench_load_stores_readings_and_prints_the_throughput() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&format!("sqlite:{}", folder.path().join("load.db").display()));
    let load = |more: &[&str]| {
        let flags =
            ["bench", "load", "--readings", "2003", "--devices", "3", "--batch", "500", "--url", &server.url];
        run(&[&flags, more].concat())
    };
    for _ in 0..2 {
        let output = load(&[]);
        let summary = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(summary.starts_with("2003 readings: 2003 accepted, 0 repeats, in "), "{summary} {output:?}");
        assert!(summary.contains("; 5 requests, answered in "), "{summary}");
    }
    let exported = stdout_of(&["export", "--device", "bench-2", "--url", &server.url]);
    assert_eq!(exported.lines().count(), 1 + 2 * 667);
    let summary: serde_json::Value = serde_json::from_slice(&load(&["--json"]).stdout).unwrap();
    assert_eq!((&summary["accepted"], &summary["duplicates"]), (&2003.into(), &0.into()), "{summary}");
    assert_eq!(load(&["--batch", "0"]).status.code(), Some(2));
    let unreachable = ["bench", "load", "--url", "http://127.0.0.1:1", "--retry-for", "0"];
    assert_eq!(run(&unreachable).status.code(), Some(4));
}

/// Asserts that the import of a file with these bytes fails with a message that has all the expected parts.
fn assert_import_fails(server: &Server, file: &Path, bytes: &[u8], expected: &[&str]) {
    std::fs::write(file, bytes).unwrap();
    let name = file.display();
    let output = run(&["import", file.to_str().unwrap(), "--url", &server.url]);
    assert_eq!(output.status.code(), Some(1), "{name}");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(expected.iter().all(|part| message.contains(part)), "{name}: {message}");
}
