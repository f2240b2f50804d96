//! Cases in which callers seal, merge and append concurrently.

use std::sync::Arc;

use device_stats_domain::{Author, Device, Window};

use super::background_seals::BackgroundSeals;
use super::callers::{CALLERS, concurrently};
use super::oracle::Oracle;
use super::samples::{
    Opened, all_readings, all_times, device, entries, given, hot_times, read_rows, row, sealed, sealed_rows,
    segment, server_timed, stored,
};
use crate::{Appended, Piece, PieceKey, Replaced, SegmentEntry, StoreError, Subject, Visibility};

/// Asserts that one answer is `Done` and all others are `Stale`.
fn assert_one_done(answers: Vec<Result<Replaced, StoreError>>) {
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let done = answers.iter().filter(|answer| matches!(answer, Replaced::Done(_))).count();
    assert_eq!(done, 1, "{answers:?}");
}

pub async fn one_caller_seals_a_reading(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..20).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let rows = Arc::new(store.list_hot_readings(device.key, 100).await.unwrap());
    let answers = concurrently(CALLERS, |n| {
        let (store, key, rows) = (Arc::clone(&store), device.key, Arc::clone(&rows));
        // All callers seal the reading in the middle, each with different readings around it.
        let wanted = n / 2..=10 + n / 2;
        async move { store.seal(key, &sealed_rows(&rows[wanted])).await }
    });
    assert_one_done(answers.await);
    assert_eq!(all_times(&store, &device).await, (0..20).collect::<Vec<_>>());
    assert_eq!(hot_times(&store, &device).await.len(), 9);
}

pub async fn one_caller_merges_a_segment(store: Opened) {
    let device = device(&store, "d").await;
    for us in 0..20 {
        sealed(&store, &device, &[us]).await;
    }
    let all = Arc::new(store.list_segments(device.key).await.unwrap());
    let answers = concurrently(CALLERS, |n| {
        let (store, key) = (Arc::clone(&store), device.key);
        let mut wanted = all[n / 2..=10 + n / 2].to_vec();
        async move {
            let merged = segment(&read_rows(&store, key, &wanted).await?);
            if n % 2 == 0 {
                wanted.reverse();
            }
            let ids: Vec<_> = wanted.iter().map(|entry| entry.id).collect();
            Some(store.merge(key, &ids, &merged).await)
        }
    });
    // A caller that can no longer read the segments has lost, too.
    assert_one_done(answers.await.into_iter().flatten().collect());
    assert_eq!(all_times(&store, &device).await, (0..20).collect::<Vec<_>>());
    assert_eq!(entries(&store, &device).await.len(), 10);
}

pub async fn one_caller_appends_a_segment(store: Opened) {
    let device = device(&store, "d").await;
    for round in 0..5_i64 {
        let answers = concurrently(CALLERS, |n| {
            let (store, key) = (Arc::clone(&store), device.key);
            // Half of the callers append the same readings, the other half append readings between these.
            let times = (0..50).map(|us| round * 1_000 + us * 2 + i64::try_from(n % 2).unwrap());
            let rows: Vec<_> = times.map(|us| row(us, i32::try_from(n).unwrap())).collect();
            async move { store.append_segment(key, &segment(&rows)).await }
        });
        assert_one_done(answers.await);
        assert_eq!(all_times(&store, &device).await.len(), 50 * (usize::try_from(round).unwrap() + 1));
    }
}

/// A segment and single readings inside its span are appended concurrently. The later call sees the earlier
/// one.
pub async fn segments_and_readings_that_meet_are_stored_once(store: Opened) {
    let device = device(&store, "d").await;
    for round in 0..10_i64 {
        let from = round * 1_000;
        let rows: Vec<_> = (0..50).map(|us| row(from + us * 2, 1)).collect();
        let answers = concurrently(8, |n| {
            let (store, device, rows) = (Arc::clone(&store), device.clone(), rows.clone());
            let us = from + i64::try_from(n).unwrap() * 10;
            async move {
                match n % 4 {
                    0 => store.append_segment(device.key, &segment(&rows)).await.map(|answer| match answer {
                        Replaced::Done(_) => rows.iter().map(|row| row.time_us).collect(),
                        Replaced::Stale => Vec::new(),
                    }),
                    n => {
                        let call = if n == 3 { server_timed(&device, us, 3) } else { given(&device, us, 2) };
                        let outcome = store.append(&[call]).await;
                        outcome.map(|outcome| match outcome[0] {
                            Appended::Stored(time) => vec![time.micros()],
                            Appended::Repeat | Appended::Conflict => Vec::new(),
                        })
                    }
                }
            }
        });
        let mut acknowledged: Vec<i64> = answers.await.into_iter().flat_map(Result::unwrap).collect();
        acknowledged.sort_unstable();
        let window = Window { from_us: from, until_us: from + 1_000 };
        let all = store.read_snapshot(Subject::Device(device.key), window).await.unwrap();
        let times: Vec<_> = all[0].1.iter().map(|row| row.time_us).collect();
        assert_eq!(times, acknowledged, "round {round}");
    }
}

