//! Segments in the file: their deletion, and calls that read a corrupt one.

use std::path::Path;

use device_stats_domain::{
    Author, DeviceId, DeviceKey, Email, Finite, NewDevice, NewReading, NewUser, ReadingTime, Timestamp,
    UserId, Username,
};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::limits::{CLOCK_SKEW_MAX, PURGED_SEGMENTS_MAX};
use device_stats_store::{
    AccountStore, Appended, Piece, PieceKey, Purged, ReadingStore, Replaced, SegmentId, SegmentStore,
    StoreError, Visibility,
};
use rusqlite::Connection;

use crate::{Folder, process};

/// Returns the numbers of rows of segments and of blocks.
fn rows(path: &Path) -> (i64, i64) {
    let connection = Connection::open(path).unwrap();
    let count =
        |table| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    (count("segment"), count("segment_block"))
}

async fn create(store: &SqliteStore, device_id: &str, user_id: Option<UserId>) -> DeviceKey {
    let device_id = DeviceId::new(device_id).unwrap();
    store
        .create_device(&Author::SERVICE, NewDevice { user_id, ..NewDevice::new(device_id) }, None)
        .await
        .unwrap()
        .key
}

/// Returns a segment of several blocks, with a reading at each even microsecond of two pages.
fn segment(first: i64) -> Segment {
    let row = |n: i64| {
        let NewReading { values, .. } = process::reading(DeviceKey(1), usize::try_from(n % 5_000).unwrap());
        Row { time_us: 2 * n, id: n * 7_919 % 100_003, values: values.map(|x| x.get().sqrt()) }
    };
    let segment =
        Segment::encode(&(first..first + 6_000).map(row).collect::<Vec<_>>(), Effort::Fast).unwrap();
    assert!(segment.blocks.len() > 1);
    segment
}

async fn append_segment(store: &SqliteStore, device: DeviceKey, segment: &Segment) -> SegmentId {
    match store.append_segment(device, segment).await.unwrap() {
        Replaced::Done(id) => id,
        Replaced::Stale => panic!("there are readings"),
    }
}

#[tokio::test]
async fn blocks_are_deleted_with_their_segment() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let (username, email) = (Username::new("ann").unwrap(), Email::parse("ann@example.com").unwrap());
    let ann = store.create_user(&Author::SERVICE, NewUser { username, email }).await.unwrap().id;
    let [mine, hers, stays] = [
        create(&store, "a", None).await,
        create(&store, "b", Some(ann)).await,
        create(&store, "c", None).await,
    ];
    let (one, other) = (segment(0), segment(6_000));
    let both = Segment::encode(&[one.rows().unwrap(), other.rows().unwrap()].concat(), Effort::Fast).unwrap();
    let blocks = |segments: &[&Segment]| {
        let count: usize = segments.iter().map(|segment| segment.blocks.len()).sum();
        (i64::try_from(segments.len()).unwrap(), i64::try_from(count).unwrap())
    };
    for device in [mine, hers, stays] {
        append_segment(&store, device, &one).await;
        append_segment(&store, device, &other).await;
    }
    assert_eq!(rows(&folder.database()), blocks(&[&one, &other, &one, &other, &one, &other]));

    let merged: Vec<_> = store.list_segments(mine).await.unwrap().iter().map(|entry| entry.id).collect();
    assert!(matches!(store.merge(mine, &merged, &both).await.unwrap(), Replaced::Done(_)));
    assert_eq!(rows(&folder.database()), blocks(&[&both, &one, &other, &one, &other]));
    // A deletion of a device or user leaves the segments to the purge.
    store.delete_device(&Author::SERVICE, Visibility::All, mine, None).await.unwrap();
    store.delete_user(&Author::SERVICE, Visibility::All, ann, None).await.unwrap();
    assert_eq!(rows(&folder.database()), blocks(&[&both, &one, &other, &one, &other]));
    for (device, readings_max, purged, left) in [
        (mine, 12_000, Purged::All, &[&one, &other, &one, &other][..]),
        (hers, 11_999, Purged::Part, &[&other, &one, &other]),
        (hers, 6_000, Purged::All, &[&one, &other]),
        (hers, 6_000, Purged::Nothing, &[&one, &other]),
    ] {
        assert_eq!(store.purge_slice(device, readings_max).await.unwrap(), purged);
        assert_eq!(rows(&folder.database()), blocks(left));
    }
}

