//! Private PostgreSQL servers for tests: a separate server for each test that stops it, and one server that
//! all other tests of a process share.
//!
//! A shell, the keeper, controls each server. The keeper reads commands from a pipe of the test process, and
//! carries them out one by one. When the pipe is closed, the keeper stops the server and removes its files.
//! So no server outlives its test process. `Drop` alone could not ensure this: statics are never dropped, and
//! a killed process drops nothing.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot have its server has to fail loudly"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

/// Maximum number of ports to try: another process can take one between the check and the start of the
/// server.
const PORT_ATTEMPTS: u32 = 10;

/// The usual file system in memory.
const MEMORY: &str = "/dev/shm";
/// Minimum free space of [`MEMORY`] for the files of servers, in bytes. The databases of a test process take
/// up to 3 GB.
const MEMORY_BYTES_MIN: u64 = 6 << 30;

/// The script of the keeper.
const KEEPER: &str = include_str!("testing/keeper.sh");

/// Creates an empty database on a server shared by all tests of this process, and returns its address.
///
/// Can be called inside and outside an async runtime.
///
/// # Panics
///
/// If the server cannot be started or the database cannot be created.
pub fn fresh_database() -> String {
    static SHARED: OnceLock<TestPostgres> = OnceLock::new();
    SHARED.get_or_init(TestPostgres::start).fresh_database()
}

/// A PostgreSQL server of one test, which can stop and start it. Dropping it stops and removes the server.
///
/// Its methods block, but can be called inside an async runtime.
pub struct TestPostgres {
    keeper: Mutex<Keeper>,
    directory: TempDir,
    port: u16,
    databases: AtomicU32,
}

struct Keeper {
    process: Child,
    /// `None` after the pipe has been closed, which ends the keeper.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl TestPostgres {
    /// Starts an empty server on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed or the server does not start.
    pub fn start() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("device-stats-postgres-");
        let directory = match memory_directory() {
            Some(memory) => builder.tempdir_in(memory),
            None => builder.tempdir(),
        };
        let directory = directory.expect("cannot make a temporary directory");
        let keeper = Mutex::new(Keeper::spawn(&directory));
        // The server is created before the first command, so that a panic below drops it, which cleans up.
        let mut server = Self { keeper, directory, port: 0, databases: AtomicU32::new(0) };
        assert!(
            server.run("installed"),
            "PostgreSQL is not installed, and these tests need its server: apt-get install postgresql"
        );
        server.expect("init");
        for _ in 0..PORT_ATTEMPTS {
            server.port = free_port();
            if server.run(&format!("start {}", server.port)) {
                return server;
            }
        }
        server.fail("start")
    }

    /// Returns the address of the database `postgres`, which every server has.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// Creates an empty database, and returns its address.
    ///
    /// # Panics
    ///
    /// If the database cannot be created, for example because the server is stopped.
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.expect(&format!("sql CREATE DATABASE {name}"));
        self.database_url(&name)
    }

    /// Stops the server, which ends all its connections. The data stay.
    ///
    /// # Panics
    ///
    /// If the server does not stop, or is stopped already.
    pub fn stop(&self) {
        self.expect("stop fast");
    }

    /// Stops the server like a crash: it writes nothing more, and recovers from its log at the next start.
    ///
    /// # Panics
    ///
    /// If the server does not stop, or is stopped already.
    pub fn crash(&self) {
        self.expect("stop immediate");
    }

    /// Starts the stopped server with the same data on the same port, and returns when it accepts
    /// connections.
    ///
    /// # Panics
    ///
    /// If the server does not start, or is running already.
    pub fn start_again(&self) {
        self.expect(&format!("start {}", self.port));
    }

    /// Starts the server again with encryption. `directory` has the PEM files of the server's certificate
    /// (`server.pem`), of its key (`server-key.pem`), and of the authority that signs the certificates of
    /// clients (`ca.pem`). The user `ann` must show a certificate of this authority; other users need none,
    /// and need no encryption.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    pub fn encrypt(&self, directory: &Path) {
        self.expect(&format!("encrypt {}", directory.display()));
    }

    /// Makes a backup of all data. Stops and starts the server.
    ///
    /// # Panics
    ///
    /// If the server is stopped.
    pub fn save(&self) {
        self.expect("save");
    }

    /// Replaces all data by the backup. Stops and starts the server.
    ///
    /// # Panics
    ///
    /// If the server is stopped, or there is no backup.
    pub fn restore(&self) {
        self.expect("restore");
    }

    /// Returns the log of the server.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.path().join("server.log")).expect("the server has a log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Returns the port of the server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all client connections, and returns when they have ended. The server keeps running.
    ///
    /// # Panics
    ///
    /// If the server is stopped.
    pub fn terminate_backends(&self) {
        self.expect(
            "sql SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }

    fn database_url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn expect(&self, command: &str) {
        if !self.run(command) {
            self.fail(command);
        }
    }

    fn run(&self, command: &str) -> bool {
        self.keeper().run(command)
    }

    /// Locks the keeper. A poisoned lock is harmless: no panic leaves a command without its answer.
    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, command: &str) -> ! {
        let log = |name| {
            fs::read(self.directory.path().join(name)).map_or_else(
                |error| format!("({name}: {error})"),
                |text| String::from_utf8_lossy(&text).into_owned(),
            )
        };
        panic!("the test's PostgreSQL failed to do: {command}\n{}\n{}", log("keeper.log"), log("server.log"))
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        let mut keeper = self.keeper();
        keeper.commands = None;
        // The drop of the directory removes files that the keeper could not remove.
        let _ended = keeper.process.wait();
    }
}

