//! Cases about the deletion of the readings of a window.

use device_stats_domain::{Author, DeviceKey, IdempotencyKey, Window};

use super::oracle::Oracle;
use super::samples::{
    Opened, UNUSED_IDS, all_readings, all_times, at, cut_segments, delete, device, entries, given, hot_times,
    read_rows, row, seal, sealed, sealed_rows, segment, server_timed, stored, stored_at, window,
};
use crate::{
    CutSegment, Deleted, KeyedOutcome, KeyedReadings, Piece, PieceKey, Replaced, SegmentId, Visibility,
};

/// Number of readings of a large deletion: more than the maximum number of parameters of a statement.
const MANY: i32 = 70_000;

/// Appends readings at these times, each with its time as `n`.
async fn append(store: &Opened, device: &device_stats_domain::Device, times: &[i64]) {
    let call: Vec<_> = times.iter().map(|us| given(device, *us, i32::try_from(*us).unwrap())).collect();
    assert_eq!(store.append(&call).await.unwrap(), times.iter().copied().map(stored_at).collect::<Vec<_>>());
}

pub async fn readings_of_a_window_are_deleted_hot_and_sealed(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    for device in [&d, &other] {
        sealed(&store, device, &[10, 20, 30, 40]).await;
        sealed(&store, device, &[25, 26]).await;
        sealed(&store, device, &[15, 50]).await;
        append(&store, device, &[5, 22, 33, 60]).await;
    }
    assert_eq!(delete(&store, &d, window(20, 31)).await, 5);
    assert_eq!(all_times(&store, &d).await, [5, 10, 15, 33, 40, 50, 60]);
    assert_eq!(hot_times(&store, &d).await, [5, 33, 60]);
    assert_eq!(delete(&store, &d, window(20, 31)).await, 0);
    assert_eq!(all_times(&store, &d).await, [5, 10, 15, 33, 40, 50, 60]);
    assert_eq!(all_times(&store, &other).await.len(), 12);
    assert_eq!(delete(&store, &d, Window::ALL).await, 7);
    assert_eq!(all_readings(&store, d.key).await, []);
    assert_eq!(entries(&store, &d).await, []);
    assert_eq!(hot_times(&store, &d).await, [0_i64; 0]);
    assert_eq!(all_times(&store, &other).await.len(), 12);
}

pub async fn a_window_of_one_moment_deletes_one_reading(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[1, 2, 3]).await;
    append(&store, &device, &[4, 5, 6]).await;
    for (us, left) in [(2, &[1, 3, 4, 5, 6][..]), (5, &[1, 3, 4, 6]), (1, &[3, 4, 6]), (3, &[4, 6])] {
        assert_eq!(delete(&store, &device, window(us, us + 1)).await, 1);
        assert_eq!(all_times(&store, &device).await, left);
    }
    assert_eq!(entries(&store, &device).await, []);
}

pub async fn an_empty_window_deletes_nothing(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &[10, 20]).await;
    append(&store, &device, &[15]).await;
    for window in [window(15, 15), window(20, 10), window(i64::MAX, i64::MIN), window(11, 15), window(30, 40)]
    {
        assert_eq!(delete(&store, &device, window).await, 0, "{window:?}");
    }
    assert_eq!(all_times(&store, &device).await, [10, 15, 20]);
    assert_eq!(entries(&store, &device).await, [(id, 10, 20, 2)]);
}

pub async fn the_rest_of_a_cut_segment_keeps_its_readings(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &(0..5_000).collect::<Vec<_>>()).await;
    assert_eq!(delete(&store, &device, window(1_000, 4_990)).await, 3_990);
    let all = entries(&store, &device).await;
    assert_eq!(all, [(all[0].0, 0, 4_999, 1_010)]);
    assert_ne!(all[0].0, id);
    let kept = (0..1_000).chain(4_990..5_000).rev();
    let kept: Vec<_> = kept.map(|n| stored(&device, n.into(), n)).collect();
    assert_eq!(all_readings(&store, device.key).await, kept);
    let pieces = [Piece::Head, Piece::Block(0)];
    let pieces = pieces.map(|piece| PieceKey { device: device.key, segment: id, piece });
    assert_eq!(store.read_pieces(&pieces).await.unwrap(), [None, None]);
}

