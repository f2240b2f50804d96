//! Tests of exports: their bytes, and the import of an export, which gives the same readings.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{ArrayAccessor as _, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_schema::SchemaRef;
use device_stats_domain::DeviceKey;
use flate2::read::GzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{EPOCH_US, written};
use crate::sealing::seal_some;
use crate::server::{Api, CSV, JSON, Server, over_both_stores};

over_both_stores!(
    an_export_has_the_documented_bytes,
    an_export_without_readings_is_empty,
    text_is_compressed_on_request,
    an_invalid_export_is_refused,
    a_spreadsheet_evaluates_no_device_id,
);
over_both_databases!(export_and_import_keep_every_bit);

const COLUMN_FORMATS: [&str; 2] = ["arrow", "parquet"];
const EXPORT: &str = "/api/v1/stats/devices/d/export";
/// Divisor of `PROPTEST_CASES`, because a case stores, seals and imports several times.
const CASES_DIVISOR: u32 = 8;

async fn text(api: Api, path: &str) -> String {
    let response = api.get(path).await;
    assert_eq!(response.status, 200, "{response:?}");
    String::from_utf8(response.body).unwrap()
}

/// Stores readings of two devices of a user and of a device without an owner. Returns the id of the user.
async fn store_some(api: Api) -> i64 {
    let user = api.user("ada").await;
    for device in ["d", "a, \"b\"", "silent"] {
        api.owned_device(device, user).await;
    }
    api.device("foreign").await;
    let row = |device: &str, second: i64, x: f64| json!({"device_id": device, "timestamp": written(EPOCH_US + second * 1_000_000), "x": x, "y": -x, "z": 3});
    let rows = json!([
        row("foreign", 0, 5.0),
        row("d", 2, 1e300),
        row("a, \"b\"", 1, 0.1),
        row("d", 0, 0.0),
        row("d", 1, 5e-324),
    ]);
    assert_eq!(api.post("/api/v1/stats/batch", rows).await.status, 201);
    user
}

