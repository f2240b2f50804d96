//! Cases about sealing hot readings, and about appends to devices with sealed readings.

use device_stats_domain::{Author, DeviceKey, NewReading, Timestamp, Window};
use device_stats_segment::Row;

use super::oracle::Oracle;
use super::samples::{
    Opened, UNUSED_IDS, all_readings, all_times, at, device, entries, given, hot_times, row, seal, sealed,
    sealed_rows, server_timed, stored, stored_at, values, window,
};
use crate::limits::CLOCK_SKEW_MAX;
use crate::{Appended, Replaced, SegmentEntry, Subject, Visibility};

/// Number of readings of a large call: more than the maximum number of parameters of a statement (65,535 in
/// PostgreSQL, 32,766 in SQLite).
const MANY: i32 = 70_000;

pub async fn sealed_readings_stay_visible(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..10).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let before = all_readings(&store, device.key).await;
    let snapshot = store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    for times in [&[2, 3, 4][..], &[0], &[5, 6, 7, 8, 9], &[1]] {
        seal(&store, &device, times).await;
        assert_eq!(all_readings(&store, device.key).await, before);
        assert_eq!(store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap(), snapshot);
        assert_eq!(store.find_reading(device.key, at(times[0])).await.unwrap().unwrap().time, at(times[0]));
    }
    assert_eq!(hot_times(&store, &device).await, [0_i64; 0]);
}

pub async fn a_seal_takes_exactly_its_rows(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let call: Vec<_> = (0..10).flat_map(|n| [given(&d, n.into(), n), given(&other, n.into(), n)]).collect();
    store.append(&call).await.unwrap();
    let id = seal(&store, &d, &[2, 3, 7]).await;
    assert_eq!(entries(&store, &d).await, [(id, 2, 7, 3)]);
    assert_eq!(hot_times(&store, &d).await, [0, 1, 4, 5, 6, 8, 9]);
    assert_eq!(entries(&store, &other).await, []);
    assert_eq!(hot_times(&store, &other).await, (0..10).collect::<Vec<_>>());
}

pub async fn a_sealed_reading_is_kept_bit_for_bit(store: Opened) {
    let device = device(&store, "d").await;
    let numbers = [0.0, 5e-324, 0.1 + 0.2, f64::MAX, f64::MIN, 9_007_199_254_740_993.0, 1e23, -1.0 / 3.0];
    let call: Vec<_> = (0..8)
        .map(|n| {
            let [x, y, z] = [0, 1, 2].map(|axis| numbers[(n + axis) % 8]);
            let n = i32::try_from(n).unwrap();
            NewReading { values: values(x, y, z), ..given(&device, n.into(), n) }
        })
        .collect();
    store.append(&call).await.unwrap();
    let bits = |rows: &[Row]| -> Vec<_> {
        rows.iter().map(|row| (row.time_us, row.id, row.values.map(f64::to_bits))).collect()
    };
    let hot = store.list_hot_readings(device.key, 100).await.unwrap();
    seal(&store, &device, &(0..8).collect::<Vec<_>>()).await;
    let all = store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    assert_eq!(bits(&all[0].1), bits(&hot));
    for (new, row) in call.iter().zip(&hot) {
        assert_eq!(row.values.map(f64::to_bits), new.values.map(|number| number.get().to_bits()));
    }
}

pub async fn every_time_can_be_sealed(store: Opened) {
    let device = device(&store, "d").await;
    let (min, max) = (Timestamp::MIN.micros(), Timestamp::MAX.micros());
    let times = [min, min + 1, -1, 0, 1, 946_684_800_000_000, max - 1, max];
    store.append(&times.map(|us| given(&device, us, 1))).await.unwrap();
    let id = seal(&store, &device, &times).await;
    assert_eq!(entries(&store, &device).await, [(id, min, max, 8)]);
    assert_eq!(all_times(&store, &device).await, times);
    assert_eq!(store.append(&times.map(|us| given(&device, us, 1))).await.unwrap(), [Appended::Repeat; 8]);
    assert_eq!(store.append(&times.map(|us| given(&device, us, 2))).await.unwrap(), [Appended::Conflict; 8]);
    refused!(store.append(&[server_timed(&device, max, 3)]), Broken);
    assert_eq!(store.append(&[server_timed(&device, min, 3)]).await.unwrap(), [stored_at(min + 2)]);
}