/// All writes wait for a slice, so a large segment is deleted in several ones, and so is its derived segment.
#[tokio::test]
async fn a_large_segment_is_purged_in_several_slices() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = create(&store, "d", None).await;
    let large = segment(0);
    let id = append_segment(&store, device, &large).await;
    let derived = large.derive(Effort::Fast).unwrap();
    store.store_derived(device, id, &derived).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    let all = i64::try_from(large.blocks.len()).unwrap();
    assert!(all >= 4, "{all} blocks");
    let mut left = all;
    while left > 0 {
        assert_eq!(store.purge_slice(device, 1_500).await.unwrap(), Purged::Part);
        left = (left - all / 4).max(0);
        assert_eq!(rows(&folder.database()), (1, left));
    }
    while store.purge_slice(device, 1_500).await.unwrap() == Purged::Part {}
    assert_eq!(rows(&folder.database()), (0, 0));
    assert_eq!(store.purge_slice(device, 1_500).await.unwrap(), Purged::Nothing);
}

/// A damaged page of one device, or a bug, must not keep the data of all other devices.
#[tokio::test]
async fn a_device_whose_purge_fails_does_not_stop_the_others() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let [broken, other] = [create(&store, "a", None).await, create(&store, "b", None).await];
    for device in [broken, other] {
        append_segment(&store, device, &segment(0)).await;
        store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    }
    let fault = format!(
        "CREATE TRIGGER fault BEFORE DELETE ON segment WHEN old.device = {}
         BEGIN SELECT RAISE (ABORT, 'a damaged page'); END",
        broken.0
    );
    Connection::open(folder.database()).unwrap().execute_batch(&fault).unwrap();
    assert_eq!(store.find_deleted_device(DeviceKey(0)).await.unwrap(), Some(broken));
    assert!(store.purge_slice(broken, u32::MAX).await.is_err());
    assert_eq!(store.find_deleted_device(broken).await.unwrap(), Some(other));
    assert_eq!(store.purge_slice(other, u32::MAX).await.unwrap(), Purged::All);
    assert_eq!(store.find_deleted_device(broken).await.unwrap(), None);
    assert_eq!(store.find_deleted_device(DeviceKey(0)).await.unwrap(), Some(broken));
}

