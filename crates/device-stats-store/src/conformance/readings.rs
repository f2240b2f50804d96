//! Cases about finding and listing readings.

use device_stats_domain::{Author, DeviceKey, Timestamp, Window};

use super::oracle::Oracle;
use super::samples::{Opened, at, device, given, page, stored, window};
use crate::Visibility;

async fn times_in(store: &Opened, device: DeviceKey, window: Window) -> Vec<i64> {
    let readings = store.list_readings(device, window, page(0, 100)).await.unwrap();
    readings.iter().map(|reading| reading.time.micros()).collect()
}

pub async fn readings_are_listed_newest_first(store: Opened) {
    let device = device(&store, "d").await;
    // The order of time differs from the orders of arrival and of ids.
    store.append(&[given(&device, 20, 1)]).await.unwrap();
    store.append(&[given(&device, 10, 2), given(&device, 30, 3), given(&device, -5, 4)]).await.unwrap();
    let listed = store.list_readings(device.key, Window::ALL, page(0, 100)).await.unwrap();
    assert_eq!(listed, [(30, 3), (20, 1), (10, 2), (-5, 4)].map(|(us, n)| stored(&device, us, n)));
}

pub async fn a_window_holds_its_first_and_not_its_last_microsecond(store: Opened) {
    let device = device(&store, "d").await;
    let all: Vec<_> = (0..6).map(|n| given(&device, n.into(), n)).collect();
    store.append(&all).await.unwrap();
    for from in -1..7 {
        for until in -1..7 {
            let expected: Vec<_> = (0..6).rev().filter(|us| from <= *us && *us < until).collect();
            let window = window(from, until);
            assert_eq!(times_in(&store, device.key, window).await, expected, "{window:?}");
        }
    }
}

pub async fn the_ends_of_a_window_may_be_open(store: Opened) {
    let device = device(&store, "d").await;
    let (min, max) = (Timestamp::MIN.micros(), Timestamp::MAX.micros());
    store.append(&[min, 0, max].map(|us| given(&device, us, 1))).await.unwrap();
    let times = async |from, until| times_in(&store, device.key, window(from, until)).await;
    assert_eq!(times(i64::MIN, i64::MAX).await, [max, 0, min]);
    assert_eq!(times(i64::MIN, 0).await, [min]);
    assert_eq!(times(i64::MIN, 1).await, [0, min]);
    assert_eq!(times(0, i64::MAX).await, [max, 0]);
    assert_eq!(times(1, i64::MAX).await, [max]);
    assert_eq!(times(min, max).await, [0, min]);
    assert_eq!(times(max, i64::MAX).await, [max]);
    assert_eq!(times(i64::MAX, i64::MAX).await, [0_i64; 0]);
    assert_eq!(times(i64::MIN, i64::MIN).await, [0_i64; 0]);
}

pub async fn a_window_that_ends_before_it_begins_is_empty(store: Opened) {
    let device = device(&store, "d").await;
    store.append(&[given(&device, 5, 1)]).await.unwrap();
    for (from, until) in [(6, 5), (6, 4), (5, 5), (i64::MAX, i64::MIN)] {
        assert_eq!(times_in(&store, device.key, window(from, until)).await, [0_i64; 0]);
    }
}

pub async fn readings_are_listed_in_pages(store: Opened) {
    let device = device(&store, "d").await;
    let all: Vec<_> = (0..250).map(|n| given(&device, n.into(), n)).collect();
    store.append(&all).await.unwrap();
    for (window, expected) in [(Window::ALL, 0..250), (window(17, 230), 17..230)] {
        for limit in [1, 7, 99, 100] {
            let mut seen = Vec::new();
            for skip in (0..250).step_by(limit as usize) {
                let part = store.list_readings(device.key, window, page(skip, limit)).await.unwrap();
                assert!(part.len() <= limit as usize);
                seen.extend(part.iter().map(|reading| reading.time.micros()));
            }
            assert_eq!(seen, expected.clone().rev().collect::<Vec<_>>(), "in pages of {limit}");
        }
        for skip in [250, 1 << 31, 1 << 32, i64::MAX] {
            assert_eq!(store.list_readings(device.key, window, page(skip, 100)).await.unwrap(), []);
        }
    }
}

pub async fn readings_of_a_missing_device_are_none(store: Opened) {
    let gone = device(&store, "gone").await;
    store.append(&[given(&gone, 1, 1)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    assert_eq!(times_in(&store, gone.key, Window::ALL).await, [0_i64; 0]);
    assert_eq!(store.find_reading(gone.key, at(1)).await.unwrap(), None);
}

pub async fn only_the_readings_of_the_device_are_listed(store: Opened) {
    let devices = [device(&store, "a").await, device(&store, "b").await, device(&store, "c").await];
    for (n, device) in devices.iter().enumerate() {
        let us = i64::try_from(n).unwrap();
        store.append(&[given(device, us, 1), given(device, us + 10, 2)]).await.unwrap();
    }
    for (n, device) in devices.iter().enumerate() {
        let us = i64::try_from(n).unwrap();
        assert_eq!(times_in(&store, device.key, Window::ALL).await, [us + 10, us]);
    }
}

pub async fn a_reading_is_found_by_device_and_time(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    store.append(&[given(&a, 1, 1), given(&b, 2, 2)]).await.unwrap();
    assert_eq!(store.find_reading(a.key, at(1)).await.unwrap(), Some(stored(&a, 1, 1)));
    assert_eq!(store.find_reading(b.key, at(2)).await.unwrap(), Some(stored(&b, 2, 2)));
    for (device, us) in [(&a, 2), (&b, 1), (&a, 0)] {
        assert_eq!(store.find_reading(device.key, at(us)).await.unwrap(), None);
    }
    assert_eq!(store.find_reading(a.key, Timestamp::MAX).await.unwrap(), None);
}
