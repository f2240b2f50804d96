//! A server whose database is not open yet.

use std::fs::File;

use crate::killed_servers::wait_until;
use crate::server::Server;

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
