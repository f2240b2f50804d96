//! Cases about server-timed readings.

use device_stats_domain::{Author, Timestamp};

use super::samples::{Opened, all_readings, all_times, device, given, seal, server_timed, stored, stored_at};
use crate::limits::CLOCK_SKEW_MAX;
use crate::{Appended, Visibility};

/// Returns the maximum step by which a clock can be set back, in microseconds.
fn back_us() -> i64 {
    i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap()
}

pub async fn a_free_clock_time_is_used_unchanged(store: Opened) {
    let device = device(&store, "d").await;
    for us in [Timestamp::MIN.micros(), -1, 0, 1_700_000_000_000_000, Timestamp::MAX.micros()] {
        assert_eq!(store.append(&[server_timed(&device, us, 1)]).await.unwrap(), [stored_at(us)]);
    }
}

pub async fn a_picked_time_is_after_all_readings_of_its_device(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let taken = [100, 101, 102, 104].map(|us| given(&a, us, 1));
    store.append(&taken).await.unwrap();
    assert_eq!(store.append(&[server_timed(&a, 99, 2)]).await.unwrap(), [stored_at(105)]);
    assert_eq!(store.append(&[server_timed(&a, 99, 3)]).await.unwrap(), [stored_at(106)]);
    let call = [server_timed(&b, 99, 4), server_timed(&a, 200, 5)];
    assert_eq!(store.append(&call).await.unwrap(), [99, 200].map(stored_at));
    assert_eq!(all_readings(&store, a.key).await[0], stored(&a, 200, 5));
}

/// The clock is set back by a restart, or the next reading is sent to a node with a slower clock.
pub async fn picked_times_ascend_although_the_clock_is_set_back(store: Opened) {
    let device = device(&store, "d").await;
    let back = back_us();
    for (clock, picked) in
        [(back, back), (1, back + 1), (back - 1, back + 2), (10, back + 3), (0, 0), (4, back + 4)]
    {
        assert_eq!(
            store.append(&[server_timed(&device, clock, 1)]).await.unwrap(),
            [stored_at(picked)],
            "{clock}"
        );
    }
}

/// A single reading that was two hours ahead moved all server-timed readings of its device two hours ahead,
/// until the clock had caught up.
pub async fn a_reading_hours_ahead_does_not_move_server_timed_readings(store: Opened) {
    let device = device(&store, "d").await;
    let minute = 60_000_000;
    for (n, ahead) in [(1, 120 * minute), (2, 10 * minute), (3, 48 * 60 * minute)] {
        store.append(&[given(&device, ahead, n)]).await.unwrap();
    }
    // The same, in the call of the server-timed reading, and sealed.
    let call = [given(&device, 121 * minute, 4), server_timed(&device, 0, 5)];
    assert_eq!(store.append(&call).await.unwrap(), [121 * minute, 0].map(stored_at));
    let sealed: Vec<i64> = all_times(&store, &device).await.into_iter().filter(|us| *us > 0).collect();
    seal(&store, &device, &sealed).await;
    for clock in [0, minute, 3 * minute] {
        let expected = clock + i64::from(clock == 0);
        assert_eq!(store.append(&[server_timed(&device, clock, 6)]).await.unwrap(), [stored_at(expected)]);
    }
    // A reading that is ahead by less than clocks may differ is an earlier server-timed one, as far as the
    // store knows.
    store.append(&[given(&device, 7 * minute, 7)]).await.unwrap();
    assert_eq!(
        store.append(&[server_timed(&device, 3 * minute, 8)]).await.unwrap(),
        [stored_at(7 * minute + 1)]
    );
}

/// A device whose clock is years ahead does not advance the picked times.
pub async fn readings_far_ahead_are_ignored(store: Opened) {
    let device = device(&store, "d").await;
    let back = back_us();
    store.append(&[back, back + 1, 40 * back].map(|us| given(&device, us, 1))).await.unwrap();
    assert_eq!(store.append(&[server_timed(&device, 0, 2)]).await.unwrap(), [stored_at(0)]);
    // A new reading just before them is not ignored. The times after it are taken, so they are skipped.
    let call = [server_timed(&device, 0, 3), given(&device, back - 1, 4), server_timed(&device, 0, 5)];
    assert_eq!(store.append(&call).await.unwrap(), [back + 2, back - 1, back + 3].map(stored_at));
}

pub async fn picked_times_ascend_in_the_order_of_the_call(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let call = [
        server_timed(&a, 10, 1),
        server_timed(&b, 10, 2),
        server_timed(&a, 10, 3),
        server_timed(&b, 11, 4),
        server_timed(&a, 10, 5),
    ];
    let expected = [10, 10, 11, 11, 12].map(stored_at);
    assert_eq!(store.append(&call).await.unwrap(), expected);
    let expected = [stored(&a, 12, 5), stored(&a, 11, 3), stored(&a, 10, 1)];
    assert_eq!(all_readings(&store, a.key).await, expected);
}

