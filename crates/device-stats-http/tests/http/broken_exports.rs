//! Tests of running exports: slow clients, the limit for a client address, concurrent merges and deletions,
//! and damage that ends an export early.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_ipc::reader::StreamReader;
use device_stats_domain::limits::DEVICE_ID_BYTES_MAX;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_formats::limits::EXPORT_ROW_GROUP_READINGS;
use device_stats_segment::{Column, Effort, Head, PageId, Row, Segment};
use device_stats_service::limits::EXPORTS_PER_ADDRESS_MAX;
use device_stats_store::limits::STORE_CONNECTIONS_MAX;
use device_stats_store::{Model, Piece, PieceKey, Replaced, SegmentId, Store};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{EPOCH_US, written};
use crate::sealing::merge_some;
use crate::server::{Api, Server, read_chunks};

over_both_databases!(
    an_export_survives_a_merge_of_its_segments,
    an_export_continues_after_a_deletion_of_readings,
    an_export_breaks_off_when_its_device_is_deleted,
    damage_aborts_an_export,
    an_export_leaves_out_devices_deleted_before_their_turn
);

/// Number of readings of a device; far more than the buffers between service and client hold.
const READINGS: usize = 300_000;
/// Number of readings of a segment.
const SEALED: usize = 100_000;
/// Size of a buffer that holds little of a response, in bytes.
const SMALL_BUFFER_BYTES: u32 = 4096;
/// Maximum wait until the service notices the end of a connection.
const PATIENCE: Duration = Duration::from_secs(30);

fn row(reading: usize) -> Row {
    let n = i32::try_from(reading * 7_919 % 100_003).unwrap();
    let z = f64::from(n % 3_000 - 1_500) * 2_f64.powi(n % 300 - 150);
    let values = Axes { x: f64::from(n) / 7.0, y: f64::from(n % 40), z };
    Row { time_us: time_us(reading), id: i64::from(n) + 1, values }
}

fn time_us(reading: usize) -> i64 {
    EPOCH_US + i64::try_from(reading).unwrap() * 1_000_000
}

/// Returns the lines of an export for readings of a device.
fn lines(device: &str, readings: Range<usize>) -> String {
    let line = |row: Row| {
        let Axes { x, y, z } = row.values.map(|number| json!(number));
        format!("{device},{},{x},{y},{z}\n", written(row.time_us))
    };
    readings.map(row).map(line).collect()
}

fn table(device: &str, readings: Range<usize>) -> String {
    format!("device_id,timestamp,x,y,z\n{}", lines(device, readings))
}

/// Registers a device and appends readings as segments.
async fn stored(
    store: &dyn Store,
    api: Api,
    device: &str,
    user: Option<i64>,
    readings: usize,
) -> (DeviceKey, Vec<(SegmentId, Segment)>) {
    let key = api.owned_device(device, user).await;
    let mut segments = Vec::new();
    for first in (0..readings).step_by(SEALED) {
        let rows: Vec<Row> = (first..readings.min(first + SEALED)).map(row).collect();
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let Replaced::Done(id) = store.append_segment(key, &segment).await.unwrap() else { panic!("stale") };
        segments.push((id, segment));
    }
    (key, segments)
}

/// A client that has read the head of a response.
struct Reader {
    stream: TcpStream,
    head: String,
}

impl Reader {
    async fn begin(api: Api, path: &str) -> Self {
        Self::begin_on(TcpStream::connect(api.address).await.unwrap(), path).await
    }

    async fn begin_on(mut stream: TcpStream, path: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        Self { stream, head: String::from_utf8(head).unwrap() }
    }

    /// Reads the body. Returns `Err` with the received part if the body ends early.
    async fn finish(mut self) -> Result<String, String> {
        assert!(self.head.starts_with("HTTP/1.1 200 ") && self.head.contains("chunked"), "{}", self.head);
        let body = read_chunks(&mut self.stream).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        body.map(text).map_err(text)
    }
}

async fn begin(database: &Database) -> (Arc<dyn Store>, Server) {
    let store = database.open().await;
    // Without a cache, the service notices deleted segments.
    let server = Server::start_with_cache(Arc::clone(&store), 0).await;
    (store, server)
}

