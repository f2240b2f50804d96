//! Calls that are delayed while another call changes the same data. A transaction of the test delays them, so
//! the tests are deterministic.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{
    Author, DeviceChange, DeviceId, DeviceKey, Email, IdempotencyKey, NewUser, UserChange, Username,
};
use device_stats_postgres::PostgresStore;
use device_stats_postgres::limits::STORE_LOCK_TIMEOUT;
use device_stats_postgres::testing::fresh_database;
use device_stats_store::{
    AccountStore, Appended, KeyedReadings, ReadingStore, Replaced, SegmentStore, StoreError, UserState,
    Visibility,
};
use tokio::time::timeout;
use tokio_postgres::{Client, Transaction};

use crate::{
    at, config, connect, device, open_at, reading, row, sealed_rows, segment, server_timed, times,
    until_found,
};

/// Opens two nodes over one database, a connection that delays them, and a connection that watches them.
async fn two_nodes() -> ([Arc<PostgresStore>; 2], Client, Client) {
    let url = fresh_database();
    let nodes = [Arc::new(open_at(&url).await), Arc::new(open_at(&url).await)];
    (nodes, connect(&url).await, connect(&url).await)
}

/// Selects the backends that serve calls of a store, without the backend that listens to other nodes.
const SERVING: &str = "SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'device-stats' AND query NOT LIKE 'LISTEN%'";

/// Carries out the statements of an append, without the commit.
async fn append_slowly(transaction: &Transaction<'_>, device: DeviceKey, n: i64) {
    transaction.execute("SELECT 1 FROM devices WHERE id = $1 FOR KEY SHARE", &[&device.0]).await.unwrap();
    transaction.execute("INSERT INTO reading VALUES ($1, $2, $2, 0, 0, 0)", &[&device.0, &n]).await.unwrap();
}

/// Selects the backends of stores that wait for a lock.
const WAITING: &str = "SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'device-stats'";

/// An append has two readings. A transaction holds the row of the first one, so the statement of the append
/// waits. In the meantime, the second reading, a repeat, is sealed. So the append sees neither the segment
/// when its statement starts, nor the row when it continues.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_sealed_under_a_repeat_is_stored_once() {
    let ([a, b], mut admin, watch) = two_nodes().await;
    let device = device(&*a, "d").await;
    b.append(&[reading(device, 20)]).await.unwrap();
    let obstacle = admin.transaction().await.unwrap();
    append_slowly(&obstacle, device, 10).await;
    let append =
        tokio::spawn(async move { a.append(&[reading(device, 10), reading(device, 20)]).await.unwrap() });
    until_found(&watch, 1, WAITING, &[]).await;
    let rows = b.list_hot_readings(device, 10).await.unwrap();
    assert!(matches!(b.seal(device, &sealed_rows(&rows)).await.unwrap(), Replaced::Done(_)));
    obstacle.rollback().await.unwrap();
    assert_eq!(append.await.unwrap(), [Appended::Stored(at(10)), Appended::Repeat]);
    assert_eq!(times(&*b, device).await, [10, 20]);
}

/// As above, but the reading was not yet stored when the append looked for repeats.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_stored_during_a_wait_is_a_repeat() {
    for is_sealed in [false, true] {
        let ([a, b], mut admin, watch) = two_nodes().await;
        let device = device(&*a, "d").await;
        let obstacle = admin.transaction().await.unwrap();
        append_slowly(&obstacle, device, 10).await;
        let append =
            tokio::spawn(async move { a.append(&[reading(device, 10), reading(device, 20)]).await.unwrap() });
        until_found(&watch, 1, WAITING, &[]).await;
        b.append(&[reading(device, 20)]).await.unwrap();
        if is_sealed {
            let rows = b.list_hot_readings(device, 10).await.unwrap();
            assert!(matches!(b.seal(device, &sealed_rows(&rows)).await.unwrap(), Replaced::Done(_)));
        }
        obstacle.rollback().await.unwrap();
        assert_eq!(append.await.unwrap(), [Appended::Stored(at(10)), Appended::Repeat]);
        assert_eq!(times(&*b, device).await, [10, 20]);
    }
}

/// As above, but with server-timed readings, which get later times.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_sealed_while_it_is_picked_is_not_taken() {
    let ([a, b], mut admin, watch) = two_nodes().await;
    let device = device(&*a, "d").await;
    let obstacle = admin.transaction().await.unwrap();
    append_slowly(&obstacle, device, 10).await;
    let call = [10, 10].map(|n| server_timed(device, n));
    let append = tokio::spawn(async move { a.append(&call).await.unwrap() });
    until_found(&watch, 1, WAITING, &[]).await;
    b.append(&[reading(device, 11)]).await.unwrap();
    let rows = b.list_hot_readings(device, 10).await.unwrap();
    assert!(matches!(b.seal(device, &sealed_rows(&rows)).await.unwrap(), Replaced::Done(_)));
    obstacle.rollback().await.unwrap();
    assert_eq!(append.await.unwrap(), [12, 13].map(|us| Appended::Stored(at(us))));
    assert_eq!(times(&*b, device).await, [11, 12, 13]);
}

