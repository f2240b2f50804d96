//! Cases about appending client-timed readings, and about reading ids.

use device_stats_domain::{Axes, Device, DeviceKey, NewReading, ReadingId, Timestamp, Window};

use super::oracle::Oracle;
use super::samples::{
    Opened, all_readings, all_times, at, device, given, server_timed, stored, stored_at, values,
};
use crate::{Appended, Subject};

/// Number of readings of a large call. They have more fields than a statement can have parameters (65,535 in
/// PostgreSQL, 32,766 in SQLite).
const MANY: i32 = 20_000;

/// Returns the number of readings of a device in a snapshot.
async fn count(store: &Opened, device: &Device) -> usize {
    let all = store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    all.iter().map(|(_, rows)| rows.len()).sum()
}

pub async fn reserved_ids_start_at_one_and_never_repeat(store: Opened) {
    assert_eq!(store.reserve_reading_ids(3).await.unwrap(), 1..4);
    let mut last = 3;
    for count in [1, 0, 10_000, u32::MAX, u32::MAX, 1] {
        let block = store.reserve_reading_ids(count).await.unwrap();
        assert!(block.start > last || block.is_empty(), "{block:?} follows {last}");
        assert_eq!(block.end - block.start, i64::from(count));
        last = last.max(block.end - 1);
    }
}

pub async fn an_empty_call_appends_nothing(store: Opened) {
    let device = device(&store, "d").await;
    assert_eq!(store.append(&[]).await.unwrap(), []);
    assert_eq!(all_readings(&store, device.key).await, []);
}

pub async fn a_reading_of_a_missing_device_stores_nothing_of_the_call(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let unknown = NewReading { device: DeviceKey(i64::MAX), ..given(&a, 1, 9) };
    let early = NewReading { device: DeviceKey(-1), ..server_timed(&a, 1, 9) };
    for missing in [unknown, early] {
        refused!(store.append(&[missing]), DeviceMissing);
        refused!(store.append(&[given(&a, 1, 1), server_timed(&b, 1, 2), missing]), DeviceMissing);
        refused!(store.append(&[missing, given(&a, 1, 1), server_timed(&b, 1, 2)]), DeviceMissing);
    }
    assert_eq!(all_readings(&store, a.key).await, []);
    assert_eq!(all_readings(&store, b.key).await, []);

    // The call is refused even if it has no new reading.
    store.append(&[given(&a, 1, 1)]).await.unwrap();
    refused!(store.append(&[given(&a, 1, 1), unknown]), DeviceMissing);
}

pub async fn the_first_reading_of_a_time_wins_across_calls(store: Opened) {
    let device = device(&store, "d").await;
    assert_eq!(store.append(&[given(&device, 5, 1)]).await.unwrap(), [stored_at(5)]);
    // Repeats with the same numbers and id, and with others.
    for (n, expected) in [(1, Appended::Repeat), (2, Appended::Conflict)] {
        assert_eq!(store.append(&[given(&device, 5, n)]).await.unwrap(), [expected]);
    }
    assert_eq!(all_readings(&store, device.key).await, [stored(&device, 5, 1)]);
}

pub async fn the_first_reading_of_a_time_wins_within_a_call(store: Opened) {
    let device = device(&store, "d").await;
    let call = [
        given(&device, 7, 1),
        given(&device, 5, 2),
        given(&device, 7, 3),
        given(&device, 5, 4),
        given(&device, 7, 1),
    ];
    let expected = [stored_at(7), stored_at(5), Appended::Conflict, Appended::Conflict, Appended::Repeat];
    assert_eq!(store.append(&call).await.unwrap(), expected);
    assert_eq!(all_readings(&store, device.key).await, [stored(&device, 7, 1), stored(&device, 5, 2)]);
}

pub async fn outcomes_are_in_the_order_of_the_readings(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    store.append(&[given(&a, 30, 1), given(&b, 10, 2)]).await.unwrap();
    let call = [
        given(&b, 30, 3),
        given(&a, 30, 4),
        server_timed(&b, 10, 5),
        given(&a, 10, 6),
        given(&b, 10, 7),
        server_timed(&a, 30, 8),
        given(&a, -10, 9),
    ];
    let expected = [
        stored_at(30),
        Appended::Conflict,
        stored_at(31),
        stored_at(10),
        Appended::Conflict,
        stored_at(31),
        stored_at(-10),
    ];
    assert_eq!(store.append(&call).await.unwrap(), expected);
    assert_eq!(all_times(&store, &a).await, [-10, 10, 30, 31]);
    assert_eq!(all_times(&store, &b).await, [10, 30, 31]);
}

