//! Other processes: this test binary, started again with a role. Without one the test here does nothing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use device_stats_domain::{
    Axes, DeviceId, DeviceKey, Finite, NewDevice, NewReading, ReadingId, ReadingTime, Timestamp, Window,
};
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::{Store, StoreError, Subject};

const ROLE: &str = "DEVICE_STATS_SQLITE_TEST_ROLE";
const PATH: &str = "DEVICE_STATS_SQLITE_TEST_PATH";

/// Readings in each call of a process that appends.
pub(crate) const BATCH: usize = 50;

/// What another process is to do with a database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Migrate it, and write a line for each migration applied.
    Migrate,
    /// Append for ever, and write the number of readings stored as a line after each call.
    Append,
    /// Append until the disk fails, check what the store does then, and write the number of readings stored.
    AppendUntilFailure,
}

/// A process with that role, to be started.
pub(crate) fn with(role: Role, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    configure(&mut command, role, path);
    command
}

/// A process with that role, to be started, in which no file can grow beyond half a megabyte or so: further writes fail
/// as they do on a broken disk.
pub(crate) fn with_small_files(role: Role, path: &Path) -> Command {
    let mut command = Command::new("sh");
    // Without the trap the process would be killed instead. The unit is 512 bytes or 1 KiB, as the shell likes.
    command.args(["-c", r#"trap "" XFSZ && ulimit -f 700 && exec "$@""#, "sh"]);
    command.arg(std::env::current_exe().unwrap());
    configure(&mut command, role, path);
    command
}

fn configure(command: &mut Command, role: Role, path: &Path) {
    command
        .args(["--exact", "process::of_its_own", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role:?}"))
        .env(PATH, path)
        .stdout(Stdio::piped());
}

/// The lines that a process has written in its role; the test harness writes others.
pub(crate) fn lines(output: &str) -> Vec<&str> {
    output.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}

fn say(line: &str) {
    let mut output = io::stdout().lock();
    writeln!(output, "\n> {line}").unwrap();
    output.flush().unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the one way to hand a role to a test")]
async fn of_its_own() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var_os(PATH).unwrap());
    match role.as_str() {
        "Migrate" => migrate(&path).unwrap().iter().for_each(|name| say(name)),
        "Append" => {
            let store = SqliteStore::open(&path, false).unwrap();
            let (_, error) = append(&store).await;
            panic!("{error:?}");
        }
        "AppendUntilFailure" => append_until_failure(&path).await,
        role => panic!("no role {role}"),
    }
}

/// Appends until that fails, and says how many readings were stored.
async fn append(store: &SqliteStore) -> (usize, StoreError) {
    let device = device(store).await;
    let mut stored = 0;
    loop {
        let readings: Vec<_> = (stored..stored + BATCH).map(|n| reading(device, n)).collect();
        match store.append(&readings).await {
            Ok(_) => stored += BATCH,
            Err(error) => return (stored, error),
        }
        say(&stored.to_string());
    }
}

async fn append_until_failure(path: &Path) {
    let store = SqliteStore::open(path, false).unwrap();
    let (stored, error) = append(&store).await;
    assert!(matches!(error, StoreError::OutcomeUnknown(_)), "{error:?}");

    // Nothing more is written, though a small row would have room; what was stored can be read.
    let device = device(&store).await;
    let mut refused = vec![
        store.append(&[reading(device, 0)]).await.err(),
        store.delete_device(device).await.err(),
        store.reserve_reading_ids(1).await.err(),
        store.ping().await.err(),
    ];
    refused.retain(|error| !matches!(error, Some(StoreError::Unavailable(_))));
    assert!(refused.is_empty(), "{refused:?}");
    let count = count(&store, device).await;
    assert!(stored <= count && count <= stored + BATCH, "{count} of {stored}");
    say(&stored.to_string());
}

/// The one device that processes append to.
pub(crate) async fn device(store: &SqliteStore) -> DeviceKey {
    let device_id = DeviceId::new("d").unwrap();
    if let [Some(device)] = &store.find_devices(std::slice::from_ref(&device_id)).await.unwrap()[..] {
        return device.key;
    }
    store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap().key
}

/// The n-th reading.
pub(crate) fn reading(device: DeviceKey, n: usize) -> NewReading {
    let us = i64::try_from(n).unwrap();
    let x = Finite::new(f64::from(u32::try_from(n).unwrap())).unwrap();
    let time = ReadingTime::Given(Timestamp::from_micros(us).unwrap());
    NewReading { device, id: ReadingId(us), time, values: Axes { x, y: x, z: x } }
}

/// How many readings the device has; they must be the first ones of [`reading`].
pub(crate) async fn count(store: &SqliteStore, device: DeviceKey) -> usize {
    let snapshot = store.snapshot(Subject::Device(device), Window::ALL).await.unwrap();
    let mut x: Vec<f64> = snapshot.devices.into_iter().flat_map(|device| device.hot).map(|row| row.values.x).collect();
    x.sort_by(f64::total_cmp);
    for (n, x) in (0..).zip(&x) {
        assert_eq!(x.to_bits(), f64::from(n).to_bits());
    }
    x.len()
}
