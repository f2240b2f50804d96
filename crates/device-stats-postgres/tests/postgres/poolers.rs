//! Poolers between the service and PostgreSQL, with `PgBouncer`.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use device_stats_postgres::PostgresStore;
use device_stats_postgres::testing::TestPostgres;
use device_stats_store::SchemaError;
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_postgres::NoTls;

use crate::{PATIENCE, config, connect};

/// A `PgBouncer` in front of a server.
struct PgBouncer {
    process: Child,
    port: u16,
    _directory: TempDir,
}

impl PgBouncer {
    /// Starts it, and returns when it answers.
    async fn start(server: &TestPostgres, settings: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let file = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\n{settings}\n",
            server.port()
        );
        fs::write(&file, text).unwrap();
        // It does not run as root. Debian keeps it out of the PATH of other users.
        let start = "PATH=$PATH:/usr/sbin; if [ \"$(id -u)\" = 0 ]; then
                exec setpriv --reuid=postgres --regid=postgres --clear-groups pgbouncer --quiet \"$0\"
            else exec pgbouncer --quiet \"$0\"; fi";
        let mut command = Command::new("sh");
        command.args(["-c", start]).arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let pooler = Self { process, port, _directory: directory };
        let began = Instant::now();
        while let Err(error) = tokio_postgres::connect(&pooler.url(), NoTls).await {
            assert!(
                began.elapsed() < PATIENCE,
                "install pgbouncer with scripts/install-test-needs.sh: {error:?}"
            );
            tokio::task::yield_now().await;
        }
        pooler
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asserts that the database is refused over the pooler, with a reason that contains `expected`.
async fn assert_refused(pooler: &PgBouncer, expected: &str) {
    for migrate in [true, false] {
        match PostgresStore::open(&config(&pooler.url()), migrate).await {
            Err(SchemaError::Unsuitable(cause)) => {
                let cause = cause.to_string();
                assert!(cause.contains(expected) && cause.contains("pooler"), "{cause}");
            }
            answer => panic!("{answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_pooler_that_refuses_the_settings_is_named() {
    let server = TestPostgres::start();
    for mode in ["session", "transaction"] {
        let pooler = PgBouncer::start(&server, &format!("pool_mode = {mode}")).await;
        assert_refused(&pooler, "startup parameter").await;
    }
}

/// Without its settings, a session has other time limits, and may commit without syncing.
#[tokio::test]
async fn a_pooler_that_drops_the_settings_is_refused() {
    let server = TestPostgres::start();
    for mode in ["session", "transaction"] {
        let settings = format!("pool_mode = {mode}\nignore_startup_parameters = options");
        let pooler = PgBouncer::start(&server, &settings).await;
        assert_refused(&pooler, "the setting ").await;
    }
}

/// The sessions have the right settings, but only because the database has them as its defaults.
#[tokio::test]
async fn a_pooler_of_transactions_is_refused() {
    let server = TestPostgres::start();
    let settings = "ALTER DATABASE postgres SET plan_cache_mode = force_generic_plan;
        ALTER DATABASE postgres SET enable_seqscan = off;
        ALTER DATABASE postgres SET jit = off;
        ALTER DATABASE postgres SET statement_timeout = '30s';
        ALTER DATABASE postgres SET lock_timeout = '5s';
        ALTER DATABASE postgres SET idle_in_transaction_session_timeout = '10s'";
    PostgresStore::open(&config(&server.url()), true).await.unwrap();
    connect(&server.url()).await.batch_execute(settings).await.unwrap();
    for mode in ["transaction", "statement"] {
        let settings = format!("pool_mode = {mode}\nignore_startup_parameters = options");
        let pooler = PgBouncer::start(&server, &settings).await;
        match PostgresStore::open(&config(&pooler.url()), false).await {
            Err(SchemaError::Unsuitable(cause)) => {
                assert!(cause.to_string().contains("pool_mode=transaction"), "{cause}");
            }
            answer => panic!("{answer:?}"),
        }
    }
}