pub async fn a_repeat_of_a_sealed_reading_is_a_repeat(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 20, 30]).await;
    // Repeats with the same numbers and id, with others, and among new readings.
    assert_eq!(store.append(&[given(&device, 20, 20)]).await.unwrap(), [Appended::Repeat]);
    assert_eq!(store.append(&[given(&device, 20, 99)]).await.unwrap(), [Appended::Conflict]);
    let call = [40, 30, 25, 10, 5].map(|us| given(&device, us, 99));
    let expected = [stored_at(40), Appended::Conflict, stored_at(25), Appended::Conflict, stored_at(5)];
    assert_eq!(store.append(&call).await.unwrap(), expected);
    let expected = [(40, 99), (30, 30), (25, 99), (20, 20), (10, 10), (5, 99)];
    assert_eq!(all_readings(&store, device.key).await, expected.map(|(us, n)| stored(&device, us, n)));
}

pub async fn a_reading_sealed_for_one_device_is_new_for_another(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    sealed(&store, &a, &[10, 20]).await;
    let call = [given(&b, 10, 1), given(&a, 10, 2), server_timed(&b, 20, 3), server_timed(&a, 20, 4)];
    let expected = [stored_at(10), Appended::Conflict, stored_at(20), stored_at(21)];
    assert_eq!(store.append(&call).await.unwrap(), expected);
}

pub async fn picked_times_are_after_sealed_readings(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 11, 12, 14]).await;
    store.append(&[given(&device, 15, 15)]).await.unwrap();
    sealed(&store, &device, &[9, 16, 18]).await;
    let call = [9, 9, 30, 9].map(|us| server_timed(&device, us, 1));
    assert_eq!(store.append(&call).await.unwrap(), [19, 20, 30, 31].map(stored_at));
    assert_eq!(store.append(&[server_timed(&device, 8, 5)]).await.unwrap(), [stored_at(32)]);
}

/// The clock is set back so far that the search window ends within a segment.
pub async fn picked_times_are_after_the_part_of_a_segment_in_the_search_window(store: Opened) {
    let device = device(&store, "d").await;
    let back = i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap();
    let step = back / 2_500;
    let mut times: Vec<_> = (0..5_000).map(|n| n * step).chain([back + 5]).collect();
    times.sort_unstable();
    store.append(&times.iter().map(|us| given(&device, *us, 1)).collect::<Vec<_>>()).await.unwrap();
    seal(&store, &device, &times).await;
    for (clock, picked) in [
        (0, back - step + 1),
        (5, back + 1),
        (6, back + 6),
        (4, back + 2),
        (1_000 * step, 3_499 * step + 1),
        (-1, back - step + 2),
        (step + 1, back + step + 1),
    ] {
        assert_eq!(
            store.append(&[server_timed(&device, clock, 1)]).await.unwrap(),
            [stored_at(picked)],
            "{clock}"
        );
    }
}

pub async fn client_timed_readings_in_sealed_gaps_are_stored_before_times_are_picked(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[0, 2, 4, 6]).await;
    let call = [
        server_timed(&device, 0, 1),
        given(&device, 1, 2),
        given(&device, 2, 3),
        server_timed(&device, 0, 4),
    ];
    let expected = [stored_at(7), stored_at(1), Appended::Conflict, stored_at(8)];
    assert_eq!(store.append(&call).await.unwrap(), expected);
    assert_eq!(hot_times(&store, &device).await, [1, 7, 8]);
}

/// A store that searches for segments around client-timed readings and after the clock must not miss the
/// segments in between.
pub async fn readings_on_both_sides_of_a_segment_are_stored(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 11]).await;
    let call = [server_timed(&device, 20, 1), given(&device, 5, 2), server_timed(&device, 20, 3)];
    assert_eq!(store.append(&call).await.unwrap(), [20, 5, 21].map(stored_at));
    let call = [server_timed(&device, 10, 4), given(&device, 30, 5), server_timed(&device, 0, 6)];
    assert_eq!(store.append(&call).await.unwrap(), [31, 30, 32].map(stored_at));
}

pub async fn thousands_of_picked_times_are_after_thousands_of_sealed_readings(store: Opened) {
    let device = device(&store, "d").await;
    let even: Vec<_> = (0..5_000).map(|n| 2 * n).collect();
    sealed(&store, &device, &even).await;
    let call: Vec<_> = (0..6_000).map(|n| server_timed(&device, 0, n)).collect();
    let expected = (9_999..15_999).map(stored_at);
    assert_eq!(store.append(&call).await.unwrap(), expected.collect::<Vec<_>>());
}