/// All segments are merged, and late readings arrive, before a client reads the body. The client gets each
/// reading of its snapshot once. The waiting client holds no connection of the store, so other clients are
/// served.
async fn an_export_survives_a_merge_of_its_segments(database: Database) {
    let (store, server) = begin(&database).await;
    let api = server.api;
    let (key, segments) = stored(&*store, api, "d", None, READINGS).await;
    let mut readers = Vec::new();
    for _ in 0..STORE_CONNECTIONS_MAX + 2 {
        readers.push(Reader::begin(api, "/api/v1/stats/devices/d/export").await);
    }
    for n in 0..5 {
        let late = json!({"x": 1, "y": 2, "z": 3, "timestamp": written(EPOCH_US - 1 - n)});
        assert_eq!(api.post("/api/v1/stats/devices/d", late).await.status, 201);
        let counted = api.post("/api/v1/stats/devices/d/analyze", "{}").await.json();
        assert_eq!(counted["x"]["count"], READINGS as u64 + n.unsigned_abs() + 1);
    }
    let merged = merge_some(&*store, key, |_| true).await;
    assert!(matches!(merged, Some(Replaced::Done(_))), "{merged:?}");
    assert!(store.list_segments(key).await.unwrap().len() < segments.len());
    let expected = table("d", 0..READINGS);
    // The other clients disconnect.
    readers.truncate(2);
    for reader in readers {
        assert!(reader.finish().await.unwrap() == expected);
    }
    server.stop().await;
}

/// The last segment is deleted, and the one before is cut, before a client reads the body. The export
/// continues with the remaining readings.
async fn an_export_continues_after_a_deletion_of_readings(database: Database) {
    let (store, server) = begin(&database).await;
    stored(&*store, server.api, "d", None, READINGS).await;
    let reader = Reader::begin(server.api, "/api/v1/stats/devices/d/export").await;
    let kept = READINGS - SEALED - 5;
    let query = format!("start_time={}&end_time=2200-01-01", written(time_us(kept)));
    let response = server.api.delete(&format!("/api/v1/stats/devices/d?{query}")).await;
    assert_eq!(response.json(), json!({"deleted": READINGS - kept}));
    assert!(reader.finish().await.unwrap() == table("d", 0..kept));
    server.stop().await;
}

async fn an_export_breaks_off_when_its_device_is_deleted(database: Database) {
    let (store, server) = begin(&database).await;
    stored(&*store, server.api, "d", None, READINGS).await;
    let reader = Reader::begin(server.api, "/api/v1/stats/devices/d/export").await;
    assert_eq!(server.api.delete("/api/v1/devices/d").await.status, 204);
    let read = reader.finish().await.unwrap_err();
    let expected = table("d", 0..READINGS);
    assert!(read.len() < expected.len() && expected.starts_with(&read));
    server.stop().await;
}

/// Damage in the first span gives an ordinary error response. Damage in a later span ends the export after
/// the readings before the damage.
async fn damage_aborts_an_export(database: Database) {
    let (store, server) = begin(&database).await;
    let api = server.api;
    let (key, segments) = stored(&*store, api, "d", None, 3 * SEALED).await;
    let path = "/api/v1/stats/devices/d/export";
    for (place, (id, segment)) in segments.iter().enumerate() {
        let page = PageId { column: Column::Times, index: 0 };
        let page = Head::open(&segment.head).unwrap().block_range(page).unwrap();
        let block = PieceKey { device: key, segment: *id, piece: Piece::Block(page.block) };
        let sound = &segment.blocks[page.block as usize];
        let mut bytes = sound.clone();
        bytes[page.bytes.start] ^= 1;
        database.replace(block, &bytes).await;
        if place == 0 {
            let response = api.get(path).await;
            let detail = format!("Segment {} of the device with id {} is corrupt", id.0, key.0);
            assert_eq!((response.status, &response.json()["detail"]), (500, &json!(detail)));
        } else {
            let read = Reader::begin(api, path).await.finish().await.unwrap_err();
            assert!(table("d", 0..place * SEALED).starts_with(&read));
            assert!(read.len() > 1_000_000, "{}", read.len());
        }
        // The readings before the damage are intact.
        let end = time_us((place * SEALED).saturating_sub(1));
        if place > 0 {
            let before = api.get(&format!("{path}?end_time={}", written(end))).await;
            assert!(before.body == table("d", 0..place * SEALED).as_bytes());
        }
        database.replace(block, sound).await;
    }
    // Column formats write all row groups.
    for format in ["arrow", "parquet"] {
        let response = api.get(&format!("{path}?format={format}")).await;
        assert_eq!(rows_of(format, response.body), 3 * SEALED, "{format}");
    }
    let whole = Reader::begin(api, path).await.finish().await.unwrap();
    assert!(whole == table("d", 0..3 * SEALED));
    server.stop().await;
}