/// A reading in the span of an appended segment is inserted, but not committed yet.
#[tokio::test(flavor = "multi_thread")]
async fn an_appended_segment_waits_for_appends() {
    let ([a, b], mut admin, watch) = two_nodes().await;
    let device = device(&*a, "d").await;
    let append = admin.transaction().await.unwrap();
    append_slowly(&append, device, 15).await;
    let rows = [10, 15, 20].map(row);
    let appended = tokio::spawn(async move { a.append_segment(device, &segment(&rows)).await.unwrap() });
    until_found(&watch, 1, WAITING, &[]).await;
    append.commit().await.unwrap();
    assert_eq!(appended.await.unwrap(), Replaced::Stale);
    assert_eq!(times(&*b, device).await, [15]);
}

/// A reading arrives in the span of a new segment after the checks and before its blocks are written.
#[tokio::test(flavor = "multi_thread")]
async fn appends_wait_for_an_appended_segment() {
    let ([a, b], mut admin, watch) = two_nodes().await;
    let device = device(&*a, "d").await;
    let obstacle = admin.transaction().await.unwrap();
    obstacle.execute("LOCK TABLE segment_block IN EXCLUSIVE MODE", &[]).await.unwrap();
    let rows = [10, 15, 20].map(row);
    let appended = tokio::spawn(async move { a.append_segment(device, &segment(&rows)).await.unwrap() });
    until_found(&watch, 1, WAITING, &[]).await;
    let append = {
        let b = Arc::clone(&b);
        tokio::spawn(async move { b.append(&[reading(device, 12), reading(device, 15)]).await.unwrap() })
    };
    until_found(&watch, 2, WAITING, &[]).await;
    obstacle.rollback().await.unwrap();
    assert!(matches!(appended.await.unwrap(), Replaced::Done(_)));
    assert_eq!(append.await.unwrap(), [Appended::Stored(at(12)), Appended::Repeat]);
    assert_eq!(times(&*b, device).await, [10, 12, 15, 20]);
}

/// Another node seals the rows that a paused sealer has read.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sealer_is_stale_after_another_node_has_sealed() {
    let ([a, b], ..) = two_nodes().await;
    let device = device(&*a, "d").await;
    a.append(&[1, 2, 3].map(|n| reading(device, n))).await.unwrap();
    let seen = a.list_hot_readings(device, 10).await.unwrap();
    assert!(matches!(b.seal(device, &sealed_rows(&seen[..1])).await.unwrap(), Replaced::Done(_)));
    assert_eq!(a.seal(device, &sealed_rows(&seen)).await.unwrap(), Replaced::Stale);
    assert_eq!(a.seal(device, &sealed_rows(&seen[..1])).await.unwrap(), Replaced::Stale);
    assert!(matches!(a.seal(device, &sealed_rows(&seen[1..])).await.unwrap(), Replaced::Done(_)));
    assert_eq!(times(&*b, device).await, [1, 2, 3]);
}

/// A deletion holds the lock of one device for a long time. The append has to name this device, so that its
/// caller can append the readings of the other devices.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_names_the_devices_that_a_deletion_has_locked() {
    let url = fresh_database();
    let (a, mut admin) = (PostgresStore::open(&config(&url), true).await.unwrap(), connect(&url).await);
    let (free, locked) = (device(&a, "free").await, device(&a, "locked").await);
    let deletion = admin.transaction().await.unwrap();
    deletion.execute("SELECT 1 FROM devices WHERE id = $1 FOR UPDATE", &[&locked.0]).await.unwrap();
    let call = [reading(free, 1), reading(locked, 1)];
    let keyed = KeyedReadings {
        key: IdempotencyKey::new("k").unwrap(),
        fingerprint: [0; 32],
        kept_until: at(9),
        readings: call.into(),
    };
    // All requests of the transaction wait, so the usual time limit for locks would be too long.
    let refused = timeout(STORE_LOCK_TIMEOUT / 2, a.append(&call)).await.unwrap().map(drop);
    let keyed_refused = timeout(STORE_LOCK_TIMEOUT / 2, a.append_keyed(&[keyed], at(1))).await;
    for refused in [refused, keyed_refused.unwrap().map(drop)] {
        assert!(
            matches!(&refused, Err(StoreError::DevicesLocked(devices)) if *devices == [locked]),
            "{refused:?}"
        );
    }
    assert_eq!(a.append(&[reading(free, 1)]).await.unwrap(), [Appended::Stored(at(1))]);
    deletion.rollback().await.unwrap();
    assert_eq!(times(&a, locked).await, [0_i64; 0]);
}

