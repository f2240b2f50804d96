//! Cases about listing hot readings and segments, and about reading pieces.

use device_stats_domain::{Author, Axes, DeviceKey, Window};
use device_stats_segment::{Row, Segment};

use super::oracle::Oracle;
use super::samples::{
    Opened, UNUSED_IDS, device, entries, given, owned_device, row, sealed, segment, user, window,
};
use crate::{
    DeviceSnapshot, HotDevice, NewestReadings, Piece, PieceKey, Replaced, SegmentId, Subject, Visibility,
};

/// Returns rows that compress badly, so that their segment has several blocks.
fn noise(count: i64) -> Vec<Row> {
    let mut state = 1_u64;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from_bits(state >> 2)
    };
    (0..count)
        .map(|n| Row { time_us: n, id: n, values: Axes { x: number(), y: number(), z: number() } })
        .collect()
}

fn keys(device: DeviceKey, id: SegmentId, segment: &Segment) -> Vec<PieceKey> {
    let blocks = (0..u32::try_from(segment.blocks.len()).unwrap()).map(Piece::Block);
    let pieces = std::iter::once(Piece::Head).chain(blocks);
    pieces.map(|piece| PieceKey { device, segment: id, piece }).collect()
}

fn bytes(segment: &Segment) -> Vec<Option<Vec<u8>>> {
    std::iter::once(&segment.head).chain(&segment.blocks).cloned().map(Some).collect()
}

pub async fn pieces_are_returned_as_written(store: Opened) {
    let device = device(&store, "d").await;
    let (first, second) = (segment(&noise(20_000)), segment(&[row(30_000, 1)]));
    assert!(first.blocks.len() > 3, "{} blocks", first.blocks.len());
    let mut all = Vec::new();
    for segment in [&first, &second] {
        match store.append_segment(device.key, segment).await.unwrap() {
            Replaced::Done(id) => all.push(id),
            Replaced::Stale => panic!("not stored"),
        }
    }
    let mut asked = keys(device.key, all[0], &first);
    let mut expected = bytes(&first);
    assert_eq!(store.read_pieces(&asked).await.unwrap(), expected);
    asked.extend(keys(device.key, all[1], &second));
    expected.extend(bytes(&second));
    // In any order, and more than once.
    asked.reverse();
    expected.reverse();
    asked.extend_from_within(..3);
    expected.extend_from_within(..3);
    assert_eq!(store.read_pieces(&asked).await.unwrap(), expected);
    assert_eq!(store.read_pieces(&[]).await.unwrap(), [] as [Option<Vec<u8>>; 0]);
}

pub async fn missing_pieces_are_none(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let id = sealed(&store, &d, &[1, 2]).await;
    let key = |device: DeviceKey, segment, piece| PieceKey { device, segment, piece };
    let mut asked = vec![
        key(d.key, id, Piece::Head),
        key(other.key, id, Piece::Head),
        key(other.key, id, Piece::Block(0)),
        key(d.key, SegmentId(i64::MAX), Piece::Head),
        key(d.key, SegmentId(-1), Piece::Block(0)),
        key(d.key, id, Piece::Block(1)),
        key(d.key, id, Piece::Block(u32::MAX)),
        key(d.key, id, Piece::Block(0)),
    ];
    asked.extend(UNUSED_IDS.map(|nobody| key(DeviceKey(nobody), id, Piece::Head)));
    let found = store.read_pieces(&asked).await.unwrap();
    let is_there: Vec<_> = found.iter().map(Option::is_some).collect();
    let expected: Vec<_> = (0..asked.len()).map(|n| n == 0 || n == 7).collect();
    assert_eq!(is_there, expected);
}

pub async fn thousands_of_pieces_are_read_at_once(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &[1]).await;
    let asked: Vec<_> = (0..40_000)
        .map(|n| PieceKey { device: device.key, segment: id, piece: Piece::Block(39_999 - n) })
        .collect();
    let found = store.read_pieces(&asked).await.unwrap();
    assert_eq!(found.len(), asked.len());
    assert!(found[39_999].is_some());
    assert_eq!(found.iter().flatten().count(), 1);
}

pub async fn up_to_count_newest_hot_readings_are_listed(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..300).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    sealed(&store, &device, &[1_000, 1_001]).await;
    let segments = store.list_segments(device.key).await.unwrap();
    for (window, hot, named) in [
        (Window::ALL, 0..300, &segments[..]),
        (window(17, 230), 17..230, &[]),
        (window(290, 1_001), 290..300, &segments),
        (window(1_001, 1_002), 0..0, &segments),
        (window(1_002, i64::MAX), 0..0, &[]),
        (window(20, 10), 0..0, &[]),
    ] {
        for count in [0, 1, 2, 100, 299, 300, 301, 1 << 31, 1 << 32, i64::MAX as u64, u64::MAX] {
            let limit = usize::try_from(count).unwrap();
            let expected: Vec<_> = hot.clone().rev().take(limit).map(|us| row(us.into(), us)).collect();
            let newest = store.list_newest(device.key, window, count).await.unwrap();
            assert_eq!(
                newest,
                NewestReadings { hot: expected, segments: named.to_vec() },
                "{count} of {window:?}"
            );
        }
    }
}

