//! Encrypted connections: the checks of the server's certificate, the certificates of clients, and the log of
//! connections that may be plain text. `0.0.0.0` stands for a host across a network; it leads to this
//! machine.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use device_stats_postgres::PostgresStore;
use device_stats_postgres::testing::TestPostgres;
use device_stats_store::{SchemaError, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::{config, connect};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// Writes `NAME.pem` and `NAME-key.pem` of a certificate for a host or user.
fn write_certificate(directory: &Path, name: &str, subject: &str, authority: &Authority) {
    let mut parameters = CertificateParams::new([subject.to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, subject);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
    fs::write(directory.join(format!("{name}-key.pem")), key.serialize_pem()).unwrap();
}

/// Returns a directory with the certificates of an authority (`ca.pem`), of another authority (`other.pem`),
/// of a server that is named `localhost` (`server.pem`), and of a client (`client.pem`).
fn certificates() -> TempDir {
    let (directory, authority) = (tempfile::tempdir().unwrap(), authority());
    fs::write(directory.path().join("ca.pem"), authority.pem()).unwrap();
    fs::write(directory.path().join("other.pem"), self::authority().pem()).unwrap();
    write_certificate(directory.path(), "server", "localhost", &authority);
    write_certificate(directory.path(), "client", "ann", &authority);
    directory
}

/// Starts a server that offers encryption. Returns it with the directory of the certificates.
fn encrypted_server() -> (TestPostgres, TempDir) {
    let (server, directory) = (TestPostgres::start(), certificates());
    server.encrypt(directory.path());
    (server, directory)
}

/// Opens the database `postgres`; `{dir}` in the parameters is the directory of the certificates.
async fn open(
    (server, directory): &(TestPostgres, TempDir),
    host: &str,
    parameters: &str,
) -> Result<PostgresStore, SchemaError> {
    let parameters = parameters.replace("{dir}", directory.path().to_str().unwrap());
    let url = format!("postgres://{host}:{}/postgres?{parameters}", server.port());
    PostgresStore::open(&config(&url), true).await
}

async fn encrypted_sessions(server: &TestPostgres) -> i64 {
    let select = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND application_name = 'device-stats'";
    connect(&server.url()).await.query_one(select, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_certificate_of_the_server_is_checked_as_the_mode_says() {
    let server = encrypted_server();
    for (host, parameters, is_accepted) in [
        ("postgres@localhost", "sslmode=verify-full&sslrootcert={dir}/ca.pem", true),
        ("postgres@localhost", "sslmode=require&sslrootcert={dir}/ca.pem", true),
        ("postgres@localhost", "sslrootcert={dir}/ca.pem", true),
        ("postgres@127.0.0.1", "sslmode=verify-ca&sslrootcert={dir}/ca.pem", true),
        ("postgres@127.0.0.1", "sslmode=verify-full&sslrootcert={dir}/ca.pem", false),
        ("postgres@127.0.0.1", "sslmode=require&sslrootcert={dir}/ca.pem", false),
        ("postgres@localhost", "sslmode=verify-ca&sslrootcert={dir}/other.pem", false),
        // The authority counts, although the name does not.
        ("postgres@127.0.0.1", "sslmode=verify-ca&sslrootcert={dir}/other.pem", false),
        ("postgres@localhost", "sslmode=verify-full&sslrootcert={dir}/other.pem", false),
        ("postgres@localhost", "sslmode=verify-full", false),
    ] {
        let opened = open(&server, host, parameters).await;
        assert_eq!(opened.is_ok(), is_accepted, "{host} {parameters}: {opened:?}");
        if let Ok(store) = opened {
            store.ping().await.unwrap();
            assert!(encrypted_sessions(&server.0).await > 0, "{host} {parameters}");
        }
    }
}

/// Anybody can get a certificate from an authority of the system.
#[tokio::test]
async fn verify_ca_needs_a_file_of_authorities() {
    let server = encrypted_server();
    for parameters in ["sslmode=verify-ca", "sslmode=verify-ca&sslrootcert={dir}/missing.pem"] {
        let opened = open(&server, "postgres@localhost", parameters).await;
        assert!(matches!(opened, Err(SchemaError::Unsuitable(_))), "{opened:?}");
    }
}

#[tokio::test]
async fn the_service_shows_its_certificate() {
    let server = encrypted_server();
    connect(&server.0.url()).await.batch_execute("CREATE ROLE ann LOGIN SUPERUSER").await.unwrap();
    let shown =
        "sslmode=verify-full&sslrootcert={dir}/ca.pem&sslcert={dir}/client.pem&sslkey={dir}/client-key.pem";
    open(&server, "ann@localhost", shown).await.unwrap().ping().await.unwrap();
    let hidden = open(&server, "ann@localhost", "sslmode=verify-full&sslrootcert={dir}/ca.pem").await;
    assert!(hidden.is_err(), "{hidden:?}");
}

/// The lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Returns a log that gets the events of this thread until the guard is dropped.
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false);
        let guard = tracing::subscriber::set_default(subscriber.with_max_level(Level::DEBUG).finish());
        (log, guard)
    }

    /// Returns the lines about encryption.
    fn lines(&self) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains("encrypted")).map(str::to_owned).collect()
    }
}

/// Returns the log lines of opening the database about encryption.
async fn logged(server: &(TestPostgres, TempDir), host: &str, parameters: &str) -> Vec<String> {
    let (log, _guard) = Log::start();
    open(server, host, parameters).await.unwrap().ping().await.unwrap();
    log.lines()
}

#[tokio::test]
async fn prefer_logs_its_choice_once() {
    let server = encrypted_server();
    let lines = logged(&server, "postgres@0.0.0.0", "sslmode=prefer").await;
    assert!(
        matches!(&lines[..], [line] if line.contains("INFO") && line.contains("are encrypted")),
        "{lines:?}"
    );
    let plain = (TestPostgres::start(), tempfile::tempdir().unwrap());
    for (host, level) in [("0.0.0.0", "WARN"), ("127.0.0.1", "DEBUG")] {
        for parameters in ["", "sslmode=prefer"] {
            let lines = logged(&plain, &format!("postgres@{host}"), parameters).await;
            assert!(
                matches!(&lines[..], [line] if line.contains(level) && line.contains("are not encrypted")),
                "{lines:?}"
            );
        }
        assert_eq!(logged(&plain, &format!("postgres@{host}"), "sslmode=disable").await, [""; 0]);
    }
}

/// The connection that listens to other nodes was opened without the checks of the other connections. If the
/// server had changed its choice, nothing was logged until a call needed a new connection.
#[tokio::test]
async fn a_connection_that_listens_to_other_nodes_logs_a_changed_choice_once() {
    let server = (TestPostgres::start(), certificates());
    let (log, _guard) = Log::start();
    let store = open(&server, "postgres@0.0.0.0", "sslmode=prefer").await.unwrap();
    let exchange = store.exchange().unwrap();
    drop(exchange.listen().await.unwrap());
    let plain = log.lines();
    assert!(matches!(&plain[..], [line] if line.contains("are not encrypted")), "{plain:?}");
    server.0.encrypt(server.1.path());
    for _ in 0..2 {
        drop(exchange.listen().await.unwrap());
        let lines = log.lines();
        assert!(
            matches!(&lines[..], [first, line] if *first == plain[0] && line.contains("are encrypted")),
            "{lines:?}"
        );
    }
}
