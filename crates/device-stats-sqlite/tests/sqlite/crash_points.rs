//! Kills a process at each system call that changes a file: in the first run at the first call, in the second
//! run at the second call, and so on until a run ends undisturbed. Does the same with a broken disk and with
//! a full disk. After each run, every acknowledged reading is stored exactly once. `strace` counts the calls
//! and makes one of them fail.
//!
//! `CRASH_POINTS=all`, as in `make torture`, tries all calls; the default is a sample.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the caller chooses the number of crash points and reads the result"
)]

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Command, Stdio};

use device_stats_domain::{DeviceId, DeviceKey};
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{AccountStore, KeyedOutcome, ReadingStore, Visibility};

use crate::Folder;
use crate::process::{self, BATCH, Role};
use crate::script;

/// The system calls with which SQLite changes files. Some architectures have only `unlinkat`, no `unlink`.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "fsync", "ftruncate", "/^unlink"];
/// Distance between the calls of a sample. It is a prime number, because writes repeat in patterns.
const SAMPLED: u32 = 11;

/// Failure of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process is killed before the call.
    Kill,
    /// The disk fails the call, once.
    Broken,
    /// The disk is full, once.
    Full,
    /// The disk is full from this call on.
    StaysFull,
}

impl Fault {
    fn injected(self, number: u32) -> String {
        match self {
            Self::Kill => format!("signal=KILL:when={number}"),
            Self::Broken => format!("error=EIO:when={number}"),
            Self::Full => format!("error=ENOSPC:when={number}"),
            Self::StaysFull => format!("error=ENOSPC:when={number}+"),
        }
    }
}

/// Output of a process, and the failures that `strace` injected.
#[derive(Default)]
pub(crate) struct Run {
    said: Vec<String>,
    has_succeeded: bool,
    was_hit: bool,
    /// Whether a sync of the write-ahead log, or any call of a checkpoint, failed while the store was in use.
    has_disk_failed: bool,
    errors: String,
}

impl Run {
    /// Returns a run that has written these lines before it was killed.
    pub(crate) fn of_lines(said: Vec<String>) -> Self {
        Self { said, ..Self::default() }
    }

    /// Carries out the script on a database; the `number`-th of these calls fails.
    fn with(fault: Fault, call: &str, number: u32, folder: &Folder) -> Self {
        let log = folder.folder.path().join("strace.log");
        let script = process::with(Role::Script, &folder.database());
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-o"]).arg(&log).args(["-e", &format!("trace={call},write")]);
        command.args(["-e", &format!("inject={call}:{}", fault.injected(number))]);
        command.arg(script.get_program()).args(script.get_args());
        script.get_envs().for_each(|(name, value)| {
            command.env(name, value.unwrap());
        });
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = output
            .unwrap_or_else(|error| panic!("strace: {error}; these tests need it: apt-get install strace"));
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // Every process writes something.
        assert!(
            log.contains("+++"),
            "`strace` is not allowed to trace (for Docker: --cap-add SYS_PTRACE): {errors}"
        );
        let said = String::from_utf8(output.stdout).unwrap();
        let in_use = log.lines().skip_while(|line| !line.contains(&format!("> {}\\n", script::OPEN)));
        let in_use = in_use.take_while(|line| !line.contains(&format!("> {}\\n", script::DONE)));
        // Only checkpoints change the main file.
        let is_failure = |line: &str| {
            line.contains("/stats.db>") || (call.ends_with("sync") && line.contains("/stats.db-wal>"))
        };
        let has_disk_failed = in_use.filter(|line| line.contains("(INJECTED)")).any(is_failure);
        Self {
            said: process::lines(&said).into_iter().map(str::to_owned).collect(),
            has_succeeded: output.status.success(),
            was_hit: log.contains("(INJECTED)") || log.contains("+++ killed by SIGKILL"),
            has_disk_failed,
            errors,
        }
    }

    fn has_said(&self, what: &str) -> bool {
        self.said.iter().any(|said| said == what)
    }

    /// Returns the number of acknowledged readings.
    pub(crate) fn acknowledged(&self) -> usize {
        self.said.iter().rev().find_map(|said| said.parse().ok()).unwrap_or_default()
    }
}

/// Asserts that a run with this fault has ended as it must.
fn assert_ended(run: &Run, fault: Fault) {
    if fault == Fault::Kill {
        assert!(!run.has_succeeded, "it outlived its kill");
        return;
    }
    assert!(run.has_succeeded, "{}", run.errors);
    let ends = match fault {
        // The fault occurs once, so a retry of a call that did nothing succeeds.
        Fault::Kill | Fault::Broken | Fault::Full => &[script::DONE, script::STOPPED][..],
        Fault::StaysFull => &[script::DONE, script::STOPPED, script::GAVE_UP],
    };
    assert!(ends.iter().any(|end| run.has_said(end)), "{:?}", run.said);
    // The part of the log, or of the main file, that is on the disk is unknown.
    let has_to_stop = fault == Fault::Broken && run.has_disk_failed;
    assert!(
        !has_to_stop || run.has_said(script::STOPPED),
        "it continues after a failed commit or checkpoint: {:?}",
        run.said
    );
}

