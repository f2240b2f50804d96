//! Calls to a database that stops, starts again, or ends connections.

use std::sync::Arc;

use device_stats_domain::{ListPage, Window};
use device_stats_postgres::testing::TestPostgres;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Appended, ReadingStore, SnapshotStore, Store, StoreError, Subject, Visibility};
use tokio::task::JoinSet;

use crate::{connect, device, open_at, reading};

/// Makes calls at the same time, so that the pool opens its connections.
async fn use_many_connections(store: &Arc<impl Store>) {
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(store);
        callers.spawn(async move { store.list_users(Visibility::All, ListPage::FIRST).await.unwrap() });
    }
    callers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_works_again_when_its_server_does() {
    let server = TestPostgres::start();
    let store = Arc::new(open_at(&server.fresh_database()).await);
    let device = device(&*store, "d").await;
    for round in 0..2 {
        use_many_connections(&store).await;
        server.stop();
        for _ in 0..3 {
            let answers = [
                store.ping().await.map(drop),
                store.append(&[reading(device, round)]).await.map(drop),
                store.snapshot(Subject::Device(device), Window::ALL).await.map(drop),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
            }
        }
        server.start_again();
        store.ping().await.unwrap();
        let appended = store.append(&[reading(device, round)]).await.unwrap();
        assert!(matches!(appended[..], [Appended::Stored(_)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_backends_break_nothing() {
    let server = TestPostgres::start();
    let store = Arc::new(open_at(&server.fresh_database()).await);
    let device = device(&*store, "d").await;
    for n in 0..10 {
        use_many_connections(&store).await;
        server.terminate_backends();
        let answers = [
            store.append(&[reading(device, n)]).await.map(drop),
            store.ping().await.map(drop),
            store.reserve_reading_ids(1).await.map(drop),
            store.list_readings(device, Window::ALL, ListPage::FIRST).await.map(drop),
        ];
        for answer in answers {
            assert!(matches!(answer, Ok(()) | Err(StoreError::Unavailable(_))), "{answer:?}");
        }
    }
}

/// Connections end during calls: acknowledged readings are stored, refused ones are not.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_true_although_connections_end() {
    let server = TestPostgres::start();
    let url = server.fresh_database();
    let store = Arc::new(open_at(&url).await);
    let device = device(&*store, "d").await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut answers = Vec::new();
            for n in (caller * 1000)..(caller * 1000 + 300) {
                let answer = store.append(&[reading(device, n)]).await;
                answers.push((n, answer));
            }
            answers
        });
    }
    for _ in 0..20 {
        server.terminate_backends();
    }
    let answers: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let rows = connect(&url).await.query("SELECT time FROM reading", &[]).await.unwrap();
    let stored: std::collections::HashSet<i64> = rows.iter().map(|row| row.get(0)).collect();
    for (n, answer) in answers {
        let is_stored = stored.contains(&i64::from(n));
        match answer {
            Ok(_) => assert!(is_stored, "{n} was acknowledged"),
            Err(StoreError::Unavailable(_)) => assert!(!is_stored, "{n} was refused"),
            Err(StoreError::OutcomeUnknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}