pub async fn a_late_reading_between_sealed_ones_stays_hot(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10, 20, 30]).await;
    assert_eq!(store.append(&[given(&device, 15, 1)]).await.unwrap(), [stored_at(15)]);
    assert_eq!(hot_times(&store, &device).await, [15]);
    assert_eq!(store.find_reading(device.key, at(15)).await.unwrap(), Some(stored(&device, 15, 1)));
    assert_eq!(store.append(&[given(&device, 15, 2)]).await.unwrap(), [Appended::Conflict]);
    assert_eq!(all_times(&store, &device).await, [10, 15, 20, 30]);
    // The late reading can be sealed, too. Then the spans of the segments overlap.
    store.append(&[given(&device, 25, 2), given(&device, 35, 3)]).await.unwrap();
    seal(&store, &device, &[15, 25, 35]).await;
    assert_eq!(all_times(&store, &device).await, [10, 15, 20, 25, 30, 35]);
    for us in [10, 15, 20, 25, 30, 35] {
        assert_eq!(store.append(&[given(&device, us, 9)]).await.unwrap(), [Appended::Conflict]);
    }
    assert_eq!(
        store.append(&[server_timed(&device, 24, 9), server_timed(&device, 24, 9)]).await.unwrap(),
        [36, 37].map(stored_at)
    );
}

pub async fn rows_that_are_not_hot_are_not_sealed(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    store.append(&[given(&d, 1, 1), given(&d, 2, 2), given(&d, 3, 3), given(&other, 4, 4)]).await.unwrap();
    seal(&store, &d, &[3]).await;
    let is_stale = async |rows: &[Row]| {
        let answer = store.seal(d.key, &sealed_rows(rows)).await.unwrap();
        assert_eq!(answer, Replaced::Stale, "{rows:?}");
        assert_eq!(hot_times(&store, &d).await, [1, 2]);
        assert_eq!(hot_times(&store, &other).await, [4]);
        assert_eq!(
            all_readings(&store, d.key).await,
            [(3, 3), (2, 2), (1, 1)].map(|(us, n)| stored(&d, us, n))
        );
        assert_eq!(store.list_segments(d.key).await.unwrap().len(), 1);
    };
    // A row that never existed, a sealed row, a row of another device, and a row with another id: alone and
    // among others.
    for bad in [row(0, 0), row(3, 3), row(4, 4), row(2, 9)] {
        is_stale(&[bad]).await;
        let mut rows = vec![row(1, 1), row(2, 2), bad];
        rows.sort_by_key(|row| row.time_us);
        rows.dedup_by_key(|row| row.time_us);
        if bad.time_us == 2 {
            rows[1] = bad;
        }
        is_stale(&rows).await;
    }
}

pub async fn nothing_is_sealed_for_a_missing_device(store: Opened) {
    let gone = device(&store, "gone").await;
    store.append(&[given(&gone, 1, 1)]).await.unwrap();
    let rows = store.list_hot_readings(gone.key, 10).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    for key in UNUSED_IDS.map(DeviceKey).into_iter().chain([gone.key]) {
        assert_eq!(store.seal(key, &sealed_rows(&rows)).await.unwrap(), Replaced::Stale);
        assert_eq!(store.list_segments(key).await.unwrap(), []);
    }
}

pub async fn a_paused_sealer_does_no_harm(store: Opened) {
    let device = device(&store, "d").await;
    store.append(&[given(&device, 1, 1), given(&device, 2, 2)]).await.unwrap();
    let paused = store.list_hot_readings(device.key, 10).await.unwrap();
    // While the sealer is paused, first one and then all of its readings are sealed, and a new reading is
    // appended.
    seal(&store, &device, &[2]).await;
    assert_eq!(store.seal(device.key, &sealed_rows(&paused)).await.unwrap(), Replaced::Stale);
    seal(&store, &device, &[1]).await;
    store.append(&[given(&device, 3, 3)]).await.unwrap();
    assert_eq!(store.seal(device.key, &sealed_rows(&paused)).await.unwrap(), Replaced::Stale);
    assert_eq!(all_times(&store, &device).await, [1, 2, 3]);
    assert_eq!(store.list_segments(device.key).await.unwrap().len(), 2);
}

