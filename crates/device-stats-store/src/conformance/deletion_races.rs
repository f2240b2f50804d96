//! Cases in which readings are deleted while other tasks append, seal and merge.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_domain::Window;

use super::background_seals::BackgroundSeals;
use super::callers::concurrently;
use super::oracle::Oracle;
use super::samples::{Opened, all_times, delete, device, given, stored_at, window};
use crate::{Appended, Subject};

/// Each stored reading is deleted once, or it stays.
pub async fn every_reading_is_deleted_once_or_stays(store: Opened) {
    let device = device(&store, "d").await;
    let background = BackgroundSeals::start(&store, &[device.key]);
    let answers = concurrently(6, |caller| {
        let (store, device) = (Arc::clone(&store), device.clone());
        async move {
            let (mut stored, mut deleted) = (0, 0);
            for round in 0..12_i64 {
                if caller < 4 {
                    // The callers share half of their times.
                    let from = round * 40 + i64::try_from(caller).unwrap() * 10;
                    let call: Vec<_> = (from..from + 20).map(|us| given(&device, us, 1)).collect();
                    let outcomes = store.append(&call).await.unwrap();
                    stored += outcomes.iter().filter(|one| matches!(one, Appended::Stored(_))).count() as u64;
                } else {
                    let from = (round * 53 + i64::try_from(caller).unwrap() * 97) % 480;
                    deleted += delete(&store, &device, window(from, from + 60)).await;
                }
                tokio::task::yield_now().await;
            }
            (stored, deleted)
        }
    });
    let (stored, deleted) = answers.await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    background.stop().await;
    assert_eq!(deleted + all_times(&store, &device).await.len() as u64, stored);
    let left = all_times(&store, &device).await.len() as u64;
    assert_eq!(delete(&store, &device, Window::ALL).await, left);
    assert_eq!(all_times(&store, &device).await, [0; 0]);
}

/// A call that starts after a deletion finds none of the deleted readings, although others seal and merge.
pub async fn nothing_is_left_of_a_window_deleted_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let background = BackgroundSeals::start(&store, &[device.key]);
    for round in 0..15_i64 {
        let times = round * 100..round * 100 + 100;
        let call: Vec<_> = times.clone().map(|us| given(&device, us, 1)).collect();
        store.append(&call).await.unwrap();
        tokio::task::yield_now().await;
        let deleted = window(times.start + 20, times.end - 10);
        assert_eq!(delete(&store, &device, deleted).await, 70);
        let left = store.read_snapshot(Subject::Device(device.key), deleted).await.unwrap();
        assert_eq!(left, []);
        let again: Vec<_> = (deleted.from_us..deleted.until_us).map(|us| given(&device, us, 2)).collect();
        let expected: Vec<_> = (deleted.from_us..deleted.until_us).map(stored_at).collect();
        assert_eq!(store.append(&again).await.unwrap(), expected);
    }
    background.stop().await;
    assert_eq!(all_times(&store, &device).await, (0..1_500).collect::<Vec<_>>());
}

/// A snapshot shows all readings of the window or none, although the same times are stored again and again.
pub async fn a_snapshot_never_shows_half_a_deletion(store: Opened) {
    const READINGS: usize = 60;
    let device = device(&store, "d").await;
    let background = BackgroundSeals::start(&store, &[device.key]);
    let is_done = Arc::new(AtomicBool::new(false));
    let answers = concurrently(3, |caller| {
        let (store, device, is_done) = (Arc::clone(&store), device.clone(), Arc::clone(&is_done));
        async move {
            let call: Vec<_> =
                (0..READINGS).map(|us| given(&device, i64::try_from(us).unwrap(), 1)).collect();
            let mut seen = [0, 0];
            if caller == 0 {
                for _ in 0..40 {
                    store.append(&call).await.unwrap();
                    tokio::task::yield_now().await;
                    assert_eq!(delete(&store, &device, Window::ALL).await, READINGS as u64);
                }
                is_done.store(true, Ordering::SeqCst);
            }
            while !is_done.load(Ordering::SeqCst) {
                let all = store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
                match all.iter().map(|(_, rows)| rows.len()).sum::<usize>() {
                    0 => seen[0] += 1,
                    READINGS => seen[1] += 1,
                    some => panic!("{some} of {READINGS} readings"),
                }
                tokio::task::yield_now().await;
            }
            seen
        }
    });
    answers.await;
    background.stop().await;
    assert_eq!(all_times(&store, &device).await, [0; 0]);
}