/// A slice ends at a number of readings or of segments, and the next process continues.
#[tokio::test]
async fn a_purge_is_bounded_and_survives_a_restart() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = create(&store, "d", None).await;
    let few = |n: i64| {
        let NewReading { values, .. } = process::reading(device, 0);
        let row = |k| Row { time_us: 10 * n + k, id: 10 * n + k, values: values.map(Finite::get) };
        Segment::encode(&[row(0), row(1)], Effort::Fast).unwrap()
    };
    for n in 0..70 {
        let id = append_segment(&store, device, &few(n)).await;
        let derived = few(n).derive(Effort::Fast).unwrap();
        store.store_derived(device, id, &derived).await.unwrap();
    }
    store.append(&[process::reading(device, 5)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    let segments_max = i64::from(PURGED_SEGMENTS_MAX);
    let mut left = 70;
    for (readings_max, segments) in [(2, 1), (5, 2), (u32::MAX, segments_max)] {
        assert_eq!(store.purge_slice(device, readings_max).await.unwrap(), Purged::Part);
        left -= segments;
        assert_eq!(rows(&folder.database()).0, left, "a slice of {readings_max} readings");
    }
    drop(store);
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    assert_eq!(store.purge_slice(device, u32::MAX).await.unwrap(), Purged::Part);
    assert_eq!(store.purge_slice(device, u32::MAX).await.unwrap(), Purged::All);
    assert_eq!(store.purge_slice(device, u32::MAX).await.unwrap(), Purged::Nothing);
    let connection = Connection::open(folder.database()).unwrap();
    for table in ["segment", "segment_block", "derived_segment", "derived_block", "deleted_device"] {
        let select = format!("SELECT count(*) FROM {table}");
        let rows: i64 = connection.query_row(&select, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    // Only the entry that deleted the hot reading is left in the journal.
    let entries: i64 = connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert!(entries <= 1, "{entries}");
}

/// Returns a client-timed reading at `us`, or a server-timed one with the clock at `us`.
fn at(device: DeviceKey, us: i64, is_server_timed: bool) -> NewReading {
    let time = Timestamp::from_micros(us).unwrap();
    let time = if is_server_timed { ReadingTime::Picked(time) } else { ReadingTime::Given(time) };
    NewReading { time, ..process::reading(device, 0) }
}

#[tokio::test]
async fn a_corrupt_segment_fails_only_the_calls_that_read_it() {
    let back_us = i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap();
    for fault in [
        "UPDATE segment SET head = CAST(substr(head, 1, 99) || x'5555' || substr(head, 102) AS BLOB) WHERE id = ?1",
        "UPDATE segment SET head = substr(head, 1, length(head) - 1) WHERE id = ?1",
        "UPDATE segment SET head = x'' WHERE id = ?1",
        // The head of another segment is intact, but contradicts the catalogue.
        "UPDATE segment SET head = (SELECT head FROM segment WHERE id <> ?1) WHERE id = ?1",
        "UPDATE segment_block SET bytes = CAST(x'5555' || substr(bytes, 3) AS BLOB) WHERE id = ?1 << 16",
        "UPDATE segment_block SET bytes = substr(bytes, 1, 1) WHERE id >> 16 = ?1",
        "DELETE FROM segment_block WHERE id >> 16 = ?1",
    ] {
        let folder = Folder::new();
        let store = SqliteStore::open(&folder.database(), true).unwrap();
        let [ill, sound] = [create(&store, "ill", None).await, create(&store, "sound", None).await];
        let broken = append_segment(&store, ill, &segment(0)).await;
        append_segment(&store, sound, &segment(6_000)).await;
        Connection::open(folder.database()).unwrap().execute(fault, [broken.0]).unwrap();

        let small = Segment::encode(&[Row { time_us: 5, ..segment(0).rows().unwrap()[0] }], Effort::Fast);
        for refused in [
            store.append(&[at(ill, 5, false)]).await.err(),
            store.append(&[at(ill, 6 - back_us, true)]).await.err(),
            store.append(&[at(sound, 1, false), at(ill, 5, false)]).await.err(),
            store.append_segment(ill, &small.unwrap()).await.err(),
        ] {
            let Some(StoreError::Corrupt { device, segment, .. }) = refused else {
                panic!("{refused:?} after {fault}");
            };
            assert_eq!((device, segment), (ill, broken), "{fault}");
        }
        // The failed calls stored nothing. Calls that need not read the segment succeed.
        assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
        let call =
            [at(sound, 12_003, false), at(sound, 12_004, true), at(ill, 12_000, false), at(ill, -1, false)];
        let stored =
            [12_003, 23_999, 12_000, -1].map(|us| Appended::Stored(Timestamp::from_micros(us).unwrap()));
        assert_eq!(store.append(&call).await.unwrap(), stored, "{fault}");
        assert_eq!(store.list_segments(ill).await.unwrap().len(), 1);
        store.delete_device(&Author::SERVICE, Visibility::All, ill, None).await.unwrap();
    }
}

/// Returns the offset in the file of the number of a row's first overflow page. The row has `bytes` as its
/// last column, and starts on a page of 16 KiB (<https://www.sqlite.org/fileformat2.html#b_tree_pages>).
fn overflow_page_offset(file: &[u8], bytes: &[u8]) -> usize {
    let begin = bytes.first_chunk::<64>().unwrap();
    // Take the last match: after a tree has grown by a level, its root still has the bytes of rows that have
    // moved to lower pages.
    let start = file.array_windows::<64>().rposition(|window| window == begin).unwrap();
    // The row has two columns: a header of 5 bytes, and no bytes for the first column, which is the row id.
    let payload = 5 + bytes.len();
    let local = 2_031 + (payload - 2_031) % 16_380;
    start - 5 + if local > 16_349 { 2_031 } else { local }
}

#[tokio::test]
async fn a_malformed_or_lost_row_is_reported_with_its_segment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, true).unwrap();
    let [ill, sound] = [create(&store, "ill", None).await, create(&store, "sound", None).await];
    let (one, other) = (segment(0), segment(6_000));
    let broken = append_segment(&store, ill, &one).await;
    let whole = append_segment(&store, sound, &other).await;
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy);
    drop(connection);

    let mut file = std::fs::read(&path).unwrap();
    let offset = overflow_page_offset(&file, &one.blocks[0]);
    file[offset..offset + 4].fill(0x7f);
    std::fs::write(&path, file).unwrap();
    let store = SqliteStore::open(&path, false).unwrap();
    let block = |device, segment, number| [PieceKey { device, segment, piece: Piece::Block(number) }];
    let corrupt = async |device, segment| match store.read_pieces(&block(device, segment, 0)).await {
        Err(StoreError::Corrupt { device, segment, fault }) => (device, segment, fault.to_string()),
        answer => panic!("{answer:?}"),
    };
    let malformed = "block 0 is inconsistent: SQLite finds its row malformed";
    assert_eq!(corrupt(ill, broken).await, (ill, broken, malformed.to_owned()));
    let read = store.read_pieces(&block(sound, whole, 0)).await.unwrap();
    assert_eq!(read, [Some(other.blocks[0].clone())]);

    let connection = Connection::open(&path).unwrap();
    connection.execute("DELETE FROM segment_block WHERE id = ?1 << 16", [whole.0]).unwrap();
    let lost = "block 0 is inconsistent: SQLite does not find its row";
    assert_eq!(corrupt(sound, whole).await, (sound, whole, lost.to_owned()));
    // None of these pieces has ever existed.
    let past = u32::try_from(other.blocks.len()).unwrap();
    for never in [block(sound, whole, past), block(ill, whole, 0), block(sound, SegmentId(99), 0)] {
        assert_eq!(store.read_pieces(&never).await.unwrap(), [None]);
    }
}
