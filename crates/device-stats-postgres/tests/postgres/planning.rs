//! The plans of statements. A session plans each statement once, maybe while its tables are empty. PostgreSQL
//! then reads whole tables, and the session would keep this plan while the tables grow. The server logs the
//! plans.

use device_stats_domain::{Author, DeviceKey, IdempotencyKey, ListPage, NewArrivals, Window};
use device_stats_postgres::PostgresStore;
use device_stats_postgres::testing::TestPostgres;
use device_stats_segment::Effort;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, ArrivalStore, KeyedReadings, Piece, PieceKey, Purged, ReadingStore, Replaced, SegmentStore,
    SnapshotStore, Store, Subject, Visibility,
};

use crate::{at, config, connect, device, reading, sealed_rows, segment, server_timed};

/// Tables that can be long, although they were empty when a statement was planned.
const TABLES: [&str; 9] = [
    "reading",
    "keyed_request",
    "segment",
    "segment_block",
    "derived_segment",
    "derived_block",
    "devices",
    "deleted_device",
    "arrival",
];

/// Returns the scans of whole tables, and of whole indexes, in plans: each with the line that follows.
fn whole_scans(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let is_of_table = |line: &str| {
        line.split(" on ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .is_some_and(|t| TABLES.contains(&t))
    };
    let pairs = lines.iter().zip(lines.iter().skip(1));
    let scans = pairs.filter(|(line, _)| line.contains("Scan") && is_of_table(line));
    let is_whole = |(_, next): &(&&str, &&str)| !next.contains("Index Cond") && !next.contains("TID Cond");
    scans.filter(is_whole).map(|(line, next)| format!("{line} / {next}")).collect()
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_although_it_was_planned_for_an_empty_one() {
    let server = TestPostgres::start();
    let url = server.fresh_database();
    let admin = connect(&url).await;
    let options = "-c%20session_preload_libraries=auto_explain%20-c%20auto_explain.log_min_duration=0\
                   %20-c%20auto_explain.log_nested_statements=on";
    let store = PostgresStore::open(&config(&format!("{url}?options={options}")), true).await.unwrap();
    let device = device(&store, "d").await;
    // The statistics say now that the tables are empty.
    admin.batch_execute("VACUUM ANALYZE").await.unwrap();
    let before = server.log().len();

    store.append(&[reading(device, 1), reading(device, 2)]).await.unwrap();
    store.append(&[reading(device, 1), reading(device, 3)]).await.unwrap();
    store.append(&[server_timed(device, 2), server_timed(device, 9)]).await.unwrap();
    let key = IdempotencyKey::new("k").unwrap();
    let readings = [reading(device, 20), reading(device, 1)].into();
    let request = KeyedReadings { key, fingerprint: [0; 32], kept_until: at(9), readings };
    store.append_keyed(&[request], at(0)).await.unwrap();
    assert_eq!(store.count_hot_readings().await.unwrap(), 6);
    assert_eq!(store.list_hot_devices(DeviceKey(0)).await.unwrap().devices.len(), 1);
    let rows = store.list_hot_readings(device, 2).await.unwrap();
    let Replaced::Done(id) = store.seal(device, &sealed_rows(&rows)).await.unwrap() else { panic!("sealed") };
    assert_eq!(store.figures().await.unwrap().segments, 1);
    // These meet the segment.
    store.append(&[reading(device, 1), reading(device, 30)]).await.unwrap();
    store.read_pieces(&[PieceKey { device, segment: id, piece: Piece::Block(0) }]).await.unwrap();
    store.store_derived(device, id, &segment(&rows).derive(Effort::Fast).unwrap()).await.unwrap();
    store.read_derived_pieces(&[PieceKey { device, segment: id, piece: Piece::Block(0) }]).await.unwrap();
    for subject in [Subject::Device(device), Subject::Devices([device].into())] {
        store.snapshot(subject, Window::ALL).await.unwrap();
    }
    store.list_newest(device, Window::ALL, 3).await.unwrap();
    store.find_latest(&[device]).await.unwrap();
    let arrivals = NewArrivals::one(at(1), 1, None);
    // The first call inserts a row, the second one updates it.
    for _ in 0..2 {
        store.merge_arrivals(&[(device, arrivals)]).await.unwrap();
    }
    assert!(store.find_arrivals(&[device]).await.unwrap()[0].is_some());
    store.merge(device, &[id], &segment(&rows)).await.unwrap();
    store.list_readings(device, Window::ALL, ListPage::LARGEST).await.unwrap();
    store
        .delete_readings(&Author::SERVICE, Visibility::All, device, Window { from_us: 20, until_us: 31 }, &[])
        .await
        .unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    assert_eq!(store.find_deleted_device(DeviceKey(0)).await.unwrap(), Some(device));
    // The hot readings, then the segment.
    for purged in [Purged::Part, Purged::All] {
        assert_eq!(store.purge_slice(device, u32::MAX).await.unwrap(), purged);
    }

    let log = server.log();
    let plans = &log[before..];
    assert!(plans.contains("Delete on deleted_device"), "{plans}");
    assert!(plans.contains("Index Scan using reading_by_device_and_time on reading"), "{plans}");
    assert_eq!(whole_scans(plans), [""; 0], "{plans}");
}
