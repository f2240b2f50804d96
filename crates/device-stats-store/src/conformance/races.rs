//! Cases in which many callers compete.

use std::collections::BTreeMap;
use std::sync::Arc;

use device_stats_domain::{Author, ListPage, ReadingTime, UserChange};

use super::callers::{CALLERS, assert_one_winner, concurrently};
use super::samples::{
    Opened, all_readings, all_times, device, given, new_device, new_user, owned_device, server_timed, user,
    username,
};
use crate::{Appended, StoreError, Visibility};

pub async fn one_caller_gets_a_username(store: Opened) {
    let answers = concurrently(CALLERS, |n| {
        let store = Arc::clone(&store);
        async move { store.create_user(&Author::SERVICE, new_user("ann", &format!("ann{n}"))).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::UsernameTaken));
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_gets_an_email(store: Opened) {
    let answers = concurrently(CALLERS, |n| {
        let store = Arc::clone(&store);
        // Pairs of calls have the same username; the taken email address is reported first.
        async move { store.create_user(&Author::SERVICE, new_user(&format!("ann{}", n / 2), "ann")).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::EmailTaken));
    assert_eq!(store.list_users(Visibility::All, ListPage::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_gets_a_device_id(store: Opened) {
    let ann = user(&store, "ann").await;
    let answers = concurrently(CALLERS, |n| {
        let (store, owner) = (Arc::clone(&store), (n % 2 == 0).then_some(ann.id));
        async move { store.create_device(&Author::SERVICE, new_device("d", owner), None).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::DeviceIdTaken));
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_renames_a_user(store: Opened) {
    let mut ids = Vec::new();
    for n in 0..CALLERS {
        ids.push(user(&store, &format!("u{n}")).await.id);
    }
    let answers = concurrently(CALLERS, |n| {
        let (store, id) = (Arc::clone(&store), ids[n]);
        let change = UserChange { username: Some(username("ann")), email: None };
        async move { store.update_user(&Author::SERVICE, Visibility::All, id, None, change).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::UsernameTaken));
    let users = store.list_users(Visibility::All, ListPage::FIRST).await.unwrap();
    assert_eq!(users.iter().filter(|user| user.username == winner.username).count(), 1);
}

pub async fn one_caller_deletes_a_device(store: Opened) {
    let device = device(&store, "d").await;
    let answers = concurrently(CALLERS, |_| {
        let (store, key) = (Arc::clone(&store), device.key);
        async move { store.delete_device(&Author::SERVICE, Visibility::All, key, None).await }
    });
    assert_one_winner(answers.await, |error| matches!(error, StoreError::DeviceMissing));
}

pub async fn one_caller_deletes_a_user(store: Opened) {
    let ann = user(&store, "ann").await;
    owned_device(&store, "d", &ann).await;
    let answers = concurrently(CALLERS, |_| {
        let (store, id) = (Arc::clone(&store), ann.id);
        async move { store.delete_user(&Author::SERVICE, Visibility::All, id, None).await }
    });
    assert_one_winner(answers.await, |error| matches!(error, StoreError::UserMissing));
}

pub async fn reserved_ids_are_disjoint(store: Opened) {
    let answers = concurrently(CALLERS, |n| {
        let (store, count) = (Arc::clone(&store), u32::try_from(n * 7 + 1).unwrap());
        async move {
            let mut blocks = Vec::new();
            for _ in 0..4 {
                blocks.push(store.reserve_reading_ids(count).await.unwrap());
            }
            blocks
        }
    });
    let mut ids: Vec<i64> = answers.await.into_iter().flatten().flatten().collect();
    let reserved = ids.len();
    assert_eq!(reserved, (0..CALLERS).map(|n| 4 * (n * 7 + 1)).sum::<usize>());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), reserved, "an id was reserved twice");
    assert!(ids[0] >= 1);
}

pub async fn a_reading_sent_by_many_callers_is_stored_once(store: Opened) {
    const READINGS: i32 = 300;
    let devices = Arc::new([device(&store, "a").await, device(&store, "b").await]);
    let answers = concurrently(8, |caller| {
        let (store, devices) = (Arc::clone(&store), Arc::clone(&devices));
        let caller = i32::try_from(caller).unwrap();
        async move {
            let mut call: Vec<_> = (0..READINGS)
                .map(|n| given(&devices[(n % 2) as usize], (n / 2).into(), caller * 1_000 + n))
                .collect();
            // Each caller in its own order.
            call.rotate_left((caller * 37) as usize);
            let outcome = store.append(&call).await.unwrap();
            let stored =
                call.into_iter().zip(outcome).filter(|(_, appended)| matches!(appended, Appended::Stored(_)));
            stored.map(|(new, _)| new).collect::<Vec<_>>()
        }
    });
    let mut winners = BTreeMap::new();
    for new in answers.await.into_iter().flatten() {
        let ReadingTime::Given(time) = new.time else { unreachable!() };
        assert!(winners.insert((new.device, time), (new.id, new.values)).is_none(), "stored twice: {new:?}");
    }
    assert_eq!(winners.len(), READINGS as usize);
    for device in devices.iter() {
        for reading in all_readings(&store, device.key).await {
            assert_eq!(winners[&(device.key, reading.time)], (reading.id, reading.values));
        }
    }
}

pub async fn concurrent_callers_never_pick_the_same_time(store: Opened) {
    let device = Arc::new(device(&store, "d").await);
    let answers = concurrently(8, |_| {
        let (store, device) = (Arc::clone(&store), Arc::clone(&device));
        async move {
            let mut times = Vec::new();
            for _ in 0..5 {
                let outcome = store.append(&vec![server_timed(&device, 0, 1); 10]).await.unwrap();
                assert!(outcome.is_sorted_by_key(|appended| match appended {
                    Appended::Stored(time) => time.micros(),
                    Appended::Repeat | Appended::Conflict => unreachable!("a repeat of no time"),
                }));
                times.extend(outcome);
            }
            times
        }
    });
    let mut times: Vec<_> = answers
        .await
        .into_iter()
        .flatten()
        .map(|appended| match appended {
            Appended::Stored(time) => time.micros(),
            Appended::Repeat | Appended::Conflict => unreachable!("a repeat of no time"),
        })
        .collect();
    times.sort_unstable();
    assert_eq!(times, (0..400).collect::<Vec<_>>());
    assert_eq!(all_times(&store, &device).await, times);
}

/// Callers that lock devices or readings in different orders would deadlock.
pub async fn callers_with_many_devices_do_not_deadlock(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..10 {
        devices.push(device(&store, &format!("d{n}")).await);
    }
    let devices = Arc::new(devices);
    concurrently(CALLERS, |caller| {
        let (store, devices) = (Arc::clone(&store), Arc::clone(&devices));
        async move {
            for round in 0..4_i64 {
                let mut call: Vec<_> = devices
                    .iter()
                    .flat_map(|device| [given(device, round, 1), server_timed(device, 100, 2)])
                    .collect();
                if caller % 2 == 0 {
                    call.reverse();
                }
                call.rotate_left(caller);
                store.append(&call).await.unwrap();
            }
        }
    })
    .await;
    let expected: Vec<i64> = (0..4).chain(100..164).collect();
    for device in devices.iter() {
        assert_eq!(all_times(&store, device).await, expected);
    }
}