async fn find(store: &SqliteStore, name: &str) -> Option<DeviceKey> {
    let id = DeviceId::new(name).unwrap();
    store.find_devices(Visibility::All, &[id]).await.unwrap().remove(0).map(|device| device.key)
}

/// Asserts that a keyed request has a receipt exactly if its readings are stored. Sends the requests again to
/// find out, which stores missing readings. Returns the number of stored readings.
async fn assert_receipts_kept(store: &SqliteStore, device: DeviceKey, count: usize) -> usize {
    for before in script::KEYED_AFTER.into_iter().filter(|before| *before <= count) {
        let outcomes = store.append_keyed(&[script::keyed(device, before)], script::NOW).await.unwrap();
        if before == count {
            assert!(script::is_stored(&outcomes), "there are no readings after {before}: {outcomes:?}");
            return count + BATCH;
        }
        let stored = u64::try_from(BATCH).unwrap();
        assert!(
            matches!(&outcomes[..], [KeyedOutcome::Repeated(receipt)] if receipt.stored == stored),
            "there are readings after {before}: {outcomes:?}"
        );
    }
    count
}

/// Opens the database after a run, and compares it with the acknowledged readings.
pub(crate) async fn assert_kept(path: &Path, run: &Run) {
    let store = SqliteStore::open(path, true).unwrap();
    let acknowledged = run.acknowledged();
    match find(&store, script::KEPT).await {
        None => assert_eq!(acknowledged, 0),
        Some(device) => {
            let count = process::count(&store, device).await;
            assert!(acknowledged <= count && count <= acknowledged + BATCH, "{count} of {acknowledged}");
            assert_eq!(count % BATCH, 0, "half a call");
            assert!(!run.has_said(script::DONE) || count == acknowledged, "{count} of {acknowledged}");
            let count = assert_receipts_kept(&store, device, count).await;
            // The device accepts further readings.
            store.append(&[process::reading(device, count)]).await.unwrap();
            assert_eq!(process::count(&store, device).await, count + 1);
        }
    }
    let deleted = find(&store, script::DELETED).await;
    let [_, has_deleted] = script::DELETING;
    let [cutting, has_cut] = script::CUTTING;
    match deleted {
        Some(device) if run.has_said(cutting) => {
            assert!(!run.has_said(has_deleted), "the deleted device is back");
            let count = process::count(&store, device).await;
            let is_whole = !run.has_said(has_cut) && count == 2 * BATCH;
            assert!(is_whole || count == script::LEFT, "{count} readings after half a deletion");
        }
        Some(_) => {}
        None => {
            let hot = store.list_all_hot_devices().await.unwrap();
            let kept = find(&store, script::KEPT).await;
            assert!(hot.iter().all(|hot| Some(hot.device) == kept), "{hot:?} are left");
            while let Some(device) = store.find_deleted_device(DeviceKey(0)).await.unwrap() {
                store.purge_slice(device, 1).await.unwrap();
            }
            let segments = rusqlite::Connection::open(path).unwrap().query_row(
                "SELECT count(*) FROM segment WHERE device IS NOT ?1",
                [kept.map(|key| key.0)],
                |row| row.get::<_, i64>(0),
            );
            assert_eq!(segments.unwrap(), 0, "segments of the deleted device are left");
        }
    }
    assert!(find(&store, "late").await.is_none(), "written after a failed commit");
}

/// Makes the calls of one kind fail, one in each run; returns the number of runs, and how many of them had to
/// stop writing.
fn fail_each(fault: Fault, call: &str, step: u32) -> (u32, u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut tried, mut stopped) = (0, 0);
    for number in (1..).step_by(step as usize) {
        let folder = Folder::new();
        let run = Run::with(fault, call, number, &folder);
        let at = std::panic::catch_unwind(AssertUnwindSafe(|| {
            if run.was_hit {
                assert_ended(&run, fault);
            } else {
                assert!(run.has_said(script::DONE), "{:?}\n{}", run.said, run.errors);
            }
            runtime.block_on(assert_kept(&folder.database(), &run));
        }));
        assert!(at.is_ok(), "{fault:?} at {call} {number}: {:?}", run.said);
        if !run.was_hit {
            break;
        }
        tried += 1;
        stopped += u32::from(run.has_disk_failed);
    }
    (tried, stopped)
}

fn try_all(fault: Fault) {
    let step = if std::env::var("CRASH_POINTS").is_ok_and(|all| all == "all") { 1 } else { SAMPLED };
    let tried = CALLS.map(|call| (call, fail_each(fault, call, step)));
    println!("{fault:?}: (tried, failed disks) {tried:?}: 0 lost, 0 doubled, 0 invented");
    for (call, (count, stopped)) in tried {
        if ["pwrite64", "fdatasync"].contains(&call) {
            assert!(count > 1, "{call} was tried {count} times");
            assert!(stopped > 0 || fault != Fault::Broken, "no {call} of a checkpoint failed");
        }
    }
}

#[test]
fn a_kill_at_any_call_loses_and_doubles_nothing() {
    try_all(Fault::Kill);
}

#[test]
fn a_broken_disk_at_any_call_loses_and_doubles_nothing() {
    try_all(Fault::Broken);
}

#[test]
fn a_full_disk_at_any_call_loses_and_doubles_nothing() {
    try_all(Fault::Full);
    try_all(Fault::StaysFull);
}
