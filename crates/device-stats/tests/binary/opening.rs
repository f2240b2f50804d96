//! A server whose database is not open yet.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::killed_servers::wait_until;
use crate::server::Server;

/// Time after which `docker stop` kills a container. A start waits longer for the write lock of SQLite.
const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The server did not listen before it had read all hot readings. An orchestrator that asked for its liveness
/// restarted it again and again.
#[test]
fn a_server_listens_while_it_opens_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("test.db").display());
    // As long as another process migrates the database, it is not opened.
    let migration = File::create(folder.path().join("test.db.lock")).unwrap();
    migration.lock().unwrap();
    let server = Server::start_opening(&database);
    assert_eq!(server.get("/health/live").0, 200);
    for path in ["/health/ready", "/api/v1/users/"] {
        let (status, body) = server.get(path);
        assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{body}");
        assert_eq!(body["detail"], "The database is being opened, try again");
    }
    migration.unlock().unwrap();
    wait_until(|| server.get("/health/ready").0 == 200);
    assert_eq!(server.get("/api/v1/users/").0, 200);
    assert!(server.terminate());
}

#[test]
fn a_server_that_opens_its_database_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let migration = File::create(folder.path().join("test.db.lock")).unwrap();
    migration.lock().unwrap();
    let server = Server::start_opening(&format!("sqlite:{}", folder.path().join("test.db").display()));
    assert!(server.terminate());
}

/// The server waited for signals only while it opened the database. Then it wrote its start to the audit log.
/// As long as another process held the write lock, it ignored every signal.
#[test]
fn a_server_that_waits_for_the_write_lock_at_its_start_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let database = format!("sqlite:{}", file.display());
    assert!(Server::start(&database).terminate());
    let lock = rusqlite::Connection::open(&file).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let server = Server::start_opening_with(&database, &["--auth", "token"]);
    // This warning comes after the database is open, and before the start is written to the audit log.
    wait_until(|| server.log().contains("clients need a token, and there is none"));
    assert_eq!(server.get("/health/ready").0, 503);
    let stopping = Instant::now();
    assert!(server.terminate());
    assert!(stopping.elapsed() < DOCKER_STOP_TIMEOUT, "{:?}", stopping.elapsed());
}