/// Times are picked while the readings that take them move from hot to sealed.
pub async fn no_time_is_picked_twice_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let background = BackgroundSeals::start(&store, &[device.key]);
    let answers = concurrently(6, |_| {
        let (store, device) = (Arc::clone(&store), device.clone());
        async move {
            let mut times = Vec::new();
            for _ in 0..8 {
                times.extend(store.append(&vec![server_timed(&device, 0, 1); 10]).await.unwrap());
            }
            times
        }
    });
    let times = answers.await.into_iter().flatten().map(|one| match one {
        Appended::Stored(time) => time.micros(),
        Appended::Repeat | Appended::Conflict => unreachable!("a repeat of no time"),
    });
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    assert!(background.stop().await > 0);
    assert_eq!(times, (0..480).collect::<Vec<_>>());
    assert_eq!(all_times(&store, &device).await, times);
}

/// A stored reading is a repeat at every moment, also while it moves from hot to sealed.
pub async fn repeats_are_repeats_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let background = BackgroundSeals::start(&store, &[device.key]);
    for n in 0..30_i64 {
        let call: Vec<_> = (0..10).map(|i| given(&device, n * 10 + i, 1)).collect();
        assert!(store.append(&call).await.unwrap().iter().all(|one| matches!(one, Appended::Stored(_))));
        let answers = concurrently(4, |caller| {
            let (store, device) = (Arc::clone(&store), device.clone());
            let from = i64::try_from(caller).unwrap() * n / 4;
            // Every second reading has other values.
            let value = |us| if us % 2 == 0 { 1 } else { 2 };
            let again: Vec<_> = (from * 10..(n + 1) * 10).map(|us| given(&device, us, value(us))).collect();
            async move { store.append(&again).await.unwrap() }
        });
        // Each call begins with an even time.
        for outcomes in answers.await {
            for outcomes in outcomes.chunks(2) {
                assert_eq!(outcomes, [Appended::Repeat, Appended::Conflict]);
            }
        }
    }
    assert!(background.stop().await > 0);
    let expected: Vec<_> = (0..300).rev().map(|us| stored(&device, us, 1)).collect();
    assert_eq!(all_readings(&store, device.key).await, expected);
}

/// Appends readings and segments, fifteen times or until the device is missing; returns the segments that it
/// saw.
async fn append_until_missing(store: Opened, device: Device, caller: usize) -> Vec<SegmentEntry> {
    let mut seen = Vec::new();
    let rounds = if caller == 0 { 0..15 } else { 0..i64::MAX };
    for round in rounds {
        let from = i64::try_from(caller).unwrap() * 1_000_000_000 + round * 100;
        let call: Vec<_> = (0..20).map(|us| given(&device, from + us, 1)).collect();
        let rows: Vec<_> = (50..60).map(|us| row(from + us, 1)).collect();
        let appended = store.append(&call).await.map(drop);
        let sealed = store.append_segment(device.key, &segment(&rows)).await.map(drop);
        seen.extend(store.list_segments(device.key).await.unwrap());
        match (appended, sealed) {
            (Ok(()), Ok(())) => {}
            (Ok(()) | Err(StoreError::DeviceMissing), Err(StoreError::DeviceMissing)) => break,
            answers => panic!("{answers:?}"),
        }
        tokio::task::yield_now().await;
    }
    seen
}

pub async fn nothing_is_left_of_a_device_deleted_under_seals(store: Opened) {
    for round in 0..4 {
        let device = device(&store, &format!("d{round}")).await;
        let background = BackgroundSeals::start(&store, &[device.key]);
        let answers = concurrently(3, |caller| {
            let (store, device) = (Arc::clone(&store), device.clone());
            async move {
                let seen = append_until_missing(Arc::clone(&store), device.clone(), caller).await;
                if caller == 0 {
                    store.delete_device(&Author::SERVICE, Visibility::All, device.key, None).await.unwrap();
                }
                seen
            }
        });
        let seen: Vec<_> = answers.await.into_iter().flatten().collect();
        background.stop().await;
        assert!(!seen.is_empty());
        let asked = seen.iter().flat_map(|entry| {
            [Piece::Head, Piece::Block(0)].map(|piece| PieceKey {
                device: device.key,
                segment: entry.id,
                piece,
            })
        });
        let pieces = store.read_pieces(&asked.collect::<Vec<_>>()).await.unwrap();
        assert!(pieces.iter().all(Option::is_none));
        assert_eq!(store.list_segments(device.key).await.unwrap(), []);
        assert_eq!(store.list_hot_readings(device.key, 10).await.unwrap(), []);
        assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
        refused!(store.snapshot(Subject::Device(device.key), Window::ALL), DeviceMissing);
    }
}
