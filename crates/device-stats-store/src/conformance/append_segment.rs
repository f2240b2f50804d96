//! Cases about segments of new readings.

use device_stats_domain::{Author, DeviceKey, Timestamp};

use super::samples::{
    Opened, UNUSED_IDS, all_readings, all_times, device, entries, given, hot_times, row, sealed, segment,
    server_timed, stored, stored_at,
};
use crate::{Appended, Replaced, SegmentId, Visibility};

/// Appends a segment of readings at these times, each with its time as `n`; returns `None` if it is stale.
async fn append_times(store: &Opened, key: DeviceKey, times: &[i64]) -> Option<SegmentId> {
    let rows: Vec<_> = times.iter().map(|us| row(*us, i32::try_from(*us).unwrap())).collect();
    match store.append_segment(key, &segment(&rows)).await.unwrap() {
        Replaced::Done(id) => Some(id),
        Replaced::Stale => None,
    }
}

pub async fn an_appended_segment_is_stored_as_its_readings(store: Opened) {
    let device = device(&store, "d").await;
    let id = append_times(&store, device.key, &[10, 20, 30]).await.unwrap();
    assert_eq!(entries(&store, &device).await, [(id, 10, 30, 3)]);
    assert_eq!(hot_times(&store, &device).await, [0_i64; 0]);
    let expected = [30, 20, 10].map(|us| stored(&device, us, i32::try_from(us).unwrap()));
    assert_eq!(all_readings(&store, device.key).await, expected);
    let call = [given(&device, 20, 1), given(&device, 15, 1), server_timed(&device, 30, 2)];
    let expected = [Appended::Conflict, stored_at(15), stored_at(31)];
    assert_eq!(store.append(&call).await.unwrap(), expected);
}

pub async fn an_appended_segment_needs_a_device(store: Opened) {
    let gone = device(&store, "gone").await;
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let segment = segment(&[row(1, 1)]);
    for key in UNUSED_IDS.map(DeviceKey).into_iter().chain([gone.key]) {
        refused!(store.append_segment(key, &segment), DeviceMissing);
    }
}

pub async fn a_segment_is_not_appended_over_a_hot_reading(store: Opened) {
    for us in [10, 11, 15, 19, 20] {
        let device = device(&store, &format!("d{us}")).await;
        store.append(&[given(&device, us, 99)]).await.unwrap();
        assert_eq!(append_times(&store, device.key, &[10, 15, 20]).await, None, "over {us}");
        assert_eq!(append_times(&store, device.key, &[us]).await, None, "over {us}");
        assert_eq!(hot_times(&store, &device).await, [us]);
        assert_eq!(all_times(&store, &device).await, [us], "nothing else is stored");
        assert_eq!(entries(&store, &device).await, []);
        assert!(append_times(&store, device.key, &[us + 1, us + 2]).await.is_some());
    }
}

pub async fn a_segment_is_not_appended_over_a_sealed_reading(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 20, 30]).await;
    let before = entries(&store, &device).await;
    for times in
        [&[10][..], &[20], &[30], &[5, 15], &[15, 25], &[9, 11], &[25, 35], &[0, 100], &[30, 31], &[0, 10]]
    {
        assert_eq!(append_times(&store, device.key, times).await, None, "{times:?}");
        assert_eq!(entries(&store, &device).await, before);
    }
}

pub async fn a_segment_fits_between_two_readings_of_another(store: Opened) {
    let device = device(&store, "d").await;
    let outer = sealed(&store, &device, &[10, 20, 30]).await;
    let inner = append_times(&store, device.key, &[21, 25, 29]).await.unwrap();
    let left = append_times(&store, device.key, &[11]).await.unwrap();
    assert_eq!(entries(&store, &device).await, [(outer, 10, 30, 3), (left, 11, 11, 1), (inner, 21, 29, 3)]);
    assert_eq!(all_times(&store, &device).await, [10, 11, 20, 21, 25, 29, 30]);
    assert_eq!(append_times(&store, device.key, &[22, 24]).await.map(|_| ()), Some(()));
    assert_eq!(append_times(&store, device.key, &[23]).await.map(|_| ()), Some(()));
    assert_eq!(append_times(&store, device.key, &[24]).await, None);
    assert_eq!(all_times(&store, &device).await, [10, 11, 20, 21, 22, 23, 24, 25, 29, 30]);
}

pub async fn a_segment_fits_beside_hot_and_sealed_readings(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    sealed(&store, &d, &[10, 20]).await;
    store.append(&[given(&d, 40, 40), given(&other, 30, 30)]).await.unwrap();
    sealed(&store, &other, &[25, 35]).await;
    assert!(append_times(&store, d.key, &[21, 39]).await.is_some());
    assert!(append_times(&store, d.key, &[41]).await.is_some());
    assert!(append_times(&store, d.key, &[0, 9]).await.is_some());
    assert_eq!(all_times(&store, &d).await, [0, 9, 10, 20, 21, 39, 40, 41]);
    assert_eq!(all_times(&store, &other).await, [25, 30, 35]);
}

pub async fn the_same_segment_is_appended_once(store: Opened) {
    let device = device(&store, "d").await;
    assert!(append_times(&store, device.key, &[1, 2, 3]).await.is_some());
    assert_eq!(append_times(&store, device.key, &[1, 2, 3]).await, None);
    assert_eq!(all_times(&store, &device).await, [1, 2, 3]);
}

pub async fn a_segment_may_span_all_time(store: Opened) {
    let device = device(&store, "d").await;
    let ends = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::micros);
    let answer = store.append_segment(device.key, &segment(&ends.map(|us| row(us, 1)))).await.unwrap();
    assert!(matches!(answer, Replaced::Done(_)));
    assert_eq!(all_times(&store, &device).await, ends);
    assert_eq!(append_times(&store, device.key, &[0]).await.map(|_| ()), Some(()));
    assert_eq!(append_times(&store, device.key, &[-1, 1]).await, None);
}