pub async fn devices_can_share_a_time(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let call = [given(&a, 1, 1), given(&b, 1, 2)];
    assert_eq!(store.append(&call).await.unwrap(), [stored_at(1), stored_at(1)]);
    assert_eq!(all_readings(&store, a.key).await, [stored(&a, 1, 1)]);
    assert_eq!(all_readings(&store, b.key).await, [stored(&b, 1, 2)]);
}

pub async fn the_same_numbers_at_another_time_are_no_repeat(store: Opened) {
    let device = device(&store, "d").await;
    let call = [given(&device, 1, 1), given(&device, 2, 1)];
    assert_eq!(store.append(&call).await.unwrap(), [stored_at(1), stored_at(2)]);
    assert_eq!(all_times(&store, &device).await, [1, 2]);
}

pub async fn numbers_are_kept_bit_for_bit(store: Opened) {
    let device = device(&store, "d").await;
    let numbers = [
        0.0,
        5e-324,
        -5e-324,
        2.225_073_858_507_201e-308,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        0.1,
        0.1 + 0.2,
        1.0 / 3.0,
        -1.0,
        1.0,
        // Whole numbers beyond 2^53. A store could keep them as integers.
        9_007_199_254_740_993.0,
        -9.223_372_036_854_776e18,
        1e22,
        1e23,
        1.797_693_134_862_315_5e308,
        std::f64::consts::PI,
    ];
    let call: Vec<_> = (0..18)
        .map(|n| {
            let [x, y, z] = [0, 1, 2].map(|axis| numbers[(n + axis) % 18]);
            let time = i32::try_from(n).unwrap();
            NewReading { values: values(x, y, z), ..given(&device, time.into(), time) }
        })
        .collect();
    store.append(&call).await.unwrap();
    let mut stored = all_readings(&store, device.key).await;
    stored.reverse();
    let bits = |values: Axes<device_stats_domain::Finite>| values.map(|number| number.get().to_bits());
    for (reading, new) in stored.iter().zip(&call) {
        assert_eq!(bits(reading.values), bits(new.values));
    }
    assert_eq!(stored.len(), call.len());
}

pub async fn every_time_can_be_stored(store: Opened) {
    let device = device(&store, "d").await;
    let (min, max) = (Timestamp::MIN.micros(), Timestamp::MAX.micros());
    let times = [min, min + 1, -1, 0, 1, 946_684_800_000_000, max - 1, max];
    let call: Vec<_> = times.iter().map(|us| given(&device, *us, 1)).collect();
    assert_eq!(store.append(&call).await.unwrap(), times.map(stored_at));
    assert_eq!(store.append(&call).await.unwrap(), [Appended::Repeat; 8]);
    assert_eq!(all_times(&store, &device).await, times);
    for us in times {
        assert_eq!(store.find_reading(device.key, at(us)).await.unwrap(), Some(stored(&device, us, 1)));
    }
}

pub async fn a_large_call_of_one_device_is_stored(store: Opened) {
    let device = device(&store, "d").await;
    // Newest first, like a device that sends its buffer.
    let call: Vec<_> = (0..MANY).rev().map(|n| given(&device, n.into(), n)).collect();
    let expected: Vec<_> = (0..MANY).rev().map(|n| stored_at(n.into())).collect();
    assert_eq!(store.append(&call).await.unwrap(), expected);
    assert_eq!(count(&store, &device).await, MANY as usize);
    let newest = store.find_reading(device.key, at((MANY - 1).into())).await.unwrap();
    assert_eq!(newest.unwrap().id, ReadingId((MANY - 1).into()));
}

pub async fn a_large_call_of_many_devices_is_stored(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..50 {
        devices.push(device(&store, &format!("d{n}")).await);
    }
    let call: Vec<_> = (0..MANY)
        .map(|n| {
            let device = &devices[n as usize % devices.len()];
            // Half of them are server-timed.
            if n % 100 < 50 { given(device, (n / 50).into(), n) } else { server_timed(device, 1_000_000, n) }
        })
        .collect();
    let outcome = store.append(&call).await.unwrap();
    assert!(outcome.iter().all(|appended| matches!(appended, Appended::Stored(_))));
    for device in devices {
        assert_eq!(count(&store, &device).await, MANY as usize / 50);
    }
}

pub async fn a_large_call_can_be_repeated(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..MANY).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call[5_000..10_000]).await.unwrap();
    let outcome = store.append(&call).await.unwrap();
    for (n, appended) in outcome.iter().enumerate() {
        assert_eq!(*appended == Appended::Repeat, (5_000..10_000).contains(&n), "reading {n}");
    }
    assert_eq!(store.append(&call).await.unwrap(), vec![Appended::Repeat; MANY as usize]);
    assert_eq!(count(&store, &device).await, MANY as usize);
}
