//! Starts other processes for tests: this test binary again, with a role. Without a role, the test
//! `of_its_own` does nothing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use device_stats_domain::{
    Author, Axes, DeviceId, DeviceKey, Finite, NewDevice, NewReading, ReadingId, ReadingTime, Timestamp,
    Window,
};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, ReadingStore, Replaced, SealedRows, SegmentStore, Store, StoreError, Subject, Visibility,
};

use crate::{power_loss, script};

const ROLE: &str = "DEVICE_STATS_SQLITE_TEST_ROLE";
const PATH: &str = "DEVICE_STATS_SQLITE_TEST_PATH";

/// Number of readings in each call of a process that appends.
pub(crate) const BATCH: usize = 50;

/// Line that a process writes before it seals.
pub(crate) const SEALING: &str = "sealing";
/// Line that a process writes before it merges.
pub(crate) const MERGING: &str = "merging";

/// Task of another process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Migrate the database, and write a line for each applied migration.
    Migrate,
    /// Append forever, and write the number of stored readings after each call.
    Append,
    /// Append, seal and merge forever; write the number of stored readings after each append, [`SEALING`]
    /// before each seal and [`MERGING`] before each merge.
    Seal,
    /// Append until the disk fails, check that the store refuses further writes, and write the number of
    /// stored readings.
    AppendUntilFailure,
    /// Carry out the [script](crate::script).
    Script,
    /// [Insert rows](crate::power_loss::insert_rows) without the store, with `synchronous=FULL`.
    InsertRowsSynced,
    /// The same with `synchronous=NORMAL`.
    InsertRowsUnsynced,
}

/// Returns the command that starts a process with a role.
pub(crate) fn with(role: Role, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    configure(&mut command, role, path);
    command
}

/// Returns the command that starts a process with a role, in which no file can grow beyond about half a
/// megabyte: further writes fail as on a broken disk.
pub(crate) fn with_small_files(role: Role, path: &Path) -> Command {
    let mut command = Command::new("sh");
    // Without the trap, the signal would kill the process. The unit is 512 bytes or 1 KiB, depending on the
    // shell.
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

/// Returns the lines that a process has written in its role. The lines of the test harness are left out.
pub(crate) fn lines(output: &str) -> Vec<&str> {
    output.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}

/// Writes a line that [`lines`] finds.
pub(crate) fn say(line: &str) {
    let mut output = io::stdout().lock();
    writeln!(output, "\n> {line}").unwrap();
    output.flush().unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one way to hand a role to a test")]
fn of_its_own() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var_os(PATH).unwrap());
    match role.as_str() {
        "Script" => return script::carry_out(&path),
        "InsertRowsSynced" => return power_loss::insert_rows(&path, "FULL"),
        "InsertRowsUnsynced" => return power_loss::insert_rows(&path, "NORMAL"),
        _ => {}
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play(&role, path));
}

async fn play(role: &str, path: PathBuf) {
    match role {
        "Migrate" => migrate(&path).unwrap().iter().for_each(|name| say(name)),
        "Append" => {
            let store = SqliteStore::open(&path, false).unwrap();
            let (_, error) = append(&store).await;
            panic!("{error:?}");
        }
        "Seal" => seal(&SqliteStore::open(&path, false).unwrap()).await,
        "AppendUntilFailure" => append_until_failure(&path).await,
        role => panic!("no role {role}"),
    }
}

/// Appends until it fails; returns the number of stored readings.
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

/// Appends, seals all but a few readings, and merges all segments when there are several.
async fn seal(store: &SqliteStore) {
    let device = device(store).await;
    for call in 0.. {
        let readings: Vec<_> = (call * BATCH..(call + 1) * BATCH).map(|n| reading(device, n)).collect();
        store.append(&readings).await.unwrap();
        say(&((call + 1) * BATCH).to_string());

        let mut rows = store.list_hot_readings(device, u32::MAX).await.unwrap();
        rows.truncate(rows.len() - 5);
        let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
        say(SEALING);
        assert!(matches!(store.seal(device, &sealed).await.unwrap(), Replaced::Done(_)));

        let entries = store.list_segments(device).await.unwrap();
        if entries.len() > 2 {
            let mut rows: Vec<Row> = Vec::new();
            for entry in &entries {
                rows.extend(store.read_segment(device, *entry).await.unwrap().unwrap().rows().unwrap());
            }
            let segment = Segment::encode(&rows, Effort::Fast).unwrap();
            let merged: Vec<_> = entries.iter().map(|entry| entry.id).collect();
            say(MERGING);
            assert!(matches!(store.merge(device, &merged, &segment).await.unwrap(), Replaced::Done(_)));
        }
    }
}

async fn append_until_failure(path: &Path) {
    let store = SqliteStore::open(path, false).unwrap();
    let (stored, error) = append(&store).await;
    assert!(matches!(error, StoreError::OutcomeUnknown(_)), "{error:?}");

    // The store refuses to write, although there is room for a small row. Stored readings can still be read.
    let device = device(&store).await;
    let rows = store.list_hot_readings(device, 10).await.unwrap();
    let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
    let segment = sealed.segment().clone();
    let mut refused = vec![
        store.append(&[reading(device, 0)]).await.err(),
        store.seal(device, &sealed).await.err(),
        store.merge(device, &[], &segment).await.err(),
        store.append_segment(device, &segment).await.err(),
        store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.err(),
        store.reserve_reading_ids(1).await.err(),
        store.ping().await.err(),
    ];
    refused.retain(|error| !matches!(error, Some(StoreError::Unavailable(_))));
    assert!(refused.is_empty(), "{refused:?}");
    let count = count(&store, device).await;
    assert!(stored <= count && count <= stored + BATCH, "{count} of {stored}");
    say(&stored.to_string());
}

/// Finds or creates the device that all processes append to.
pub(crate) async fn device(store: &SqliteStore) -> DeviceKey {
    let device_id = DeviceId::new("d").unwrap();
    if let [Some(device)] =
        &store.find_devices(Visibility::All, std::slice::from_ref(&device_id)).await.unwrap()[..]
    {
        return device.key;
    }
    store.create_device(&Author::SERVICE, NewDevice::new(device_id), None).await.unwrap().key
}

/// Returns the n-th reading.
pub(crate) fn reading(device: DeviceKey, n: usize) -> NewReading {
    let us = i64::try_from(n).unwrap();
    let x = Finite::new(f64::from(u32::try_from(n).unwrap())).unwrap();
    let time = ReadingTime::Given(Timestamp::from_micros(us).unwrap());
    NewReading { device, id: ReadingId(us), time, values: Axes { x, y: x, z: x } }
}

/// Returns the number of readings of the device, hot and sealed. Asserts that they are the first ones of
/// [`reading`], each once.
pub(crate) async fn count(store: &SqliteStore, device: DeviceKey) -> usize {
    let snapshot = store.read_snapshot(Subject::Device(device), Window::ALL).await.unwrap();
    let rows: Vec<Row> = snapshot.into_iter().flat_map(|(_, rows)| rows).collect();
    for (n, row) in rows.iter().enumerate() {
        let NewReading { id, values, .. } = reading(device, n);
        assert_eq!(*row, Row { time_us: id.0, id: id.0, values: values.map(Finite::get) });
    }
    rows.len()
}
