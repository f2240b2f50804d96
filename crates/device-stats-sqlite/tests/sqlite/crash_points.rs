//! Every single call to the system that changes a file is failed, one after the other: the process is killed at the first one,
//! in another run at the second one, and so on until it comes to its end without; the same with a broken disk and with a
//! full one. After each, what was acknowledged is there, once. `strace` counts the calls and fails one of them.
//!
//! `CRASH_POINTS=all` tries all of them, as `make torture` does; else it is a sample.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "how many are tried is up to who runs it, and is told what was found"
)]

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Command, Stdio};

use device_stats_domain::{DeviceId, DeviceKey};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{AccountStore, KeyedOutcome, ReadingStore};

use crate::Folder;
use crate::process::{self, BATCH, Role};
use crate::script;

/// The calls by which SQLite changes files. Some architectures have no `unlink`, but `unlinkat`.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "fsync", "ftruncate", "/^unlink"];
/// Of how many calls one is failed where not all are. A prime: what is written comes in patterns.
const SAMPLED: u32 = 11;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process is killed before it is done.
    Kill,
    /// The disk fails it, once.
    Broken,
    /// There is no room, once.
    Full,
    /// There is no room, from then on.
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

/// What a process said, and what `strace` did to it.
struct Run {
    said: Vec<String>,
    has_succeeded: bool,
    was_hit: bool,
    /// Whether that was a sync of the log while the store was in use.
    was_commit_hit: bool,
    errors: String,
}

impl Run {
    /// Carries the script out on that database, and fails the `number`-th of such calls.
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
            "`strace` may not trace here (for Docker: --cap-add SYS_PTRACE): {errors}"
        );
        let said = String::from_utf8(output.stdout).unwrap();
        let in_use = log.lines().skip_while(|line| !line.contains(&format!("> {}\\n", script::OPEN)));
        let in_use = in_use.take_while(|line| !line.contains(&format!("> {}\\n", script::DONE)));
        let was_commit_hit =
            in_use.filter(|line| line.contains("(INJECTED)")).any(|line| line.contains("-wal>"));
        Self {
            said: process::lines(&said).into_iter().map(str::to_owned).collect(),
            has_succeeded: output.status.success(),
            was_hit: log.contains("(INJECTED)") || log.contains("+++ killed by SIGKILL"),
            was_commit_hit: was_commit_hit && call.ends_with("sync"),
            errors,
        }
    }

    fn has_said(&self, what: &str) -> bool {
        self.said.iter().any(|said| said == what)
    }

    /// How many readings were acknowledged.
    fn acknowledged(&self) -> usize {
        self.said.iter().rev().find_map(|said| said.parse().ok()).unwrap_or_default()
    }
}

/// How a run with that fault has to end.
fn assert_ended(run: &Run, fault: Fault) {
    if fault == Fault::Kill {
        assert!(!run.has_succeeded, "it outlived its kill");
        return;
    }
    assert!(run.has_succeeded, "{}", run.errors);
    let ends = match fault {
        // Where nothing was done, the next try is made of a healthy disk.
        Fault::Kill | Fault::Broken | Fault::Full => &[script::DONE, script::STOPPED][..],
        Fault::StaysFull => &[script::DONE, script::STOPPED, script::GAVE_UP],
    };
    assert!(ends.iter().any(|end| run.has_said(end)), "{:?}", run.said);
    // Nobody knows what of the log is on the disk.
    let has_to_stop = fault == Fault::Broken && run.was_commit_hit;
    assert!(!has_to_stop || run.has_said(script::STOPPED), "it goes on after a failed sync: {:?}", run.said);
}

async fn find(store: &SqliteStore, name: &str) -> Option<DeviceKey> {
    let id = DeviceId::new(name).unwrap();
    store.find_devices(&[id]).await.unwrap().remove(0).map(|device| device.key)
}

/// Asserts that a request with a key is remembered where its readings are there, and only there; it is sent again, and then
/// they are. Returns how many readings there are now.
async fn assert_keys_kept(store: &SqliteStore, device: DeviceKey, count: usize) -> usize {
    for before in script::KEYED_BEHIND.into_iter().filter(|before| *before <= count) {
        let once = store.append_keyed(&[script::keyed(device, before)], script::NOW).await.unwrap();
        if before == count {
            assert!(script::is_done_now(&once), "there are no readings behind {before}: {once:?}");
            return count + BATCH;
        }
        let stored = u64::try_from(BATCH).unwrap();
        assert!(
            matches!(&once[..], [KeyedOutcome::Repeated(receipt)] if receipt.stored == stored),
            "there are readings behind {before}: {once:?}"
        );
    }
    count
}

/// Opens the database as it was left, and compares it with what was acknowledged.
async fn assert_kept(path: &Path, run: &Run) {
    let store = SqliteStore::open(path, true).unwrap();
    let acknowledged = run.acknowledged();
    match find(&store, script::KEPT).await {
        None => assert_eq!(acknowledged, 0),
        Some(device) => {
            let count = process::count(&store, device).await;
            assert!(acknowledged <= count && count <= acknowledged + BATCH, "{count} of {acknowledged}");
            assert_eq!(count % BATCH, 0, "half a call");
            assert!(!run.has_said(script::DONE) || count == acknowledged, "{count} of {acknowledged}");
            let count = assert_keys_kept(&store, device, count).await;
            // It goes on where it was left.
            store.append(&[process::reading(device, count)]).await.unwrap();
            assert_eq!(process::count(&store, device).await, count + 1);
        }
    }
    let deleted = find(&store, script::DELETED).await;
    let [deleting, has_deleted] = script::DELETING;
    match deleted {
        Some(device) if run.has_said(deleting) => {
            assert!(!run.has_said(has_deleted), "it is back");
            assert_eq!(process::count(&store, device).await, 2 * BATCH);
        }
        Some(_) => {}
        None => {
            let hot = store.list_hot_devices().await.unwrap();
            let kept = find(&store, script::KEPT).await;
            assert!(hot.iter().all(|hot| Some(hot.device) == kept), "{hot:?} are left");
        }
    }
    assert!(find(&store, "late").await.is_none(), "written after a failed commit");
}

/// Fails the calls of one kind one after the other, and says how many there are.
fn fail_each(fault: Fault, call: &str, step: u32) -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut tried = 0;
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
    }
    tried
}

fn try_all(fault: Fault) {
    let step = if std::env::var("CRASH_POINTS").is_ok_and(|all| all == "all") { 1 } else { SAMPLED };
    let tried = CALLS.map(|call| (call, fail_each(fault, call, step)));
    println!("{fault:?}: {tried:?} tried: 0 lost, 0 doubled, 0 invented");
    assert!(tried.iter().any(|(call, count)| *call == "pwrite64" && *count > 1));
    assert!(tried.iter().any(|(call, count)| *call == "fdatasync" && *count > 1));
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