/// Returns the file system in memory, if it has enough space.
///
/// Each database has 300 files, so a test process creates and deletes tens of thousands. After that, ext4 can
/// take seconds to create a file: it does not reuse the inodes of recently deleted files, and searches all of
/// them for another one. Connections of tests then timed out.
fn memory_directory() -> Option<&'static Path> {
    let found = Command::new("df").args(["--output=avail", "--block-size=1", MEMORY]).output().ok()?;
    let free: u64 = String::from_utf8_lossy(&found.stdout).lines().nth(1)?.trim().parse().ok()?;
    (free >= MEMORY_BYTES_MIN).then_some(Path::new(MEMORY))
}

impl Keeper {
    fn spawn(directory: &TempDir) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", KEEPER, "postgres-keeper"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Test runners wait until all writers of the output have ended.
            .stderr(Stdio::null())
            // A signal to the group of the test process, like Ctrl-C, must not end the keeper.
            .process_group(0)
            .spawn()
            .expect("cannot start a shell");
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("the output of the shell is piped"));
        Self { process, commands, answers }
    }

    /// Returns whether the command succeeded.
    fn run(&mut self, command: &str) -> bool {
        let commands = self.commands.as_mut().expect("the keeper has its input until it is dropped");
        writeln!(commands, "{command}").expect("the keeper of the test's PostgreSQL is gone");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("cannot read the answer of the keeper");
        answer.trim_end() == "done"
    }
}

/// Returns a free port below the range of outgoing connections. A connection could take a port in that range
/// while the server is stopped. Each process starts its search at a different port.
fn free_port() -> u16 {
    const FIRST: u16 = 16_384;
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let offset = || {
        let number = process::id().wrapping_mul(7919).wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed));
        u16::try_from(number % u32::from(FIRST)).expect("the remainder is less than FIRST")
    };
    (0..FIRST)
        .map(|_| FIRST + offset())
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("no port is free")
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use tokio_postgres::{Client, NoTls};

    use super::*;

    async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn database_name(url: &str) -> String {
        connect(url).await.unwrap().query_one("SELECT current_database()", &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn each_database_is_new() {
        let (one, two) = (fresh_database(), fresh_database());
        assert_ne!(database_name(&one).await, database_name(&two).await);
    }

    #[tokio::test]
    async fn a_server_keeps_its_data_while_it_is_stopped() {
        let server = TestPostgres::start();
        let url = server.fresh_database();
        let client = connect(&url).await.unwrap();
        client.batch_execute("CREATE TABLE kept (n int4); INSERT INTO kept VALUES (7)").await.unwrap();

        server.stop();
        assert!(client.batch_execute("SELECT 1").await.is_err());
        assert!(connect(&url).await.is_err());

        server.start_again();
        let client = connect(&url).await.unwrap();
        let n: i32 = client.query_one("SELECT n FROM kept", &[]).await.unwrap().get(0);
        assert_eq!(n, 7);
    }

    #[tokio::test]
    async fn terminated_backends_end_and_the_server_goes_on() {
        let server = TestPostgres::start();
        let client = connect(&server.url()).await.unwrap();

        server.terminate_backends();

        assert!(client.batch_execute("SELECT 1").await.is_err());
        assert_eq!(database_name(&server.url()).await, "postgres");
    }

    #[test]
    fn a_dropped_server_leaves_nothing() {
        let server = TestPostgres::start();
        let (directory, port) = (server.directory.path().to_owned(), server.port);

        drop(server);

        assert!(!directory.exists());
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    /// The operating system closes the pipe of a process that ends without dropping its server.
    #[test]
    fn a_closed_pipe_alone_stops_the_server() {
        fn lose(server: &TestPostgres) -> ExitStatus {
            let mut keeper = server.keeper();
            keeper.commands = None;
            keeper.process.wait().unwrap()
        }
        let server = TestPostgres::start();
        let directory: &Path = server.directory.path();

        assert!(lose(&server).success());

        assert!(!directory.exists());
        TcpListener::bind((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    }

    #[test]
    #[should_panic(expected = "failed to do: sql CREATE DATABASE")]
    fn a_failure_is_loud() {
        let server = TestPostgres::start();
        server.stop();
        server.fresh_database();
    }
}