/// In PostgreSQL, new appends pass a call that waits for an exclusive lock on their device. If a seal waited
/// for appends, it would wait forever on a device with continuous appends.
#[tokio::test(flavor = "multi_thread")]
async fn a_seal_or_merge_does_not_wait_for_an_append() {
    let ([a, _], mut admin, _) = two_nodes().await;
    let device = device(&*a, "d").await;
    a.append(&[1, 2].map(|n| reading(device, n))).await.unwrap();
    let rows = a.list_hot_readings(device, 10).await.unwrap();
    let append = admin.transaction().await.unwrap();
    append_slowly(&append, device, 3).await;
    let Replaced::Done(id) = a.seal(device, &sealed_rows(&rows)).await.unwrap() else {
        panic!("the append does not concern the sealed rows")
    };
    assert!(matches!(a.merge(device, &[id], &segment(&rows)).await.unwrap(), Replaced::Done(_)));
    append.commit().await.unwrap();
    assert_eq!(times(&*a, device).await, [1, 2, 3]);
}

/// Conditional changes lock rows that every append locks, too. A deletion of the device waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_conditional_change_does_not_wait_for_an_append() {
    let ([a, b], mut admin, watch) = two_nodes().await;
    let ann =
        NewUser { username: Username::new("ann").unwrap(), email: Email::parse("ann@example.com").unwrap() };
    let ann = a.create_user(&Author::SERVICE, ann).await.unwrap();
    let device = device(&*a, "d").await;
    let owned = DeviceChange { user_id: Some(Some(ann.id)), ..DeviceChange::default() };
    let seen = a.update_device(&Author::SERVICE, Visibility::All, device, None, owned).await.unwrap();
    let append = admin.transaction().await.unwrap();
    append_slowly(&append, device, 1).await;
    let named = DeviceChange { name: Some(None), ..DeviceChange::default() };
    let changed = timeout(
        STORE_LOCK_TIMEOUT / 2,
        a.update_device(&Author::SERVICE, Visibility::All, device, Some(&seen), named),
    )
    .await;
    assert_eq!(changed.unwrap().unwrap(), seen);
    let renamed = UserChange { username: Some(Username::new("eve").unwrap()), ..UserChange::default() };
    let state = UserState { user: ann.clone(), devices: vec![seen.clone()] };
    let changed = timeout(
        STORE_LOCK_TIMEOUT / 2,
        a.update_user(&Author::SERVICE, Visibility::All, ann.id, Some(&state), renamed),
    )
    .await;
    assert_eq!(changed.unwrap().unwrap().username.as_str(), "eve");
    let deletion =
        tokio::spawn(
            async move { b.delete_device(&Author::SERVICE, Visibility::All, device, Some(&seen)).await },
        );
    until_found(&watch, 1, WAITING, &[]).await;
    append.commit().await.unwrap();
    deletion.await.unwrap().unwrap();
    assert_eq!(a.find_devices(Visibility::All, &[DeviceId::new("d").unwrap()]).await.unwrap(), [None]);
}

/// A seal before its commit does not delay other calls for the same rows.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_seals_and_merges_do_not_wait_for_each_other() {
    let ([a, b], mut admin, _) = two_nodes().await;
    let device = device(&*a, "d").await;
    a.append(&[1, 2].map(|n| reading(device, n))).await.unwrap();
    let rows = a.list_hot_readings(device, 10).await.unwrap();
    let (sealed, merged) = (sealed_rows(&rows), segment(&rows));
    let other = admin.transaction().await.unwrap();
    other.execute("DELETE FROM reading", &[]).await.unwrap();
    let answer = timeout(STORE_LOCK_TIMEOUT / 2, b.seal(device, &sealed)).await;
    assert_eq!(answer.unwrap().unwrap(), Replaced::Stale);
    other.rollback().await.unwrap();
    let Replaced::Done(id) = b.seal(device, &sealed).await.unwrap() else {
        panic!("no other call replaces the rows")
    };
    let other = admin.transaction().await.unwrap();
    other.execute("DELETE FROM segment", &[]).await.unwrap();
    let answer = timeout(STORE_LOCK_TIMEOUT / 2, b.merge(device, &[id], &merged)).await;
    assert_eq!(answer.unwrap().unwrap(), Replaced::Stale);
    other.rollback().await.unwrap();
    assert!(matches!(b.merge(device, &[id], &merged).await.unwrap(), Replaced::Done(_)));
    assert_eq!(times(&*a, device).await, [1, 2]);
}