/// The clock can step back between two requests of one group commit.
pub async fn picked_times_ascend_although_clock_times_do_not(store: Opened) {
    let device = device(&store, "d").await;
    let call = [
        server_timed(&device, 100, 1),
        server_timed(&device, 50, 2),
        server_timed(&device, 200, 3),
        server_timed(&device, 50, 4),
    ];
    assert_eq!(store.append(&call).await.unwrap(), [100, 101, 200, 201].map(stored_at));
    assert_eq!(store.append(&[server_timed(&device, 50, 5)]).await.unwrap(), [stored_at(202)]);
}

pub async fn a_later_call_continues_after_an_earlier_one(store: Opened) {
    let device = device(&store, "d").await;
    for n in 0..5 {
        let call = [server_timed(&device, 0, 1), server_timed(&device, 0, 2)];
        assert_eq!(store.append(&call).await.unwrap(), [2 * n, 2 * n + 1].map(stored_at));
    }
    assert_eq!(all_times(&store, &device).await, (0..10).collect::<Vec<_>>());
}

pub async fn client_timed_readings_are_stored_before_times_are_picked(store: Opened) {
    let device = device(&store, "d").await;
    let call = [
        server_timed(&device, 10, 1),
        given(&device, 10, 2),
        server_timed(&device, 10, 3),
        given(&device, 12, 4),
    ];
    assert_eq!(store.append(&call).await.unwrap(), [13, 10, 14, 12].map(stored_at));
    let expected = [(14, 3), (13, 1), (12, 4), (10, 2)].map(|(us, n)| stored(&device, us, n));
    assert_eq!(all_readings(&store, device.key).await, expected);
}

pub async fn each_device_has_its_own_newest_reading(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    store.append(&[given(&a, 10, 1)]).await.unwrap();
    let call = [server_timed(&b, 10, 2), server_timed(&a, 10, 3)];
    assert_eq!(store.append(&call).await.unwrap(), [10, 11].map(stored_at));
}

pub async fn a_server_timed_reading_is_never_a_repeat(store: Opened) {
    let device = device(&store, "d").await;
    let call = vec![server_timed(&device, 0, 7); 50];
    for _ in 0..3 {
        let outcome = store.append(&call).await.unwrap();
        assert!(outcome.iter().all(|one| matches!(one, Appended::Stored(_))));
    }
    assert_eq!(all_times(&store, &device).await, (0..150).collect::<Vec<_>>());
}

pub async fn gaps_are_not_filled(store: Opened) {
    let device = device(&store, "d").await;
    let even: Vec<_> = (0..20).map(|n| given(&device, i64::from(n) * 2, n)).collect();
    store.append(&even).await.unwrap();
    let call: Vec<_> = (0..22).map(|n| server_timed(&device, 0, n)).collect();
    let expected: Vec<_> = (39..61).map(stored_at).collect();
    assert_eq!(store.append(&call).await.unwrap(), expected);
}

/// A call that needs a time after the last microsecond is refused, and none of its readings is stored.
pub async fn the_last_microsecond_can_be_picked_once(store: Opened) {
    let device = device(&store, "d").await;
    let max = Timestamp::MAX.micros();
    store.append(&[given(&device, max, 1)]).await.unwrap();
    let call = [given(&device, 1, 2), server_timed(&device, 1, 3), server_timed(&device, max, 4)];
    refused!(store.append(&call), Broken);
    assert_eq!(all_times(&store, &device).await, [max]);
    refused!(store.append(&[server_timed(&device, max - 1, 5)]), Broken);
    assert_eq!(
        store.append(&[server_timed(&device, max - back_us(), 6)]).await.unwrap(),
        [stored_at(max - back_us())]
    );
}

pub async fn a_missing_device_is_reported_before_the_end_of_time(store: Opened) {
    let (device, gone) = (device(&store, "d").await, device(&store, "gone").await);
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let max = Timestamp::MAX.micros();
    for missing in [given(&gone, 1, 1), server_timed(&gone, 1, 1), server_timed(&gone, max, 1)] {
        let call = [server_timed(&device, max, 2), missing, server_timed(&device, max, 3)];
        refused!(store.append(&call), DeviceMissing);
    }
    assert_eq!(all_times(&store, &device).await, [0_i64; 0]);
}

pub async fn thousands_of_readings_start_at_one_microsecond(store: Opened) {
    let device = device(&store, "d").await;
    for round in 0..2_i64 {
        let call: Vec<_> = (0..10_000).map(|n| server_timed(&device, 0, n)).collect();
        let expected: Vec<_> = (0..10_000).map(|n| stored_at(round * 10_000 + n)).collect();
        assert_eq!(store.append(&call).await.unwrap(), expected);
    }
}