async fn an_export_has_the_documented_bytes(api: Api) {
    let user = store_some(api).await;
    let response = api.get(EXPORT).await;
    assert_eq!(response.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(response.header("content-disposition"), Some("attachment; filename=\"readings-d.csv\""));
    assert_eq!(response.header("content-encoding"), None);
    assert_eq!(response.header("vary"), Some("accept-encoding"));
    assert!(response.header("x-request-id").is_some());
    let of_d = "d,2026-11-23T00:00:00.000000Z,0.0,0.0,3.0\n\
                d,2026-11-23T00:00:01.000000Z,5e-324,-5e-324,3.0\n\
                d,2026-11-23T00:00:02.000000Z,1e+300,-1e+300,3.0\n";
    let header = "device_id,timestamp,x,y,z\n";
    assert_eq!(String::from_utf8(response.body).unwrap(), format!("{header}{of_d}"));
    assert_eq!(text(api, &format!("{EXPORT}/?format=csv")).await, format!("{header}{of_d}"));

    let of_user = format!("/api/v1/stats/users/{user}/export");
    let of_other = "\"a, \"\"b\"\"\",2026-11-23T00:00:01.000000Z,0.1,-0.1,3.0\n";
    assert_eq!(text(api, &of_user).await, format!("{header}{of_d}{of_other}"));
    let response = api.get(&format!("{of_user}?format=ndjson&start_time=2026-11-23T00:00:02Z")).await;
    assert_eq!(response.header("content-type"), Some("application/x-ndjson"));
    let name = format!("attachment; filename=\"readings-user-{user}.ndjson\"");
    assert_eq!(response.header("content-disposition"), Some(name.as_str()));
    let line =
        r#"{"device_id":"d","timestamp":"2026-11-23T00:00:02.000000Z","x":1e+300,"y":-1e+300,"z":3.0}"#;
    assert_eq!(String::from_utf8(response.body).unwrap(), format!("{line}\n"));

    // Both ends belong to the period.
    for (from, until, lines) in [(0, 2, 3), (1, 1, 1), (2, 1, 0), (3, 9, 0)] {
        let period = [from, until].map(|second| written(EPOCH_US + second * 1_000_000));
        let path = format!("{EXPORT}?start_time={}&end_time={}", period[0], period[1]);
        assert_eq!(text(api, &path).await.lines().count(), 1 + lines, "{path}");
    }
    let head = api.send("HEAD", EXPORT, &[], None).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(head.header("content-length"), None, "the length of an export is not known");
}

async fn an_export_without_readings_is_empty(api: Api) {
    let user = api.user("ada").await;
    api.device("d").await;
    for path in [EXPORT.to_owned(), format!("/api/v1/stats/users/{user}/export")] {
        assert_eq!(text(api, &path).await, "device_id,timestamp,x,y,z\n");
        assert_eq!(text(api, &format!("{path}?format=ndjson")).await, "");
        let response =
            api.send("GET", &format!("{path}?format=ndjson"), &["accept-encoding: gzip"], None).await;
        assert_eq!(unzipped(&response.body), "");
        // An empty file still names its columns.
        for format in COLUMN_FORMATS {
            let (schema, batches) = columns(api, &path, format).await;
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(names, ["device_id", "timestamp", "x", "y", "z"]);
            assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        }
    }
}

/// Exports readings in a column format, and reads the file with other libraries.
async fn columns(api: Api, path: &str, format: &str) -> (SchemaRef, Vec<RecordBatch>) {
    let response =
        api.send("GET", &format!("{path}?format={format}"), &["accept-encoding: gzip"], None).await;
    let (media_type, extension) = match format {
        "arrow" => ("application/vnd.apache.arrow.stream", "arrows\""),
        _ => ("application/vnd.apache.parquet", "parquet\""),
    };
    assert_eq!((response.status, response.header("content-type")), (200, Some(media_type)));
    assert_eq!(response.header("content-encoding"), None);
    assert!(response.header("content-disposition").unwrap().ends_with(extension));
    if format == "arrow" {
        // Some readers of streams do not notice a missing end.
        assert!(response.body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
        let reader = StreamReader::try_new(response.body.as_slice(), None).unwrap();
        (reader.schema(), reader.map(Result::unwrap).collect())
    } else {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(response.body)).unwrap();
        (Arc::clone(reader.schema()), reader.build().unwrap().map(Result::unwrap).collect())
    }
}

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

async fn text_is_compressed_on_request(api: Api) {
    store_some(api).await;
    for format in ["csv", "ndjson"] {
        let path = format!("{EXPORT}?format={format}");
        let plain = text(api, &path).await;
        let response = api.send("GET", &path, &["accept-encoding: br, gzip;q=0.8"], None).await;
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.header("vary"), Some("accept-encoding"));
        assert_eq!(unzipped(&response.body), plain);
        let response = api.send("GET", &path, &["accept-encoding: br, gzip;q=0"], None).await;
        assert_eq!(response.header("content-encoding"), None);
        assert_eq!(response.body, plain.as_bytes());
    }
}

async fn an_invalid_export_is_refused(api: Api) {
    let user = api.user("ada").await;
    api.device("d").await;
    for (query, expected) in [
        ("format=xml", "422 literal_error query.format"),
        ("format=CSV", "422 literal_error query.format"),
        ("format=", "422 literal_error query.format"),
        ("format=csv&format=csv", "422 repeated query.format"),
        ("end_time=x", "422 datetime_from_date_parsing query.end_time"),
        ("limit=1", "422 extra_forbidden query.limit"),
        (
            "format=x&start_time=y&end_time=z&skip=1",
            "422 literal_error query.format, datetime_from_date_parsing query.start_time, \
             datetime_from_date_parsing query.end_time, extra_forbidden query.skip",
        ),
    ] {
        assert_eq!(api.get(&format!("{EXPORT}?{query}")).await.brief(), expected, "{query}");
        let of_user = format!("/api/v1/stats/users/{user}/export?{query}");
        assert_eq!(api.get(&of_user).await.brief(), expected, "{query}");
    }
    for (path, expected) in [
        ("/api/v1/stats/devices/none/export", "404 Device not found"),
        ("/api/v1/stats/users/99/export", "404 User not found"),
        ("/api/v1/stats/users/x/export", "422 int_parsing path.user_id"),
    ] {
        assert_eq!(api.get(path).await.brief(), expected, "{path}");
    }
    let fault = &api.get(&format!("{EXPORT}?format=xml")).await.json()["detail"][0];
    assert_eq!(fault["msg"], "Input should be 'csv', 'ndjson', 'arrow' or 'parquet'");
}