/// Makes each seal sleep for longer than any test waits. Its statements have no time limit in the server.
async fn make_seals_sleep(admin: &Client) {
    let sleep = "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_sleep(86400); RETURN NEW; END $$;
         CREATE TRIGGER sleep BEFORE INSERT ON segment FOR EACH ROW EXECUTE FUNCTION sleep()";
    admin.batch_execute(sleep).await.unwrap();
}

/// Selects the backends that sleep in a seal.
const SLEEPING: &str = "SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep' AND application_name = 'device-stats'";

/// In the past, the statements of a dropped call went on in the server, for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_is_cancelled_in_the_server() {
    let ([store, _], admin, watch) = two_nodes().await;
    let device = device(&*store, "d").await;
    store.append(&[reading(device, 1)]).await.unwrap();
    make_seals_sleep(&admin).await;
    let caller = Arc::clone(&store);
    let seal = tokio::spawn(async move { caller.seal(device, &sealed_rows(&[row(1)])).await.map(drop) });
    until_found(&watch, 1, SLEEPING, &[]).await;
    let process: i32 = watch.query_one(SLEEPING, &[]).await.unwrap().get(0);
    seal.abort();
    assert!(seal.await.unwrap_err().is_cancelled());
    // The connection is closed, too, because the next call would wait for the answers of this one.
    until_found(&watch, 0, "SELECT 1 FROM pg_stat_activity WHERE pid = $1", &[&process]).await;
    assert_eq!(times(&*store, device).await, [1]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_in_the_server() {
    let ([store, _], admin, watch) = two_nodes().await;
    let device = device(&*store, "d").await;
    store.append(&[reading(device, 1)]).await.unwrap();
    make_seals_sleep(&admin).await;
    let sealed = sealed_rows(&[row(1)]);
    let mut seal = std::pin::pin!(store.seal(device, &sealed));
    while watch.query(SLEEPING, &[]).await.unwrap().is_empty() {
        assert!(timeout(Duration::from_millis(1), &mut seal).await.is_err());
    }
    // From here on, time advances whenever all tasks wait.
    tokio::time::pause();
    let answer = seal.await;
    tokio::time::resume();
    assert!(matches!(answer, Err(StoreError::OutcomeUnknown(_))), "{answer:?}");
    until_found(&watch, 0, SLEEPING, &[]).await;
    assert_eq!(times(&*store, device).await, [1]);
}

/// A trigger records the timeout under which deletes run. A user may have very many devices.
#[tokio::test]
async fn the_deletion_of_a_user_has_no_statement_timeout() {
    let ([store, _], admin, _) = two_nodes().await;
    let observe = "CREATE TABLE seen (setting text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen VALUES (current_setting('statement_timeout')); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION note()";
    admin.batch_execute(observe).await.unwrap();
    let ann =
        NewUser { username: Username::new("ann").unwrap(), email: Email::parse("ann@example.com").unwrap() };
    let ann = store.create_user(&Author::SERVICE, ann).await.unwrap().id;
    for owner in [None, Some(ann)] {
        let device = device(&*store, "d").await;
        let change = DeviceChange { user_id: Some(owner), ..DeviceChange::default() };
        store.update_device(&Author::SERVICE, Visibility::All, device, None, change).await.unwrap();
        match owner {
            None => store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap(),
            Some(user) => store.delete_user(&Author::SERVICE, Visibility::All, user, None).await.unwrap(),
        }
    }
    let seen = admin.query("SELECT setting FROM seen", &[]).await.unwrap();
    assert_eq!(seen.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["30s", "0"]);
}

/// A frozen backend does not enforce its own limits, while its machine still acknowledges packets.
#[tokio::test]
async fn calls_to_a_frozen_database_time_out() {
    let url = fresh_database();
    let (store, watch) = (open_at(&url).await, connect(&url).await);
    let device = device(&store, "d").await;
    let freeze = async |signal: &str| {
        for process in watch.query(SERVING, &[]).await.unwrap() {
            let process = process.get::<_, i32>(0).to_string();
            assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
        }
    };
    freeze("-STOP").await;
    // From here on, time advances whenever all tasks wait.
    tokio::time::pause();
    let append = store.append(&[reading(device, 1)]).await;
    assert!(matches!(append, Err(StoreError::OutcomeUnknown(_))), "{append:?}");
    tokio::time::resume();
    // The connection is not used again.
    assert_eq!(store.append(&[reading(device, 2)]).await.unwrap(), [Appended::Stored(at(2))]);
    freeze("-STOP").await;
    tokio::time::pause();
    let read = store.find_devices(Visibility::All, &[DeviceId::new("d").unwrap()]).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    tokio::time::resume();
    freeze("-CONT").await;
    assert!(times(&store, device).await.contains(&2));
}