/// The store would otherwise lose readings that were sealed or merged after the caller had read the segments.
pub async fn a_deletion_that_cuts_other_segments_is_stale(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let a = sealed(&store, &d, &[10, 20, 30]).await;
    let b = sealed(&store, &d, &[15, 25, 35]).await;
    let inside = sealed(&store, &d, &[21]).await;
    let foreign = sealed(&store, &other, &[10, 20, 30]).await;
    append(&store, &d, &[22]).await;
    let before = entries(&store, &d).await;
    let rest = |id, times: &[i64]| {
        let rows: Vec<_> = times.iter().map(|us| row(*us, i32::try_from(*us).unwrap())).collect();
        CutSegment { id, rest: Some(segment(&rows)) }
    };
    let (cut_a, cut_b) = (rest(a, &[10, 30]), rest(b, &[15, 35]));
    for cut in [
        vec![],
        vec![cut_a.clone()],
        vec![cut_a.clone(), cut_a.clone()],
        vec![cut_a.clone(), cut_b.clone(), rest(inside, &[21])],
        vec![cut_a.clone(), cut_b.clone(), rest(foreign, &[10, 30])],
        vec![cut_a.clone(), cut_b.clone(), rest(SegmentId(1 << 40), &[1])],
        vec![cut_a.clone(), rest(foreign, &[10, 30])],
    ] {
        let answer = store
            .delete_readings(&Author::SERVICE, Visibility::All, d.key, window(20, 26), &cut)
            .await
            .unwrap();
        assert_eq!(answer, Deleted::Stale, "{cut:?}");
        assert_eq!(entries(&store, &d).await, before);
        assert_eq!(all_times(&store, &d).await, [10, 15, 20, 21, 22, 25, 30, 35]);
        assert_eq!(all_times(&store, &other).await, [10, 20, 30]);
    }
    // In any order.
    let answer = store
        .delete_readings(&Author::SERVICE, Visibility::All, d.key, window(20, 26), &[cut_b, cut_a])
        .await
        .unwrap();
    assert_eq!(answer, Deleted::Done(4));
    assert_eq!(all_times(&store, &d).await, [10, 15, 30, 35]);
}

pub async fn deleted_readings_can_be_stored_again(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 20, 30]).await;
    append(&store, &device, &[40, 50]).await;
    for round in 1..4 {
        assert_eq!(delete(&store, &device, window(20, 41)).await, 3);
        let call = [20, 30, 40].map(|us| given(&device, us, round));
        assert_eq!(store.append(&call).await.unwrap(), [20, 30, 40].map(stored_at));
        assert_eq!(all_times(&store, &device).await, [10, 20, 30, 40, 50]);
        assert_eq!(store.find_reading(device.key, at(30)).await.unwrap(), Some(stored(&device, 30, round)));
        if round == 2 {
            seal(&store, &device, &[20, 30, 40]).await;
        }
    }
    assert_eq!(delete(&store, &device, Window::ALL).await, 5);
    let again = segment(&[row(10, 7), row(50, 8)]);
    let answer = store.append_segment(device.key, &again).await.unwrap();
    assert!(matches!(answer, Replaced::Done(_)));
    assert_eq!(
        all_readings(&store, device.key).await,
        [(50, 8), (10, 7)].map(|(us, n)| stored(&device, us, n))
    );
}

pub async fn the_time_of_a_deleted_reading_is_free(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 11]).await;
    append(&store, &device, &[12]).await;
    assert_eq!(delete(&store, &device, window(11, 13)).await, 2);
    let call = [server_timed(&device, 10, 1), server_timed(&device, 10, 2)];
    assert_eq!(store.append(&call).await.unwrap(), [11, 12].map(stored_at));
}