/// Returns the number of readings of a file, after comparing each with [`row`].
fn rows_of(format: &str, body: Vec<u8>) -> usize {
    let batches: Vec<RecordBatch> = if format == "arrow" {
        StreamReader::try_new(body.as_slice(), None).unwrap().map(Result::unwrap).collect()
    } else {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(body)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), (3 * SEALED).div_ceil(EXPORT_ROW_GROUP_READINGS));
        reader.build().unwrap().map(Result::unwrap).collect()
    };
    let mut count = 0;
    for batch in &batches {
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        let numbers = [2, 3, 4].map(|column| batch.column(column).as_primitive::<Float64Type>());
        for (place, reading) in (0..batch.num_rows()).zip(count..) {
            let Row { time_us, id: _, values: Axes { x, y, z } } = row(reading);
            assert_eq!(times.value(place), time_us);
            assert_eq!(numbers.map(|numbers| numbers.value(place).to_bits()), [x, y, z].map(f64::to_bits));
        }
        count += batch.num_rows();
    }
    count
}

/// Each device gets its snapshot when its turn comes.
async fn an_export_leaves_out_devices_deleted_before_their_turn(database: Database) {
    let (store, server) = begin(&database).await;
    let api = server.api;
    let user = api.user("ada").await;
    stored(&*store, api, "a", Some(user), READINGS).await;
    stored(&*store, api, "b", Some(user), 10).await;
    stored(&*store, api, "c", Some(user), 10).await;
    let reader = Reader::begin(api, &format!("/api/v1/stats/users/{user}/export")).await;
    assert_eq!(api.delete("/api/v1/devices/b").await.status, 204);
    stored(&*store, api, "late", Some(user), 10).await;
    let expected = table("a", 0..READINGS) + &lines("c", 0..10);
    assert!(reader.finish().await.unwrap() == expected);
    server.stop().await;
}

/// One client could run all exports of a node without reading them. No test failed when their limit was not
/// checked.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_address_gets_a_part_of_the_exports() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let server = Server::start_behind(Arc::clone(&store), "127.0.0.1".parse().unwrap()).await;
    let api = server.api;
    // With a long id, few readings need more than the buffers between service and client hold.
    let id = "d".repeat(DEVICE_ID_BYTES_MAX);
    stored(&*store, api, &id, None, 20_000).await;
    api.device("empty").await;
    let export_of = |device: &str| format!("/api/v1/stats/devices/{device}/export");
    let (long, empty) = (export_of(&id), export_of("empty"));
    let mut unread = Vec::new();
    for _ in 0..EXPORTS_PER_ADDRESS_MAX {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(SMALL_BUFFER_BYTES).unwrap();
        let reader = Reader::begin_on(socket.connect(api.address).await.unwrap(), &long).await;
        assert!(reader.head.starts_with("HTTP/1.1 200 "), "{}", reader.head);
        unread.push(reader);
    }
    for path in [&long, &empty] {
        let refused = api.get(path).await;
        let body = refused.json();
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{body}");
        let detail = "24 exports of this client address are running, try again when one has ended";
        assert_eq!((&body["code"], &body["detail"]), (&json!("too_many_exports"), &json!(detail)));
    }
    for client in ["10.0.0.1", "2001:db8::1"] {
        let header = format!("x-forwarded-for: {client}");
        assert_eq!(api.send("GET", &empty, &[&header], None).await.status, 200, "{client}");
    }
    // The service notices the end of a connection a little later.
    unread.pop();
    let passes = async { while api.get(&empty).await.status != 200 {} };
    timeout(PATIENCE, passes).await.expect("a place is free again");
    drop(unread);
    server.stop().await;
}
