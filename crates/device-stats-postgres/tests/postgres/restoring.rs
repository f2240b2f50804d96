//! An older copy of the database replaces it while nodes run.

use device_stats_postgres::limits::RESERVATIONS_KEPT;
use device_stats_postgres::testing::{TestPostgres, fresh_database};
use device_stats_segment::Row;
use device_stats_store::{Appended, ReadingStore, Replaced, SegmentStore, StoreError};

use crate::{at, connect, device, open_at, reading, row, sealed_rows, segment, server_timed};

/// Asserts that a call finds that the database is an older copy.
macro_rules! assert_restored {
    ($call:expr) => {
        let answer = $call.await;
        assert!(matches!(answer, Err(StoreError::Restored)), "{answer:?}");
    };
}

/// The database of the backup does not know of the last reservation, so it gave the same ids to another node.
#[tokio::test]
async fn no_id_is_given_twice_after_a_restore() {
    let server = TestPostgres::start();
    let url = server.fresh_database();
    let (a, b) = (open_at(&url).await, open_at(&url).await);
    let device = device(&a, "d").await;
    let first = a.reserve_reading_ids(10).await.unwrap();
    assert_eq!(first, 1..11);
    server.save();
    assert_eq!(a.reserve_reading_ids(10).await.unwrap(), 11..21);
    assert_eq!(a.append(&[reading(device, 11)]).await.unwrap(), [Appended::Stored(at(11))]);
    server.restore();
    assert_eq!(b.reserve_reading_ids(10).await.unwrap(), 11..21);
    assert_eq!(b.append(&[reading(device, 11)]).await.unwrap(), [Appended::Stored(at(11))]);
    // Every kind of append is refused, and stays refused until ids are reserved again.
    for _ in 0..2 {
        assert_restored!(a.append(&[reading(device, 12)]));
        assert_restored!(a.append(&[server_timed(device, 12)]));
        assert_restored!(a.append_segment(device, &segment(&[row(13), row(14)])));
    }
    let ids = a.reserve_reading_ids(10).await.unwrap();
    assert_eq!(ids, 21..31);
    // Requests that wait have ids of the lost reservation.
    assert_restored!(a.append(&[reading(device, 12), reading(device, 21)]));
    assert_restored!(a.append_segment(device, &segment(&[row(13), row(21)])));
    assert_eq!(a.append(&[reading(device, 21)]).await.unwrap(), [Appended::Stored(at(21))]);
    let new: Vec<Row> = [22, 23].map(row).into();
    assert!(matches!(a.append_segment(device, &segment(&new)).await.unwrap(), Replaced::Done(_)));
    assert_eq!(b.append(&[reading(device, 15)]).await.unwrap(), [Appended::Stored(at(15))]);
}

/// A node without readings to append finds it when it reserves. The ids that it knows are not given again,
/// although the database knows less.
#[tokio::test]
async fn a_reservation_is_above_all_ids_that_its_node_knows() {
    let server = TestPostgres::start();
    let url = server.fresh_database();
    let a = open_at(&url).await;
    a.reserve_reading_ids(10).await.unwrap();
    server.save();
    a.reserve_reading_ids(1_000).await.unwrap();
    server.restore();
    assert_restored!(a.reserve_reading_ids(10));
    assert_eq!(a.reserve_reading_ids(10).await.unwrap(), 1_011..1_021);
    // All other nodes get later ids, too.
    assert_eq!(open_at(&url).await.reserve_reading_ids(5).await.unwrap(), 1_021..1_026);
}

/// A node that only reads did not notice that an older copy had replaced the database. If another segment got
/// the id of a cached one, the node could answer with the cached one.
#[tokio::test]
async fn no_segment_id_is_given_twice_after_a_restore() {
    let server = TestPostgres::start();
    let store = open_at(&server.fresh_database()).await;
    let device = device(&store, "d").await;
    let mut ids = Vec::new();
    server.save();
    for _ in 0..2 {
        let appended = store.append_segment(device, &segment(&[row(1), row(2)])).await.unwrap();
        let hot = [reading(device, 3), reading(device, 4)];
        store.append(&hot).await.unwrap();
        let sealed = store.seal(device, &sealed_rows(&[row(3), row(4)])).await.unwrap();
        let (Replaced::Done(a), Replaced::Done(b)) = (appended, sealed) else { panic!("times are free") };
        let merged = store.merge(device, &[a, b], &segment(&[1, 2, 3, 4].map(row))).await.unwrap();
        let Replaced::Done(merged) = merged else { panic!("the segments exist") };
        ids.extend([a, b, merged]);
        server.restore();
    }
    let given = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), given, "{ids:?}");
}

/// The backup is as new as everything that the node knows.
#[tokio::test]
async fn a_restore_that_loses_no_reservation_changes_nothing() {
    let server = TestPostgres::start();
    let url = server.fresh_database();
    let store = open_at(&url).await;
    let device = device(&store, "d").await;
    store.reserve_reading_ids(10).await.unwrap();
    server.save();
    store.append(&[reading(device, 1)]).await.unwrap();
    server.restore();
    assert_eq!(store.append(&[reading(device, 1)]).await.unwrap(), [Appended::Stored(at(1))]);
    assert_eq!(store.reserve_reading_ids(10).await.unwrap(), 11..21);
}

/// Each process left a row in the table for ever.
#[tokio::test]
async fn reservations_of_earlier_processes_are_deleted() {
    let url = fresh_database();
    let (a, admin) = (open_at(&url).await, connect(&url).await);
    let fill =
        "INSERT INTO id_reservation (node, until) SELECT n, -n FROM generate_series(1, $1::bigint) AS n";
    admin.execute(fill, &[&(RESERVATIONS_KEPT + 5)]).await.unwrap();
    a.reserve_reading_ids(10).await.unwrap();
    let left = "SELECT count(*), min(until) FROM id_reservation";
    let left = admin.query_one(left, &[]).await.unwrap();
    // The new reservation is one of them from the next process on.
    assert_eq!((left.get(0), left.get(1)), (RESERVATIONS_KEPT + 1, -RESERVATIONS_KEPT));
    let device = device(&a, "d").await;
    assert_eq!(a.append(&[reading(device, 1)]).await.unwrap(), [Appended::Stored(at(1))]);
}