/// A reading of one of three devices: the index of the device, the second, and the values.
type Drawn = (usize, i64, [f64; 3]);

fn number() -> impl Strategy<Value = f64> {
    let nasty =
        [f64::MIN, f64::MAX, 5e-324, -5e-324, f64::MIN_POSITIVE, 0.0, -0.0, 0.1, 1e23, 9e15, 123_456.789];
    prop_oneof![
        prop::sample::select(nasty.to_vec()),
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ]
}

/// Generates batches of readings. After a batch, its number out of every 60 hot readings of each device is
/// sealed.
fn drawn() -> impl Strategy<Value = Vec<(Vec<Drawn>, usize)>> {
    let reading = (0..3_usize, -400_i64..400, prop::array::uniform3(number()));
    prop::collection::vec((prop::collection::vec(reading, 1..40), 0..60_usize), 1..5)
}

/// Readings of an export: the bits of the values of each reading, by device and time.
type Held = BTreeMap<(usize, i64), [u64; 3]>;

/// A service over a database. It has a user with three devices, and their names need quoting.
struct Side {
    server: Server,
    user: i64,
    device_ids: [String; 3],
    keys: Vec<DeviceKey>,
}

impl Side {
    async fn begin(server: Server, case: u32) -> Self {
        let api = server.api;
        let user = api.user(&format!("u{case}")).await;
        let device_ids = [format!("{case},\"a\""), format!("ü 🚰'{case}"), format!("=1+{case};\\n")];
        let mut keys = Vec::new();
        for device_id in &device_ids {
            keys.push(api.owned_device(device_id, user).await);
        }
        Self { server, user, device_ids, keys }
    }

    async fn export(&self, format: &str) -> String {
        text(self.server.api, &format!("/api/v1/stats/users/{}/export?format={format}", self.user)).await
    }

    async fn import(&self, head: &str, body: impl AsRef<[u8]>) {
        let response =
            self.server.api.send("POST", "/api/v1/stats/batch", &[head], Some(body.as_ref())).await;
        assert_eq!(response.status, 201, "{response:?}");
    }

    /// Returns the readings of a file in a column format, and their order.
    fn read_columns(&self, batches: &[RecordBatch]) -> (Held, Vec<(usize, i64)>) {
        let (mut held, mut order) = (Held::new(), Vec::new());
        for batch in batches {
            let names = batch.column(0).as_dictionary::<Int32Type>();
            let names = names.downcast_dict::<StringArray>().unwrap();
            let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            let numbers = [2, 3, 4].map(|column| batch.column(column).as_primitive::<Float64Type>());
            for row in 0..batch.num_rows() {
                let device = self.device_ids.iter().position(|id| id == names.value(row)).unwrap();
                let time = (times.value(row) - EPOCH_US).div_euclid(1_000_001);
                assert_eq!(written(times.value(row)), moment(time));
                let bits = numbers.map(|numbers| numbers.value(row).to_bits());
                assert_eq!(held.insert((device, time), bits), None, "twice");
                order.push((device, time));
            }
        }
        (held, order)
    }

    /// Deletes the user with the devices and their readings.
    async fn delete(&self) {
        let response = self.server.api.delete(&format!("/api/v1/users/{}", self.user)).await;
        assert_eq!(response.status, 204, "{response:?}");
    }

    /// Returns the readings of a CSV export, and their order.
    fn read(&self, csv: &str) -> (Held, Vec<(usize, i64)>) {
        let (mut held, mut order) = (Held::new(), Vec::new());
        for row in csv::Reader::from_reader(csv.as_bytes()).records() {
            let row = row.unwrap();
            // An apostrophe in front keeps a spreadsheet from evaluating an id.
            let written = |id: &str| id == &row[0] || row[0].strip_prefix('\'') == Some(id);
            let device = self.device_ids.iter().position(|id| written(id)).unwrap();
            let time = (-400..400).find(|second| moment(*second) == row[1]).unwrap();
            let numbers = [2, 3, 4].map(|column| row[column].parse::<f64>().unwrap().to_bits());
            assert_eq!(held.insert((device, time), numbers), None, "twice");
            order.push((device, time));
        }
        (held, order)
    }
}

