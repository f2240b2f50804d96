//! Corrupt segments: calls that need the damaged bytes fail, all others succeed.

use device_stats_domain::DeviceKey;
use device_stats_postgres::PostgresStore;
use device_stats_postgres::testing::fresh_database;
use device_stats_segment::{Fault, Row};
use device_stats_store::{
    Appended, Piece, PieceKey, ReadingStore, Replaced, SegmentId, SegmentStore, StoreError,
};

use crate::{at, connect, device, open_at, reading, row, segment};

/// Creates a device with a segment of readings at 0, 2, 4, ... 98, and damages the segment.
async fn damaged(damage: &str) -> (PostgresStore, DeviceKey, SegmentId) {
    let url = fresh_database();
    let store = open_at(&url).await;
    let device = device(&store, "d").await;
    let rows: Vec<Row> = (0..50).map(|n| row(n * 2)).collect();
    let Replaced::Done(id) = store.append_segment(device, &segment(&rows)).await.unwrap() else {
        panic!("there was nothing before")
    };
    connect(&url).await.batch_execute(damage).await.unwrap();
    (store, device, id)
}

/// Asserts that a call fails with a fault of this segment.
macro_rules! assert_corrupt {
    ($call:expr, $device:expr, $id:expr, $fault:pat) => {
        match $call.await {
            Err(StoreError::Corrupt { device, segment, fault: $fault }) => {
                assert_eq!((device, segment), ($device, $id));
            }
            answer => panic!("{answer:?}"),
        }
    };
}

#[tokio::test]
async fn a_flipped_byte_fails_the_calls_that_read_it() {
    for (damage, fault) in [
        ("UPDATE segment SET head = set_byte(head, 40, get_byte(head, 40) # 1)", "the head"),
        (
            "UPDATE segment_block SET bytes = set_byte(bytes, 5, get_byte(bytes, 5) # 1)",
            "page 0 of the times",
        ),
    ] {
        let (store, device, id) = damaged(damage).await;
        match store.append(&[reading(device, 50)]).await {
            Err(StoreError::Corrupt { device: found, segment, fault: Fault::WrongChecksum { section } }) => {
                assert_eq!((found, segment, section.to_string().as_str()), (device, id, fault));
            }
            answer => panic!("{answer:?}"),
        }
        // Outside the span of the segment, nothing has to be read.
        assert_eq!(store.append(&[reading(device, 99)]).await.unwrap(), [Appended::Stored(at(99))]);
        let inside = segment(&[row(51), row(53)]);
        assert_corrupt!(store.append_segment(device, &inside), device, id, Fault::WrongChecksum { .. });
    }
}

/// An intact head of another segment.
#[tokio::test]
async fn a_head_that_contradicts_the_catalogue_is_reported() {
    let (store, device, id) = damaged("UPDATE segment SET last_us = 60").await;
    assert_corrupt!(store.append(&[reading(device, 50)]), device, id, Fault::Inconsistent { .. });
}

#[tokio::test]
async fn a_lost_block_is_reported_and_a_lost_segment_is_ignored() {
    let (store, device, id) = damaged("DELETE FROM segment_block").await;
    assert_corrupt!(store.append(&[reading(device, 50)]), device, id, Fault::Inconsistent { .. });
    let key = |piece| PieceKey { device, segment: id, piece };
    // `None` would mean that the segment was merged, and that a new snapshot helps.
    assert_corrupt!(store.read_pieces(&[key(Piece::Block(0))]), device, id, Fault::Inconsistent { .. });
    let pieces = store.read_pieces(&[key(Piece::Block(9)), key(Piece::Head)]).await.unwrap();
    assert!(pieces[0].is_none() && pieces[1].is_some());
    let (store, device, _) = damaged("DELETE FROM segment").await;
    assert_eq!(store.append(&[reading(device, 50)]).await.unwrap(), [Appended::Stored(at(50))]);
}
