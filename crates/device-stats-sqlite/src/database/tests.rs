//! Tests of the connections to a migrated database.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use device_stats_store::StoreError;
use rusqlite::Connection;

use super::connections::Connections;
use super::errors::store_error;
use super::open::migrate;
use crate::limits::WRITE_WAIT_TIMEOUT;

fn connections(folder: &Path) -> Connections {
    let path = folder.join("a.db");
    migrate(&path).unwrap();
    Connections::new(&path, WRITE_WAIT_TIMEOUT).unwrap()
}

fn pragma(connection: &Connection, name: &str) -> Result<String, StoreError> {
    let value: Result<rusqlite::types::Value, _> =
        connection.pragma_query_value(None, name, |row| row.get(0));
    value.map(|value| format!("{value:?}")).map_err(store_error)
}

fn one_number(connection: &Connection, select: &str) -> Result<i64, StoreError> {
    connection.query_row(select, [], |row| row.get(0)).map_err(store_error)
}

#[tokio::test]
async fn commits_are_synced() {
    let folder = tempfile::tempdir().unwrap();
    let connections = connections(folder.path());
    for (name, expected) in [
        ("synchronous", "Integer(2)"),
        ("journal_mode", "Text(\"wal\")"),
        ("page_size", "Integer(16384)"),
        ("foreign_keys", "Integer(1)"),
        ("temp_store", "Integer(2)"),
        ("auto_vacuum", "Integer(2)"),
        ("cache_size", "Integer(-32768)"),
        ("journal_size_limit", "Integer(67108864)"),
        ("wal_autocheckpoint", "Integer(0)"),
    ] {
        let value = connections.write(move |connection| pragma(connection, name)).await.unwrap();
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn a_reading_connection_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let connections = connections(folder.path());
    let refused = connections.read(|connection| {
        connection.execute("DELETE FROM users", []).map_err(store_error)?;
        Ok(())
    });
    assert!(matches!(refused.await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_full_database_can_be_read_and_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let connections = connections(folder.path());
    let pages_max = async |pages: i64| {
        let set = move |connection: &Connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(store_error)
        };
        connections.write(set).await
    };
    let fill = async || {
        let insert = "INSERT INTO users (username, email) VALUES (hex(randomblob(9000)), hex(randomblob(9)))";
        let fill = move |connection: &Connection| connection.execute(insert, []).map_err(store_error);
        connections.write(fill).await
    };
    pages_max(1).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(fill().await, Err(StoreError::OutOfSpace(_))));
    }
    connections.read(|connection| one_number(connection, "SELECT count(*) FROM users")).await.unwrap();
    pages_max(1_000).await.unwrap();
    assert_eq!(fill().await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_that_panics_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let connections = connections(folder.path());
    let panicking = connections.write(|connection| -> Result<(), StoreError> {
        connection.execute("UPDATE id_block SET next = 77", []).map_err(store_error)?;
        panic!("on purpose")
    });
    assert!(matches!(panicking.await, Err(StoreError::Broken(_))));
    let next = connections.read(|connection| one_number(connection, "SELECT next FROM id_block")).await;
    assert_eq!(next.unwrap(), 1);
}

/// A call waited for the writing connection for one second, however long the queue allows. Under load, many
/// requests were refused.
#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_writer_for_a_long_time() {
    let folder = tempfile::tempdir().unwrap();
    let connections = connections(folder.path());
    let ((start, started), (end, ended)) = (tokio::sync::oneshot::channel(), mpsc::channel());
    let long = connections.write(move |_| {
        start.send(()).unwrap();
        ended.recv().unwrap();
        Ok(())
    });
    let waiting = connections.write(|connection| one_number(connection, "SELECT next FROM id_block"));
    let let_wait = async {
        started.await.unwrap();
        // The other call has been polled, so it waits by now.
        tokio::time::advance(WRITE_WAIT_TIMEOUT * 9 / 10).await;
        tokio::task::yield_now().await;
        end.send(()).unwrap();
    };
    let (long, waiting, ()) = tokio::join!(long, waiting, let_wait);
    long.unwrap();
    assert_eq!(waiting.unwrap(), 1);
}

#[tokio::test]
async fn a_call_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    migrate(&path).unwrap();
    let connections = Connections::new(&path, Duration::from_millis(200)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = || connections.write(|connection| one_number(connection, "SELECT next FROM id_block"));
    // One call waits for the other process, the other call for the writing connection.
    let (first, second) = tokio::join!(write(), write());
    for refused in [first, second] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(write().await.unwrap(), 1);
}