pub async fn a_window_that_lies_between_sealed_readings_is_empty(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &[10, 20, 30]).await;
    for (from, until, expected) in [
        (11, 20, &[][..]),
        (11, 21, &[20]),
        (10, 11, &[10]),
        (21, 30, &[]),
        (30, 31, &[30]),
        (31, 40, &[]),
        (0, 10, &[]),
        (i64::MIN, i64::MAX, &[10, 20, 30]),
        (20, 20, &[]),
        (30, 10, &[]),
    ] {
        let window = window(from, until);
        let rows = store.read_snapshot(Subject::Device(device.key), window).await.unwrap();
        let times: Vec<_> = rows.iter().flat_map(|(_, rows)| rows).map(|row| row.time_us).collect();
        assert_eq!(times, expected, "{window:?}");
        let listed = store.list_readings(device.key, window, super::samples::page(0, 100)).await.unwrap();
        assert_eq!(listed.iter().rev().map(|reading| reading.time.micros()).collect::<Vec<_>>(), expected);
        // The segment is listed exactly if it touches the window.
        let entry = SegmentEntry { id, first_us: 10, last_us: 30, readings: 3 };
        let named: &[_] = if entry.touches(window) { &[entry] } else { &[] };
        assert_eq!(store.list_newest(device.key, window, 5).await.unwrap().segments, named);
        let snapshot = store.snapshot(Subject::Device(device.key), window).await.unwrap();
        let segments: Vec<_> = snapshot.devices.into_iter().flat_map(|device| device.segments).collect();
        assert_eq!(segments, named, "{window:?}");
    }
}

pub async fn many_readings_are_sealed_at_once(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..MANY).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let rows = store.list_hot_readings(device.key, u32::MAX).await.unwrap();
    assert_eq!(rows.len(), MANY as usize);
    let answer = store.seal(device.key, &sealed_rows(&rows)).await.unwrap();
    assert!(matches!(answer, Replaced::Done(_)));
    let all = store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    assert_eq!(all[0].1, rows);
    assert_eq!(store.list_hot_readings(device.key, 1).await.unwrap(), []);
    assert_eq!(store.append(&call).await.unwrap(), vec![Appended::Repeat; MANY as usize]);
}

/// Values are compared by their bits, on every page of a segment, and axis by axis.
pub async fn every_changed_number_of_a_sealed_reading_is_a_conflict(store: Opened) {
    let device = device(&store, "d").await;
    let number = |us: i64, axis: u8| {
        // Some values repeat, and some differ by one bit.
        let base = [0.1, 1e300, -5e-324][usize::from(axis)] * f64::from(i32::try_from(us % 700).unwrap());
        f64::from_bits(base.to_bits() + u64::from(us % 3 == 0))
    };
    let reading = |us: i64, changed: Option<u8>| {
        let next = |axis| {
            let value = number(us, axis);
            if changed == Some(axis) { f64::from_bits(value.to_bits() + 1) } else { value }
        };
        NewReading { values: values(next(0), next(1), next(2)), ..given(&device, us, 1) }
    };
    let call: Vec<_> = (0..9_000).map(|us| reading(us, None)).collect();
    store.append(&call).await.unwrap();
    // Two segments that overlap in time, and hot readings.
    let (even, odd): (Vec<i64>, Vec<i64>) = (0..8_900).partition(|us| us % 2 == 0);
    seal(&store, &device, &even).await;
    seal(&store, &device, &odd).await;
    assert_eq!(store.append(&call).await.unwrap(), vec![Appended::Repeat; 9_000]);
    for axis in 0..3 {
        let changed: Vec<_> = (0..9_000).map(|us| reading(us, (us % 5 == 0).then_some(axis))).collect();
        let outcomes = store.append(&changed).await.unwrap();
        for (us, outcome) in outcomes.iter().enumerate() {
            let expected = if us % 5 == 0 { Appended::Conflict } else { Appended::Repeat };
            assert_eq!(*outcome, expected, "axis {axis} at {us}");
        }
    }
    assert_eq!(store.append(&call).await.unwrap(), vec![Appended::Repeat; 9_000]);
}

/// Of several readings of a call with the same time, each is compared with the stored reading, and not with
/// the first of the call.
pub async fn repeats_within_a_call_are_compared_with_the_stored_reading(store: Opened) {
    let device = device(&store, "d").await;
    sealed(&store, &device, &[10]).await;
    store.append(&[given(&device, 20, 20)]).await.unwrap();
    let call = [
        given(&device, 10, 1),
        given(&device, 20, 2),
        given(&device, 30, 3),
        given(&device, 10, 10),
        given(&device, 20, 20),
        given(&device, 30, 30),
        given(&device, 10, 1),
        given(&device, 20, 2),
        given(&device, 30, 3),
    ];
    let (repeat, conflict) = (Appended::Repeat, Appended::Conflict);
    let expected = [conflict, conflict, stored_at(30), repeat, repeat, conflict, conflict, conflict, repeat];
    assert_eq!(store.append(&call).await.unwrap(), expected);
}
