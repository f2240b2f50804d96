//! Cases about readings that leave their time to the server.

use device_stats_domain::Timestamp;

use super::samples::{Opened, all_readings, all_times, device, free, given, stored, stored_at};
use crate::Appended;

pub async fn a_free_microsecond_is_taken_as_it_is(store: Opened) {
    let device = device(&store, "d").await;
    for us in [Timestamp::MIN.micros(), -1, 0, 1_700_000_000_000_000] {
        assert_eq!(store.append(&[free(&device, us, 1)]).await.unwrap(), [stored_at(us)]);
    }
}

pub async fn taken_microseconds_are_skipped(store: Opened) {
    let device = device(&store, "d").await;
    let taken = [100, 101, 102, 104].map(|us| given(&device, us, 1));
    store.append(&taken).await.unwrap();
    assert_eq!(store.append(&[free(&device, 99, 2)]).await.unwrap(), [stored_at(99)]);
    assert_eq!(store.append(&[free(&device, 99, 3)]).await.unwrap(), [stored_at(103)]);
    assert_eq!(store.append(&[free(&device, 99, 4)]).await.unwrap(), [stored_at(105)]);
    assert_eq!(all_readings(&store, device.key).await[0], stored(&device, 105, 4));
}

pub async fn times_ascend_in_the_order_of_the_call(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let call = [free(&a, 10, 1), free(&b, 10, 2), free(&a, 10, 3), free(&b, 11, 4), free(&a, 10, 5)];
    let expected = [10, 10, 11, 11, 12].map(stored_at);
    assert_eq!(store.append(&call).await.unwrap(), expected);
    let expected = [stored(&a, 12, 5), stored(&a, 11, 3), stored(&a, 10, 1)];
    assert_eq!(all_readings(&store, a.key).await, expected);
}

/// The clock may step back between two requests that end in one call.
pub async fn times_ascend_where_the_named_ones_do_not(store: Opened) {
    let device = device(&store, "d").await;
    let call = [free(&device, 100, 1), free(&device, 50, 2), free(&device, 200, 3), free(&device, 50, 4)];
    assert_eq!(store.append(&call).await.unwrap(), [100, 101, 200, 201].map(stored_at));
    // Another call knows nothing of it.
    assert_eq!(store.append(&[free(&device, 50, 5)]).await.unwrap(), [stored_at(50)]);
}

pub async fn a_later_call_goes_on_behind_an_earlier_one(store: Opened) {
    let device = device(&store, "d").await;
    for n in 0..5 {
        let call = [free(&device, 0, 1), free(&device, 0, 2)];
        assert_eq!(store.append(&call).await.unwrap(), [2 * n, 2 * n + 1].map(stored_at));
    }
    assert_eq!(all_times(&store, &device).await, (0..10).collect::<Vec<_>>());
}

pub async fn given_times_are_stored_before_free_ones_are_looked_for(store: Opened) {
    let device = device(&store, "d").await;
    let call = [free(&device, 10, 1), given(&device, 10, 2), free(&device, 10, 3), given(&device, 12, 4)];
    assert_eq!(store.append(&call).await.unwrap(), [11, 10, 13, 12].map(stored_at));
    let expected = [(13, 3), (12, 4), (11, 1), (10, 2)].map(|(us, n)| stored(&device, us, n));
    assert_eq!(all_readings(&store, device.key).await, expected);
}

pub async fn each_device_has_its_own_free_microseconds(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    store.append(&[given(&a, 10, 1)]).await.unwrap();
    let call = [free(&b, 10, 2), free(&a, 10, 3)];
    assert_eq!(store.append(&call).await.unwrap(), [10, 11].map(stored_at));
}

pub async fn it_is_never_a_repeat(store: Opened) {
    let device = device(&store, "d").await;
    let call = vec![free(&device, 0, 7); 50];
    for _ in 0..3 {
        let outcome = store.append(&call).await.unwrap();
        assert!(!outcome.contains(&Appended::Repeat));
    }
    assert_eq!(all_times(&store, &device).await, (0..150).collect::<Vec<_>>());
}

pub async fn gaps_are_filled(store: Opened) {
    let device = device(&store, "d").await;
    let even: Vec<_> = (0..20).map(|n| given(&device, i64::from(n) * 2, n)).collect();
    store.append(&even).await.unwrap();
    let call: Vec<_> = (0..22).map(|n| free(&device, 0, n)).collect();
    let expected: Vec<_> = (0..19).map(|n| 2 * n + 1).chain([39, 40, 41]).map(stored_at).collect();
    assert_eq!(store.append(&call).await.unwrap(), expected);
}

/// After it there is no time a reading could have, so the call is refused, and nothing of it is stored.
pub async fn the_last_microsecond_can_be_taken_once(store: Opened) {
    let device = device(&store, "d").await;
    let max = Timestamp::MAX.micros();
    store.append(&[given(&device, max, 1)]).await.unwrap();
    let call = [given(&device, 1, 2), free(&device, 1, 3), free(&device, max, 4)];
    refused!(store.append(&call), Broken);
    assert_eq!(all_times(&store, &device).await, [max]);
    let call = [free(&device, max - 1, 5)];
    assert_eq!(store.append(&call).await.unwrap(), [stored_at(max - 1)]);
    refused!(store.append(&call), Broken);
}

pub async fn a_missing_device_is_told_before_the_end_of_time(store: Opened) {
    let (device, gone) = (device(&store, "d").await, device(&store, "gone").await);
    store.delete_device(gone.key).await.unwrap();
    let max = Timestamp::MAX.micros();
    for missing in [given(&gone, 1, 1), free(&gone, 1, 1), free(&gone, max, 1)] {
        let call = [free(&device, max, 2), missing, free(&device, max, 3)];
        refused!(store.append(&call), DeviceMissing);
    }
    assert_eq!(all_times(&store, &device).await, []);
}

pub async fn thousands_of_readings_start_at_one_microsecond(store: Opened) {
    let device = device(&store, "d").await;
    for round in 0..2_i64 {
        let call: Vec<_> = (0..10_000).map(|n| free(&device, 0, n)).collect();
        let expected: Vec<_> = (0..10_000).map(|n| stored_at(round * 10_000 + n)).collect();
        assert_eq!(store.append(&call).await.unwrap(), expected);
    }
}