pub async fn a_sealer_paused_during_a_deletion_does_no_harm(store: Opened) {
    let device = device(&store, "d").await;
    append(&store, &device, &[1, 2, 3]).await;
    let paused = store.list_hot_readings(device.key, 10).await.unwrap();
    assert_eq!(delete(&store, &device, window(2, 3)).await, 1);
    assert_eq!(store.seal(device.key, &sealed_rows(&paused)).await.unwrap(), Replaced::Stale);
    // A new reading with the time of the deleted one is another reading.
    store.append(&[given(&device, 2, 99)]).await.unwrap();
    assert_eq!(store.seal(device.key, &sealed_rows(&paused)).await.unwrap(), Replaced::Stale);
    assert_eq!(entries(&store, &device).await, []);
    let expected = [(3, 3), (2, 99), (1, 1)].map(|(us, n)| stored(&device, us, n));
    assert_eq!(all_readings(&store, device.key).await, expected);
}

pub async fn a_merge_paused_during_a_deletion_does_no_harm(store: Opened) {
    let device = device(&store, "d").await;
    let ids = [sealed(&store, &device, &[1, 2]).await, sealed(&store, &device, &[3, 4]).await];
    let all = store.list_segments(device.key).await.unwrap();
    let paused = segment(&read_rows(&store, device.key, &all).await.unwrap());
    assert_eq!(delete(&store, &device, window(2, 3)).await, 1);
    assert_eq!(store.merge(device.key, &ids, &paused).await.unwrap(), Replaced::Stale);
    assert_eq!(all_times(&store, &device).await, [1, 3, 4]);
    assert_eq!(delete(&store, &device, Window::ALL).await, 3);
    assert_eq!(store.merge(device.key, &ids, &paused).await.unwrap(), Replaced::Stale);
    assert_eq!(all_times(&store, &device).await, [0; 0]);
}

pub async fn a_deletion_paused_during_another_does_no_harm(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[1, 2, 3, 4]).await;
    let paused = cut_segments(&store, device.key, window(2, 3)).await.unwrap();
    assert_eq!(delete(&store, &device, window(3, 4)).await, 1);
    let answer = store
        .delete_readings(&Author::SERVICE, Visibility::All, device.key, window(2, 3), &paused)
        .await
        .unwrap();
    assert_eq!(answer, Deleted::Stale);
    assert_eq!(all_times(&store, &device).await, [1, 2, 4]);
}

pub async fn readings_of_a_missing_device_cannot_be_deleted(store: Opened) {
    let gone = device(&store, "gone").await;
    sealed(&store, &gone, &[1]).await;
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    for key in UNUSED_IDS.map(DeviceKey).into_iter().chain([gone.key]) {
        refused!(
            store.delete_readings(&Author::SERVICE, Visibility::All, key, Window::ALL, &[]),
            DeviceMissing
        );
    }
}

pub async fn a_receipt_outlives_its_readings(store: Opened) {
    let device = device(&store, "d").await;
    let request = KeyedReadings {
        key: IdempotencyKey::new("k").unwrap(),
        fingerprint: [1; 32],
        kept_until: at(1_000),
        readings: [given(&device, 1, 1)].into(),
    };
    let requests = [request];
    let outcomes = store.append_keyed(&requests, at(10)).await.unwrap();
    assert_eq!(outcomes, [KeyedOutcome::New(vec![stored_at(1)])]);
    assert_eq!(delete(&store, &device, Window::ALL).await, 1);
    let outcomes = store.append_keyed(&requests, at(10)).await.unwrap();
    assert!(matches!(outcomes[..], [KeyedOutcome::Repeated(_)]), "{outcomes:?}");
    assert_eq!(all_times(&store, &device).await, [0; 0]);
}

pub async fn many_readings_are_deleted_at_once(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..MANY).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    for from in 0..300 {
        let from = 1_000_000 + from * 10;
        let rows = segment(&[row(from, 1), row(from + 1, 2)]);
        assert!(matches!(store.append_segment(device.key, &rows).await.unwrap(), Replaced::Done(_)));
    }
    assert_eq!(delete(&store, &device, window(1, 1_002_991)).await, u64::try_from(MANY).unwrap() + 598);
    assert_eq!(all_times(&store, &device).await, [0, 1_002_991]);
}
