//! Cases in which many callers want the same at once. None of them waits for a time: a race that happens to be run one
//! after the other still has only one right outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_stats_domain::{Device, DeviceKey, Page, UserChange, Window};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::samples::{
    Opened, all_readings, all_times, at, device, device_of, free, given, new_device, new_user, stored, user,
    username,
};
use crate::{Appended, StoreError, Subject};

const CALLERS: usize = 16;

/// Runs `call` for the callers 0, 1, 2 ... at once, and returns the answers in that order.
async fn at_once<T, F>(callers: usize, call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers));
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (start, call) = (Arc::clone(&start), call(caller));
        tasks.spawn(async move {
            start.wait().await;
            (caller, call.await)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(caller, _)| *caller);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Asserts that one of the answers is `Ok` and all others are the error `is_right` wants.
fn assert_one_winner<T: std::fmt::Debug>(
    answers: Vec<Result<T, StoreError>>,
    is_right: impl Fn(&StoreError) -> bool,
) -> T {
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    for answer in lost {
        assert!(answer.as_ref().is_err_and(&is_right), "a loser got {answer:?}");
    }
    assert_eq!(won.len(), 1, "{won:?}");
    won.into_iter().next().unwrap().unwrap()
}

pub async fn one_caller_gets_a_username(store: Opened) {
    let answers = at_once(CALLERS, |n| {
        let store = Arc::clone(&store);
        async move { store.create_user(new_user("ann", &format!("ann{n}"))).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::UsernameTaken));
    assert_eq!(store.list_users(Page::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_gets_an_email(store: Opened) {
    let answers = at_once(CALLERS, |n| {
        let store = Arc::clone(&store);
        // With the same username in half of the calls: the email address is told first.
        async move { store.create_user(new_user(&format!("ann{}", n / 2), "ann")).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::EmailTaken));
    assert_eq!(store.list_users(Page::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_gets_a_device_id(store: Opened) {
    let ann = user(&store, "ann").await;
    let answers = at_once(CALLERS, |n| {
        let (store, owner) = (Arc::clone(&store), (n % 2 == 0).then_some(ann.id));
        async move { store.create_device(new_device("d", owner)).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::DeviceIdTaken));
    assert_eq!(store.list_devices(Page::FIRST).await.unwrap(), [winner]);
}

pub async fn one_caller_renames_a_user(store: Opened) {
    let mut ids = Vec::new();
    for n in 0..CALLERS {
        ids.push(user(&store, &format!("u{n}")).await.id);
    }
    let answers = at_once(CALLERS, |n| {
        let (store, id) = (Arc::clone(&store), ids[n]);
        let change = UserChange { username: Some(username("ann")), email: None };
        async move { store.update_user(id, change).await }
    });
    let winner = assert_one_winner(answers.await, |error| matches!(error, StoreError::UsernameTaken));
    let users = store.list_users(Page::FIRST).await.unwrap();
    assert_eq!(users.iter().filter(|user| user.username == winner.username).count(), 1);
}

pub async fn one_caller_deletes_a_device(store: Opened) {
    let device = device(&store, "d").await;
    let answers = at_once(CALLERS, |_| {
        let (store, key) = (Arc::clone(&store), device.key);
        async move { store.delete_device(key).await }
    });
    assert_one_winner(answers.await, |error| matches!(error, StoreError::DeviceMissing));
}

pub async fn one_caller_deletes_a_user(store: Opened) {
    let ann = user(&store, "ann").await;
    device_of(&store, "d", &ann).await;
    let answers = at_once(CALLERS, |_| {
        let (store, id) = (Arc::clone(&store), ann.id);
        async move { store.delete_user(id).await }
    });
    assert_one_winner(answers.await, |error| matches!(error, StoreError::UserMissing));
}

pub async fn reserved_ids_are_disjoint(store: Opened) {
    let answers = at_once(CALLERS, |n| {
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
    let answers = at_once(8, |caller| {
        let (store, devices) = (Arc::clone(&store), Arc::clone(&devices));
        let caller = i32::try_from(caller).unwrap();
        async move {
            let mut call: Vec<_> = (0..READINGS)
                .map(|n| given(&devices[(n % 2) as usize], (n / 2).into(), caller * 1_000 + n))
                .collect();
            // Each caller in an order of its own.
            call.rotate_left((caller * 37) as usize);
            let outcome = store.append(&call).await.unwrap();
            let stored = call.into_iter().zip(outcome).filter(|(_, appended)| *appended != Appended::Repeat);
            stored.map(|(new, _)| new).collect::<Vec<_>>()
        }
    });
    let mut winners = BTreeMap::new();
    for new in answers.await.into_iter().flatten() {
        let device_stats_domain::ReadingTime::Given(time) = new.time else { unreachable!() };
        assert!(winners.insert((new.device, time), (new.id, new.values)).is_none(), "stored twice: {new:?}");
    }
    assert_eq!(winners.len(), READINGS as usize);
    for device in devices.iter() {
        for reading in all_readings(&store, device.key).await {
            assert_eq!(winners[&(device.key, reading.time)], (reading.id, reading.values));
        }
    }
}

pub async fn callers_that_start_at_one_microsecond_share_none(store: Opened) {
    let device = Arc::new(device(&store, "d").await);
    let answers = at_once(8, |_| {
        let (store, device) = (Arc::clone(&store), Arc::clone(&device));
        async move {
            let mut times = Vec::new();
            for _ in 0..5 {
                let outcome = store.append(&vec![free(&device, 0, 1); 10]).await.unwrap();
                assert!(outcome.is_sorted_by_key(|appended| match appended {
                    Appended::Stored(time) => time.micros(),
                    Appended::Repeat => unreachable!("a repeat of no time"),
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
            Appended::Repeat => unreachable!("a repeat of no time"),
        })
        .collect();
    times.sort_unstable();
    assert_eq!(times, (0..400).collect::<Vec<_>>());
    assert_eq!(all_times(&store, &device).await, times);
}

/// Callers that lock devices or readings in orders of their own would wait for each other for ever.
pub async fn callers_with_many_devices_do_not_wait_in_a_circle(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..10 {
        devices.push(device(&store, &format!("d{n}")).await);
    }
    let devices = Arc::new(devices);
    at_once(CALLERS, |caller| {
        let (store, devices) = (Arc::clone(&store), Arc::clone(&devices));
        async move {
            for round in 0..4_i64 {
                let mut call: Vec<_> = devices
                    .iter()
                    .flat_map(|device| [given(device, round, 1), free(device, 100, 2)])
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

/// Appends to both devices until they are missing, and says how many calls were stored.
async fn append_until_missing(store: Opened, devices: Arc<[Device; 2]>, caller: usize) -> usize {
    for round in 0_u16.. {
        let us = i64::from(round) * 100 + i64::try_from(caller).unwrap();
        let call = [given(&devices[0], us, 1), free(&devices[1], us, 2)];
        match store.append(&call).await {
            Ok(outcome) => assert_eq!(outcome.len(), 2),
            Err(StoreError::DeviceMissing) => return round.into(),
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("the device was never deleted")
}

async fn assert_nothing_is_left(store: &Opened, key: DeviceKey) {
    assert_eq!(all_readings(store, key).await, []);
    assert_eq!(store.find_reading(key, at(0)).await.unwrap(), None);
    refused!(store.snapshot(Subject::Device(key), Window::ALL), DeviceMissing);
}

/// Starts callers that append to two devices until they are missing, and calls `delete` when one call was stored.
async fn delete_under_appends<F>(store: &Opened, devices: [Device; 2], delete: impl FnOnce() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let devices = Arc::new(devices);
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        callers.spawn(append_until_missing(Arc::clone(store), Arc::clone(&devices), caller));
    }
    while store.list_readings(devices[0].key, Window::ALL, Page::FIRST).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    delete().await.unwrap();
    let stored: usize = callers.join_all().await.into_iter().sum();
    assert!(stored > 0);
}

pub async fn nothing_is_left_of_a_device_deleted_under_appends(store: Opened) {
    let devices = [device(&store, "a").await, device(&store, "b").await];
    let [a, b] = [devices[0].key, devices[1].key];
    delete_under_appends(&store, devices, || store.delete_device(b)).await;
    assert_nothing_is_left(&store, b).await;
    // The other device has whole calls only.
    assert!(!all_readings(&store, a).await.is_empty());
}

pub async fn nothing_is_left_of_a_user_deleted_under_appends(store: Opened) {
    let ann = user(&store, "ann").await;
    let devices = [device_of(&store, "a", &ann).await, device_of(&store, "b", &ann).await];
    let keys = [devices[0].key, devices[1].key];
    delete_under_appends(&store, devices, || store.delete_user(ann.id)).await;
    for key in keys {
        assert_nothing_is_left(&store, key).await;
    }
    assert_eq!(store.list_devices(Page::FIRST).await.unwrap(), []);
}

pub async fn no_device_outlives_the_owner_deleted_under_it(store: Opened) {
    for round in 0..5 {
        let ann = user(&store, "ann").await;
        let answers = at_once(CALLERS, |n| {
            let (store, owner) = (Arc::clone(&store), ann.id);
            let new = new_device(&format!("r{round}d{n}"), Some(owner));
            async move {
                match n {
                    0 => store.delete_user(owner).await,
                    _ => store.create_device(new).await.map(|_| ()),
                }
            }
        });
        for (n, answer) in answers.await.into_iter().enumerate() {
            match answer {
                Ok(()) => {}
                Err(StoreError::UserMissing) if n > 0 => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(store.list_devices_of(ann.id).await.unwrap(), []);
        assert_eq!(store.list_devices(Page::FIRST).await.unwrap(), []);
    }
}

const CALLS: i32 = 60;
const READINGS_A_CALL: i32 = 20;

/// Appends calls that spread over the devices while another task takes snapshots, and checks each snapshot against
/// what was acknowledged before it and begun before it ended.
async fn snapshots_under_appends(store: &Opened, devices: Vec<Device>, subject: Subject) {
    let (begun, stored) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let writer = tokio::spawn({
        let (store, begun, stored) = (Arc::clone(store), Arc::clone(&begun), Arc::clone(&stored));
        async move {
            for n in 0..CALLS {
                let call: Vec<_> = (0..READINGS_A_CALL)
                    .map(|i| given(&devices[i as usize % devices.len()], (n * READINGS_A_CALL + i).into(), 1))
                    .collect();
                begun.fetch_add(call.len(), Ordering::SeqCst);
                store.append(&call).await.unwrap();
                stored.fetch_add(call.len(), Ordering::SeqCst);
            }
        }
    });
    loop {
        let is_last = writer.is_finished();
        let least = stored.load(Ordering::SeqCst);
        let snapshot = store.snapshot(subject, Window::ALL).await.unwrap();
        let most = begun.load(Ordering::SeqCst);
        let count: usize = snapshot.devices.iter().map(|device| device.hot.x.len()).sum();
        assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
        assert_eq!(count % READINGS_A_CALL as usize, 0, "half a call");
        if is_last {
            break;
        }
    }
    writer.await.unwrap();
    assert_eq!(stored.load(Ordering::SeqCst), (CALLS * READINGS_A_CALL) as usize);
}

pub async fn a_snapshot_of_a_device_never_shows_half_a_call(store: Opened) {
    let device = device(&store, "d").await;
    let key = device.key;
    snapshots_under_appends(&store, vec![device.clone()], Subject::Device(key)).await;
    assert_eq!(all_readings(&store, key).await.last(), Some(&stored(&device, 0, 1)));
}

/// A store that spreads its devices over several databases cannot promise this, and has to say so.
pub async fn a_snapshot_of_a_user_never_shows_half_a_call(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut devices = Vec::new();
    for n in 0..5 {
        devices.push(device_of(&store, &format!("d{n}"), &ann).await);
    }
    snapshots_under_appends(&store, devices, Subject::User(ann.id)).await;
}