pub async fn a_missing_device_has_nothing_hot_or_sealed(store: Opened) {
    let gone = device(&store, "gone").await;
    sealed(&store, &gone, &[1]).await;
    store.append(&[given(&gone, 2, 2)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    for key in UNUSED_IDS.map(DeviceKey).into_iter().chain([gone.key]) {
        assert_eq!(store.list_newest(key, Window::ALL, 10).await.unwrap(), NewestReadings::default());
        assert_eq!(store.list_hot_readings(key, 10).await.unwrap(), []);
        assert_eq!(store.list_segments(key).await.unwrap(), []);
    }
    assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
}

pub async fn hot_readings_are_listed_from_the_earliest(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let call: Vec<_> = (0..50).rev().map(|n| given(&d, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    store.append(&[given(&other, -1, 1)]).await.unwrap();
    for count in [0, 1, 7, 50, 51, u32::MAX] {
        let expected: Vec<_> = (0..50).take(count as usize).map(|n| row(n.into(), n)).collect();
        assert_eq!(store.list_hot_readings(d.key, count).await.unwrap(), expected);
    }
}

pub async fn devices_with_hot_readings_are_listed_by_ascending_key(store: Opened) {
    assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
    let mut expected = Vec::new();
    for n in 0..30 {
        let device = device(&store, &format!("d{n}")).await;
        // Some devices have no readings, some only sealed ones, some both.
        if n % 3 == 1 {
            sealed(&store, &device, &[1_000, 1_001]).await;
        }
        let call: Vec<_> = (0..n % 5).map(|us| given(&device, us.into(), us)).collect();
        store.append(&call).await.unwrap();
        if !call.is_empty() {
            expected.push(HotDevice { device: device.key, readings: call.len() as u64 });
        }
    }
    assert_eq!(store.list_all_hot_devices().await.unwrap(), expected);
}

pub async fn segments_are_listed_by_ascending_first_time(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let c = sealed(&store, &d, &[30, 31]).await;
    let a = sealed(&store, &d, &[-10, 100]).await;
    sealed(&store, &other, &[5]).await;
    let b = sealed(&store, &d, &[20]).await;
    let expected = [(a, -10, 100, 2), (b, 20, 20, 1), (c, 30, 31, 2)];
    assert_eq!(entries(&store, &d).await, expected);
    let listed = store.list_segments(d.key).await.unwrap();
    assert_eq!(store.list_newest(d.key, Window::ALL, 0).await.unwrap().segments, listed);
    let snapshot = store.snapshot(Subject::Device(d.key), Window::ALL).await.unwrap();
    assert_eq!(snapshot.devices, [DeviceSnapshot { segments: listed, ..DeviceSnapshot::empty(d) }]);
}

pub async fn a_snapshot_of_a_user_names_the_segments_of_each_device(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let (a, b) = (owned_device(&store, "a", &ann).await, owned_device(&store, "b", &ann).await);
    let his = owned_device(&store, "his", &bob).await;
    sealed(&store, &b, &[1, 2]).await;
    sealed(&store, &a, &[3, 4]).await;
    sealed(&store, &his, &[1, 2]).await;
    store.append(&[given(&a, 1, 1)]).await.unwrap();
    let listed_in = async |window| {
        let snapshot = store.snapshot(Subject::User(ann.id), window).await.unwrap();
        let full =
            snapshot.devices.into_iter().filter(|one| !(one.hot.is_empty() && one.segments.is_empty()));
        full.collect::<Vec<_>>()
    };
    let (of_a, of_b) = (store.list_segments(a.key).await.unwrap(), store.list_segments(b.key).await.unwrap());
    let in_a =
        DeviceSnapshot { hot: vec![row(1, 1)], segments: of_a.clone(), ..DeviceSnapshot::empty(a.clone()) };
    let in_b = DeviceSnapshot { segments: of_b, ..DeviceSnapshot::empty(b) };
    assert_eq!(listed_in(Window::ALL).await, [in_a, in_b]);
    let late = DeviceSnapshot { segments: of_a, ..DeviceSnapshot::empty(a) };
    assert_eq!(listed_in(window(3, 9)).await, [late]);
    assert_eq!(listed_in(window(5, 9)).await, []);
}

pub async fn deleting_a_device_deletes_its_segments(store: Opened) {
    let (gone, stays) = (device(&store, "gone").await, device(&store, "stays").await);
    let (of_gone, of_stays) = (sealed(&store, &gone, &[1]).await, sealed(&store, &stays, &[1]).await);
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let asked = [Piece::Head, Piece::Block(0)].map(|piece| {
        [(gone.key, of_gone), (stays.key, of_stays)].map(|(device, segment)| PieceKey {
            device,
            segment,
            piece,
        })
    });
    let found = store.read_pieces(asked.as_flattened()).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
    assert_eq!(entries(&store, &stays).await, [(of_stays, 1, 1, 1)]);
    assert_eq!(entries(&store, &gone).await, []);
    // A new device with the same id has none of them.
    let again = device(&store, "gone").await;
    assert_eq!(entries(&store, &again).await, []);
}

pub async fn deleting_a_user_deletes_the_segments_of_its_devices(store: Opened) {
    let ann = user(&store, "ann").await;
    let (a, b) = (owned_device(&store, "a", &ann).await, owned_device(&store, "b", &ann).await);
    let nobodys = device(&store, "nobodys").await;
    let ids = [sealed(&store, &a, &[1]).await, sealed(&store, &b, &[1]).await];
    let stays = sealed(&store, &nobodys, &[1]).await;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    for (device, segment) in [(a.key, ids[0]), (b.key, ids[1])] {
        let asked = [Piece::Head, Piece::Block(0)].map(|piece| PieceKey { device, segment, piece });
        assert_eq!(store.read_pieces(&asked).await.unwrap(), [None, None]);
        assert_eq!(store.list_segments(device).await.unwrap(), []);
    }
    assert_eq!(entries(&store, &nobodys).await, [(stays, 1, 1, 1)]);
}