fn moment(second: i64) -> String {
    written(EPOCH_US + second * 1_000_000 + second)
}

async fn export_and_import_keep_every_bit(database: Database) {
    let other = match database {
        Database::Sqlite(_) => Database::sqlite(),
        Database::Postgres(_) => Database::postgres(),
    };
    let cases = Config::default().cases.div_ceil(CASES_DIVISOR);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let number = RefCell::new(0..);
    let result = TestRunner::new(config).run(&drawn(), |batches| {
        let case = number.borrow_mut().next().unwrap();
        block_in_place(|| Handle::current().block_on(there_and_back(&database, &other, case, &batches)));
        Ok(())
    });
    result.unwrap();
}

async fn there_and_back(from: &Database, to: &Database, case: u32, batches: &[(Vec<Drawn>, usize)]) {
    let store = from.open().await;
    let source = Side::begin(Server::start(Arc::clone(&store)).await, case).await;
    let mut expected = Held::new();
    for (batch, sealed) in batches {
        let rows = batch.iter().map(|(device, second, [x, y, z])| {
            let numbers = [x, y, z].map(|number| (number + 0.0).to_bits());
            expected.entry((*device, *second)).or_insert(numbers);
            json!({"device_id": source.device_ids[*device], "timestamp": moment(*second), "x": x, "y": y, "z": z})
        });
        source.import(JSON, &rows.collect::<Value>().to_string()).await;
        for key in &source.keys {
            seal_some(&*store, *key, |place| place % 60 < *sealed).await;
        }
    }
    let csv = source.export("csv").await;
    let (held, order) = source.read(&csv);
    assert_eq!(held, expected);
    assert!(order.is_sorted());
    let ndjson = source.export("ndjson").await;
    for format in COLUMN_FORMATS {
        let path = format!("/api/v1/stats/users/{}/export", source.user);
        let (_, batches) = columns(source.server.api, &path, format).await;
        assert_eq!(source.read_columns(&batches), (held.clone(), order.clone()), "{format}");
    }
    let arrow = format!("/api/v1/stats/users/{}/export?format=arrow", source.user);
    let arrow = source.server.api.get(&arrow).await.body;
    source.server.stop().await;

    let server = Server::start(to.open().await).await;
    let target = Side::begin(server, case).await;
    target.import(CSV, &csv).await;
    assert_eq!(target.export("csv").await, csv);
    target.delete().await;

    let target = Side::begin(target.server, case).await;
    let rows = format!("[{}]", ndjson.lines().collect::<Vec<_>>().join(","));
    target.import(JSON, &rows).await;
    assert_eq!(target.export("ndjson").await, ndjson);
    assert_eq!(target.export("csv").await, csv);
    target.delete().await;

    let target = Side::begin(target.server, case).await;
    target.import("content-type: application/vnd.apache.arrow.stream", &arrow).await;
    assert_eq!(target.export("csv").await, csv);
    target.delete().await;
    target.server.stop().await;
}

/// A spreadsheet would evaluate a device id that begins with `=` as a formula.
async fn a_spreadsheet_evaluates_no_device_id(api: Api) {
    let user = api.user("ada").await;
    let ids = ["=1+1", "@SUM(A1)", "-x", "+y", "'=z", "-7"];
    for id in ids {
        api.owned_device(id, user).await;
        let row = json!([{"device_id": id, "x": 1, "y": 2, "z": 3, "timestamp": "2026-11-23"}]);
        assert_eq!(api.post("/api/v1/stats/batch", row).await.status, 201);
    }
    let exported = api.get(&format!("/api/v1/stats/users/{user}/export?format=csv")).await.body;
    let cells: Vec<String> = csv::Reader::from_reader(exported.as_slice())
        .records()
        .map(|record| record.unwrap()[0].to_owned())
        .collect();
    assert_eq!(cells, ["'=1+1", "'@SUM(A1)", "'-x", "'+y", "''=z", "-7"]);
    // The same file is imported back unchanged.
    let again = api.send("POST", "/api/v1/stats/batch", &["content-type: text/csv"], Some(&exported)).await;
    assert_eq!(again.json()["duplicates"], ids.len(), "{again:?}");
}
