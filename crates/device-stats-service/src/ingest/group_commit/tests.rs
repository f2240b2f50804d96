//! Tests of group commits over the model and over SQLite.

use device_stats_domain::{Axes, DeviceId, DeviceKey, Finite, NewDevice, ReadingId, ReadingTime, Timestamp};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{Appended, Model};
use futures_util::future::join_all;

use super::*;
use crate::limits::QUEUE_READINGS_MAX;

fn group_commit(store: Arc<dyn Store>) -> Arc<GroupCommit> {
    Arc::new(GroupCommit::new(store, Arc::default(), Arc::default(), Arc::default()))
}

fn reading(device: DeviceKey, time_us: i64) -> NewReading {
    let one = Finite::new(1.0).unwrap();
    let time = ReadingTime::Given(Timestamp::from_micros(time_us).unwrap());
    NewReading { device, id: ReadingId(time_us), time, values: Axes { x: one, y: one, z: one } }
}

async fn create(store: &dyn Store, device_id: &str) -> DeviceKey {
    let device_id = DeviceId::new(device_id).unwrap();
    store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap().key
}

/// Each request gets the outcomes of its own readings, in its own order.
#[tokio::test]
async fn a_bad_request_does_not_fail_the_others_of_its_group() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
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

#[tokio::test]
async fn waiting_requests_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, true).unwrap());
    let device = create(&*store, "one").await;
    let commit = group_commit(store);
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
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let mut devices = Vec::new();
    for n in 0..8 {
        devices.push(create(&*store, &format!("d{n}")).await);
    }
    let commit = GroupCommit::with_lanes(4, store, Arc::default(), Arc::default(), Arc::default());
    let commit = Arc::new(commit);
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
    let store: Arc<dyn Store> = Arc::new(Model::default());
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
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create(&*store, "one").await;
    let commit = group_commit(store);
    let count = QUEUE_READINGS_MAX + 5;
    let most: Arc<[NewReading]> = (0..i64::from(count)).map(|n| reading(device, n)).collect();
    let (all, more) =
        tokio::join!(commit.append(most, None), commit.append([reading(device, -1)].into(), None));
    assert!(matches!(all, Ok(KeyedOutcome::New(outcome)) if outcome.len() == count as usize));
    assert!(matches!(more, Err(ServiceError::QueueFull)));
    commit.append([reading(device, -1)].into(), None).await.unwrap();
}
