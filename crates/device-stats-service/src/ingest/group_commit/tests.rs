//! Tests of group commits over the model and over SQLite.

use std::sync::atomic::Ordering;
use std::time::Duration;

use device_stats_domain::{DeviceKey, Timestamp};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{Appended, Model};
use futures_util::future::join_all;

use super::*;
use crate::limits::{HOT_READINGS_DEFAULT, LOCKED_DEVICE_WAIT_MAX, QUEUE_READINGS_MAX};
use crate::testing::changed_model::ChangedModel;
use crate::testing::{create_device as create, new_reading as reading};

fn group_commit(store: Arc<dyn ReadingStore>) -> Arc<GroupCommit> {
    Arc::new(GroupCommit::new(store, HOT_READINGS_DEFAULT, Arc::default(), Committed::default()))
}

/// Time for which an append waits for a locked device.
const LOCK_WAIT: Duration = Duration::from_millis(100);

impl ChangedModel {
    /// Returns a store with a device that another call has locked.
    async fn with_locked_device(lock_wait: Duration) -> (Arc<Self>, DeviceKey) {
        let store = Self { append_concurrency: 1, lock_wait, ..Default::default() };
        let locked = create(&store.model, "locked").await;
        *store.locked.lock().unwrap() = Some(locked);
        (Arc::new(store), locked)
    }
}

/// Each request gets the outcomes of its own readings, in its own order.
#[tokio::test]
async fn a_bad_request_does_not_fail_the_others_of_its_group() {
    let store = Arc::new(Model::default());
    let (one, other) = (create(&*store, "one").await, create(&*store, "other").await);
    let commit = group_commit(store);
    let missing = DeviceKey(99);
    // The test has one thread, so no committer runs before all requests wait.
    let requests: [&[NewReading]; 5] = [
        &[reading(one, 2), reading(one, 1)],
        &[reading(missing, 1)],
        &[reading(other, 7), reading(missing, 2)],
        &[reading(one, 1), reading(one, 3), reading(one, 2)],
        &[],
    ];
    let outcomes = join_all(requests.map(|readings| commit.append(readings.into(), None))).await;
    let stored = |time_us| Appended::Stored(Timestamp::from_micros(time_us).unwrap());
    let [first, second, third, fourth, fifth] = outcomes.try_into().unwrap();
    assert_eq!(first.unwrap(), KeyedOutcome::New(vec![stored(2), stored(1)]));
    assert!(matches!(second, Err(ServiceError::Store(StoreError::DeviceMissing))));
    assert!(matches!(third, Err(ServiceError::Store(StoreError::DeviceMissing))));
    assert_eq!(fourth.unwrap(), KeyedOutcome::New(vec![Appended::Repeat, stored(3), Appended::Repeat]));
    assert_eq!(fifth.unwrap(), KeyedOutcome::New(Vec::new()));
    assert_eq!(commit.admission.free_queue_readings(), QUEUE_READINGS_MAX as usize);
}

/// The whole group was answered with 503.
#[tokio::test(start_paused = true)]
async fn a_request_for_a_locked_device_does_not_fail_the_others_of_its_group() {
    let (store, locked) = ChangedModel::with_locked_device(LOCK_WAIT).await;
    let one = create(&store.model, "one").await;
    let commit = group_commit(store.clone());
    let requests: [&[NewReading]; 4] = [
        &[reading(one, 1)],
        &[reading(one, 2), reading(locked, 2)],
        &[reading(one, 3)],
        &[reading(locked, 4)],
    ];
    let begun = tokio::time::Instant::now();
    let outcomes = join_all(requests.map(|readings| {
        let outcome = commit.append(readings.into(), None);
        async move { (outcome.await, begun.elapsed()) }
    }));
    let outcomes = outcomes.await;
    for (index, (outcome, elapsed)) in outcomes.iter().enumerate() {
        let refused = match outcome {
            Err(ServiceError::Store(StoreError::DevicesLocked(devices))) => Some(devices.as_slice()),
            _ => None,
        };
        if index % 2 == 0 {
            assert!(outcome.is_ok() && *elapsed == LOCK_WAIT, "{outcome:?} after {elapsed:?}");
        } else {
            assert_eq!(refused, Some([locked].as_slice()), "{outcome:?}");
            assert!((LOCKED_DEVICE_WAIT_MAX..LOCKED_DEVICE_WAIT_MAX * 2).contains(elapsed), "{elapsed:?}");
        }
    }
    let stored = store.list_hot_readings(one, 10).await.unwrap();
    assert_eq!(stored.iter().map(|row| row.time_us).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(commit.admission.free_queue_readings(), QUEUE_READINGS_MAX as usize);
}

/// Each group of the lane with a reading of the locked device waited for its lock, and so did the next group.
#[tokio::test(start_paused = true)]
async fn a_locked_device_delays_no_other_device() {
    let (store, locked) = ChangedModel::with_locked_device(LOCK_WAIT).await;
    let one = create(&store.model, "one").await;
    let commit = group_commit(store.clone());
    let begun = tokio::time::Instant::now();
    let mut waiting = Vec::new();
    for n in 0..100 {
        waiting.push(tokio::spawn({
            let commit = Arc::clone(&commit);
            async move { commit.append([reading(locked, n)].into(), None).await }
        }));
        tokio::task::yield_now().await;
        commit.append([reading(one, n)].into(), None).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    // Only the first group has waited for the lock.
    assert_eq!(begun.elapsed(), LOCK_WAIT + Duration::from_secs(1));
    assert!(waiting.iter().all(|request| !request.is_finished()));
    *store.locked.lock().unwrap() = None;
    for request in waiting {
        request.await.unwrap().unwrap();
    }
    assert!(begun.elapsed() < LOCKED_DEVICE_WAIT_MAX);
    assert_eq!(store.list_hot_readings(locked, 1_000).await.unwrap().len(), 100);
    // The device counts as free, so a request for it does not wait for a retry.
    let freed = tokio::time::Instant::now();
    commit.append([reading(locked, 1_000)].into(), None).await.unwrap();
    assert_eq!(freed.elapsed(), Duration::ZERO);
    sleep(LOCKED_DEVICE_PAUSE * 2).await;
    assert_eq!(commit.locked_devices.lane.counts(), (0, 0));
}

/// Requests that do not fit in one group waited for the lock one after the other, for a time in proportion to
/// their number.
#[tokio::test(start_paused = true)]
async fn many_groups_for_a_locked_device_wait_together() {
    let (store, locked) = ChangedModel::with_locked_device(LOCK_WAIT).await;
    let commit = group_commit(store);
    let body: Vec<NewReading> = (0..20_000).map(|n| reading(locked, n)).collect();
    let begun = tokio::time::Instant::now();
    let refused = join_all((0..10).map(|_| commit.append(body.as_slice().into(), None))).await;
    assert!(refused.iter().all(Result::is_err));
    let elapsed = begun.elapsed();
    assert!(elapsed < LOCKED_DEVICE_WAIT_MAX + Duration::from_secs(1), "{elapsed:?}");
}

/// Requests for one locked device filled the queue, and requests for other devices were refused.
#[tokio::test(start_paused = true)]
async fn requests_for_a_locked_device_leave_room_in_the_queue() {
    let (store, locked) = ChangedModel::with_locked_device(LOCK_WAIT).await;
    let one = create(&store.model, "one").await;
    let commit = group_commit(store);
    let body: Arc<[NewReading]> = (0..30_000).map(|n| reading(locked, n)).collect();
    let begun = tokio::time::Instant::now();
    let mut refused_at_once = 0;
    let requests = join_all((0..30).map(|_| async {
        let outcome = commit.append(body.clone(), None).await;
        assert!(matches!(outcome, Err(ServiceError::Store(StoreError::DevicesLocked(_)))), "{outcome:?}");
        begun.elapsed()
    }));
    let other = async {
        sleep(LOCK_WAIT * 2).await;
        assert_eq!(commit.admission.free_queue_readings(), (QUEUE_READINGS_MAX - 8 * 30_000) as usize);
        commit.append([reading(one, 1)].into(), None).await.unwrap();
    };
    let (times, ()) = tokio::join!(requests, other);
    for time in times {
        if time <= LOCK_WAIT {
            refused_at_once += 1;
        } else {
            assert!(time >= LOCKED_DEVICE_WAIT_MAX, "{time:?}");
        }
    }
    assert_eq!(refused_at_once, 30 - 8);
}

/// A retry took all requests for locked devices at once. If the store then hung, none of them could be
/// withdrawn, and the clients did not know whether their readings were stored.
#[tokio::test(start_paused = true)]
async fn requests_for_a_locked_device_can_be_withdrawn_before_their_commit() {
    let (store, locked) = ChangedModel::with_locked_device(QUEUE_TIMEOUT * 2).await;
    let commit = group_commit(store);
    commit.locked_devices.remember(&HashSet::from([locked]));
    // Two requests do not fit in one group.
    let body: Vec<NewReading> = (0..20_000).map(|n| reading(locked, n)).collect();
    let append = || commit.append(body.as_slice().into(), None);
    let outcomes = tokio::join!(append(), append());
    assert!(matches!(outcomes.0, Err(ServiceError::Store(StoreError::OutcomeUnknown(_)))), "{outcomes:?}");
    assert!(matches!(outcomes.1, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{outcomes:?}");
}

/// The halves of the group were appended again, although the store had stored its readings.
#[tokio::test]
async fn readings_with_lost_outcomes_are_not_appended_again() {
    let store = Arc::new(ChangedModel { append_concurrency: 1, outcomes_lost: 1, ..Default::default() });
    let device = create(&store.model, "one").await;
    let commit = group_commit(store.clone());
    for outcome in join_all((0..4).map(|n| commit.append([reading(device, n)].into(), None))).await {
        assert!(matches!(outcome, Err(ServiceError::Store(StoreError::Broken(_)))), "{outcome:?}");
    }
    assert_eq!(store.appends.load(Ordering::Relaxed), 1);
    assert_eq!(commit.admission.free_queue_readings(), QUEUE_READINGS_MAX as usize);
}

#[tokio::test]
async fn waiting_requests_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = Arc::new(SqliteStore::open(&path, true).unwrap());
    let device = create(&*store, "one").await;
    let commit = group_commit(store);
    // The first requests would wait until the hot readings are counted.
    commit.hot_limit.check().await.unwrap();
    let requests = (0..200).map(|n| commit.append([reading(device, n)].into(), None));
    for outcome in join_all(requests).await {
        outcome.unwrap();
    }
    let connection = rusqlite::Connection::open(&path).unwrap();
    let commits: u32 = connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert_eq!(commits, 1);
}

#[tokio::test]
async fn requests_for_devices_of_several_lanes_use_the_mixed_lane() {
    let store = ChangedModel { append_concurrency: 4, ..Default::default() };
    let mut devices = Vec::new();
    for n in 0..8 {
        devices.push(create(&store.model, &format!("d{n}")).await);
    }
    let commit = group_commit(Arc::new(store));
    let lane = |devices: &[DeviceKey]| {
        commit.lane(&devices.iter().map(|device| reading(*device, 1)).collect::<Vec<_>>())
    };
    for (one, next) in devices.iter().zip(&devices[1..]) {
        assert!(Arc::ptr_eq(lane(&[*one]), lane(&[DeviceKey(one.0 + 4), *one, *one])));
        assert!(!Arc::ptr_eq(lane(&[*one]), &commit.mixed_lane));
        assert!(!Arc::ptr_eq(lane(&[*one]), lane(&[*next])));
        assert!(Arc::ptr_eq(lane(&[*one, *next]), &commit.mixed_lane));
    }
    let requests = (0..100).zip(0..).map(|(n, time_us)| {
        let readings: Vec<_> = devices[..=(n % 8)].iter().map(|device| reading(*device, time_us)).collect();
        commit.append(readings.into(), None)
    });
    for outcome in join_all(requests).await {
        assert!(matches!(outcome, Ok(KeyedOutcome::New(all)) if !all.contains(&Appended::Repeat)));
    }
    // The committers find their lanes empty and end.
    tokio::task::yield_now().await;
    for lane in commit.device_lanes.iter().chain([&commit.mixed_lane]) {
        assert_eq!(lane.counts(), (0, 0));
    }
}

/// The store hangs in a commit.
#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_the_timeout() {
    let store = Arc::new(Model::default());
    let device = create(&*store, "one").await;
    let commit = group_commit(store);
    let lane = &commit.device_lanes[0];
    lane.block();
    let begun = tokio::time::Instant::now();
    let outcome = commit.append([reading(device, 1)].into(), None).await;
    assert!(matches!(outcome, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    assert_eq!(begun.elapsed(), QUEUE_TIMEOUT);
    assert_eq!(lane.counts().0, 0);

    let request = commit.append([reading(device, 2)].into(), None);
    let take = async {
        tokio::task::yield_now().await;
        lane.next_group()
    };
    let (outcome, group) = tokio::join!(request, take);
    assert!(matches!(outcome, Err(ServiceError::Store(StoreError::OutcomeUnknown(_)))), "{outcome:?}");
    // The permit of the readings returns when their commit ends.
    assert_eq!(commit.admission.free_queue_readings(), QUEUE_READINGS_MAX as usize - 1);
    drop(group);
    assert_eq!(commit.admission.free_queue_readings(), QUEUE_READINGS_MAX as usize);
}

/// A single request may have more readings than the queue holds, for instance as short rows of CSV.
#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let store = Arc::new(Model::default());
    let device = create(&*store, "one").await;
    let commit = group_commit(store);
    let count = QUEUE_READINGS_MAX + 5;
    let most: Arc<[NewReading]> = (0..i64::from(count)).map(|n| reading(device, n)).collect();
    let (all, more) =
        tokio::join!(commit.append(most, None), commit.append([reading(device, -1)].into(), None));
    assert!(matches!(all, Ok(KeyedOutcome::New(outcome)) if outcome.len() == count as usize));
    assert!(matches!(more, Err(ServiceError::QueueFull)));
    // The thread of the commit returns the permit after it has answered.
    while commit.admission.free_queue_readings() < QUEUE_READINGS_MAX as usize {
        tokio::task::yield_now().await;
    }
    commit.append([reading(device, -1)].into(), None).await.unwrap();
}

/// The readings of a large request were copied and counted on the threads of the connections, and other
/// requests waited.
#[tokio::test]
async fn many_readings_are_committed_on_a_thread_that_may_block() {
    let store = ChangedModel { append_concurrency: 1, ..Default::default() };
    let device = create(&store.model, "one").await;
    let store = Arc::new(store);
    let commit = group_commit(store.clone());
    let many = i64::try_from(COMPUTE_READINGS).unwrap();
    for times in [0..many, many..2 * many - 1] {
        let readings: Arc<[NewReading]> = times.map(|us| reading(device, us)).collect();
        commit.append(readings, None).await.unwrap();
    }
    let threads = store.threads.lock().unwrap();
    // The test has one thread.
    let here = std::thread::current().id();
    let found: Vec<_> = threads.iter().map(|(thread, readings)| (*thread == here, *readings)).collect();
    assert_eq!(found, [(false, COMPUTE_READINGS), (true, COMPUTE_READINGS - 1)]);
}
