//! The real binary, one of whose calls to the system is failed: it is killed there, or the disk is broken. `strace` counts
//! the calls, thread by thread, and fails the n-th of one of them; in the next run a later one, until none is failed any more.
//! Readings are posted and sealed meanwhile, or sealed and merged by command. (The tests of the SQLite store do so for every single call.)
//!
//! `CRASH_POINTS=all` tries all of them, as `make torture` does; else it is a sample.

#![expect(clippy::disallowed_methods, reason = "how many are tried is up to who runs it")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::numbered_readings::{Answer, Api, Fate, Numbered};
use crate::server::{Started, device_stats, run, run_by, serve};

/// Readings of the requests, one after the other: some become segments at once, the others have to be sealed.
const COUNTS: [u64; 9] = [1, 4_500, 40, 700, 4_500, 1, 4_500, 700, 3];
/// The call that removes a file. Some architectures have `unlinkat` only.
const UNLINK: &str = "/^unlink";
/// The calls at which the process is killed, and by how many the number grows where not all are tried.
const KILLED_AT: [(&str, usize); 4] = [("pwrite64", 29), ("fdatasync", 7), ("ftruncate", 2), (UNLINK, 1)];
/// The calls at which the command is killed that seals and merges, likewise.
const SEALING_KILLED_AT: [(&str, usize); 2] = [("pwrite64", 11), ("fdatasync", 2)];
/// The calls that a broken disk fails, likewise.
const BROKEN_AT: [(&str, usize); 3] = [("pwrite64", 37), ("fdatasync", 4), ("ftruncate", 2)];
/// How long a test waits for what has to happen at some time.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database of one run.
struct Files {
    folder: TempDir,
    url: String,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { folder, url }
    }

    /// A database as it was left by a process that is gone.
    fn of(other: &Self) -> Self {
        let files = Self::new();
        for name in ["test.db", "test.db-wal"] {
            std::fs::copy(other.folder.path().join(name), files.folder.path().join(name)).unwrap();
        }
        files
    }

    /// The command, of whose calls one is failed as `injected` says.
    fn traced(&self, injected: &str, command: &Command) -> Command {
        let inject = format!("inject={injected}");
        let call = injected.split(':').next().unwrap();
        let trace = format!("trace={call}");
        // The tracer is the grandchild, so that the child is the service.
        let log = self.log();
        let strace = ["strace", "-D", "-f", "-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject];
        run_by(&strace, command)
    }

    /// A service of whose calls one is failed; what ended it, if it did not come up.
    fn start(&self, injected: &str) -> Result<Started, String> {
        let serve = serve(&self.url, &["--seal-after-seconds", "0"]);
        Started::by(self.traced(injected, &serve)).map_err(|(status, log)| {
            assert!(
                !log.contains("PTRACE"),
                "`strace` may not trace here (for Docker: --cap-add SYS_PTRACE)"
            );
            assert!(!log.contains("invalid system call"), "`strace` does not know {injected}: {log}");
            format!("{status}: {log}")
        })
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("strace.log")
    }

    /// Whether a call was failed, of a process that has ended: the tracer hears of that first.
    fn was_hit(&self) -> bool {
        self.has_logged("(INJECTED)")
    }

    /// Asserts that the tracer has killed the process, which has ended. The tracer writes of that behind its end.
    fn assert_killed(&self) {
        let waiting = Instant::now();
        while !self.has_logged("+++ killed by SIGKILL") {
            assert!(waiting.elapsed() < PATIENCE, "the process ended, and not by a kill");
        }
    }

    fn has_logged(&self, what: &str) -> bool {
        std::fs::read_to_string(self.log()).unwrap().contains(what)
    }

    fn verified(&self) -> (bool, String) {
        let verified = run(&["verify", "--database-url", &self.url]);
        (verified.status.success(), String::from_utf8(verified.stdout).unwrap())
    }

    /// Starts the service as it is meant to run, and compares what it has with what was acknowledged; it goes on.
    fn assert_kept(&self, device: &mut Numbered) {
        let server = Started::with(&self.url, &["--seal-after-seconds", "0"]);
        let api = Api::at(&server.url);
        if api.status("GET", &format!("/api/v1/devices/{}", device.name)) == Some(200) {
            device.assert_kept(&api);
        } else {
            assert_eq!(device.requests(Fate::Acknowledged), 0, "the device is lost");
            device.register(&api);
        }
        assert_eq!(device.post_again(&api, || true), Answer::Stored);
        assert_eq!(device.post(&api, 4_500), Answer::Stored);
        device.assert_kept(&api);
        let (is_good, found) = self.verified();
        assert!(is_good, "{found}");
    }
}

/// The numbers of the calls that are failed: all, or every `step`-th.
fn numbers(step: usize) -> impl Iterator<Item = usize> {
    let is_all = std::env::var("CRASH_POINTS").is_ok_and(|all| all == "all");
    (1..).step_by(if is_all { 1 } else { step })
}

/// Runs until the process is killed at that call, or comes to its end; says which.
fn is_killed(files: &Files, call: &str, number: usize, device: &mut Numbered) -> bool {
    let is_over = match files.start(&format!("{call}:signal=KILL:when={number}")) {
        Ok(server) => is_gone_before_the_end(server, files, device),
        Err(_) => true,
    };
    if is_over {
        files.assert_killed();
    }
    is_over
}

/// Posts, and waits until all is sealed; says whether the process went before it was asked to.
fn is_gone_before_the_end(mut server: Started, files: &Files, device: &mut Numbered) -> bool {
    let api = Api::at(&server.url);
    let is_answered = device.may_register(&api)
        && COUNTS.into_iter().all(|count| match device.post(&api, count) {
            Answer::Stored => true,
            Answer::Lost => false,
            other => panic!("{other:?} of a process that is only killed"),
        });
    let waiting = Instant::now();
    while !is_answered || !files.verified().1.contains(" 0 hot readings") {
        if server.has_ended() {
            return true;
        }
        assert!(waiting.elapsed() < PATIENCE, "{}\n{}", files.verified().1, server.log());
    }
    // It may still be killed while it ends.
    !server.terminate()
}

#[test]
fn a_kill_at_a_call_loses_and_doubles_nothing() {
    for (call, step) in KILLED_AT {
        let mut tried = 0;
        for number in numbers(step) {
            let (files, mut device) = (Files::new(), Numbered::device("pump"));
            let is_hit = is_killed(&files, call, number, &mut device);
            files.assert_kept(&mut device);
            if !is_hit {
                break;
            }
            tried += 1;
        }
        println!("killed at {call}, {tried} times: 0 lost, 0 doubled, 0 invented");
        assert!(tried > 0, "never killed at {call}");
    }
}

#[test]
fn a_kill_while_all_is_sealed_and_merged_loses_and_doubles_nothing() {
    let (origin, mut device) = (Files::new(), Numbered::device("pump"));
    let server = Started::with(&origin.url, &["--seal-after-seconds", "600"]);
    let api = Api::at(&server.url);
    device.register(&api);
    for count in COUNTS {
        assert_eq!(device.post(&api, count), Answer::Stored);
    }
    server.kill();
    for (call, step) in SEALING_KILLED_AT {
        let mut tried = 0;
        for number in numbers(step) {
            let files = Files::of(&origin);
            let seal = device_stats(&["seal", "--all", "--database-url", &files.url]);
            let sealed = files.traced(&format!("{call}:signal=KILL:when={number}"), &seal).output().unwrap();
            let server = Started::with(&files.url, &["--seal-after-seconds", "600"]);
            device.assert_kept(&api.moved_to(&server.url));
            let (is_good, found) = files.verified();
            assert!(is_good, "{found}");
            if sealed.status.success() {
                assert!(found.starts_with("1 devices, 1 segments with "), "{found}");
                break;
            }
            files.assert_killed();
            tried += 1;
        }
        println!("killed at {call} while sealing and merging, {tried} times: 0 lost, 0 doubled, 0 invented");
        assert!(tried > 0, "never killed at {call}");
    }
}

/// What a disk that fails one call does to the service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    /// It did not come up.
    NotStarted,
    /// Nobody could tell what became of a commit, so nothing more is written.
    Stopped,
    /// Requests were refused, and taken when they came again.
    Refused,
    /// Nothing: the call was one that is repeated without a word, as those of a checkpoint are.
    Nothing,
}

/// Runs on a disk that fails one call.
fn seen_on_broken_disk(files: &Files, call: &str, number: usize, device: &mut Numbered) -> Seen {
    let Ok(server) = files.start(&format!("{call}:error=EIO:when={number}")) else { return Seen::NotStarted };
    let api = Api::at(&server.url);
    let mut seen = Seen::Nothing;
    while !device.may_register(&api) {
        if api.status("GET", "/health/ready") == Some(503) {
            return Seen::Stopped;
        }
        seen = Seen::Refused;
    }
    let mut counts = COUNTS.into_iter();
    let mut answer = Answer::Stored;
    loop {
        answer = match answer {
            Answer::Stored => match counts.next() {
                Some(count) => device.post(&api, count),
                None => return seen,
            },
            Answer::OutcomeUnknown => {
                assert_stopped(&api, device);
                return Seen::Stopped;
            }
            // Sealing may have met the fault.
            Answer::Refused(_) if api.status("GET", "/health/ready") == Some(503) => {
                assert_stopped(&api, device);
                return Seen::Stopped;
            }
            Answer::Refused(status) => {
                assert_eq!(status, 503);
                seen = Seen::Refused;
                device.post_again(&api, || true)
            }
            Answer::Lost => panic!("the process is gone: {}", server.log()),
        };
    }
}

/// Nothing is written any more, and everything is read.
fn assert_stopped(api: &Api, device: &mut Numbered) {
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Refused(503));
    }
    assert_eq!(api.status("DELETE", &format!("/api/v1/devices/{}", device.name)), Some(503));
    assert_eq!(api.status("GET", "/health/ready"), Some(503));
    assert_eq!(api.status("GET", "/health/live"), Some(200));
    device.assert_kept(api);
}

#[test]
fn a_broken_disk_at_a_call_loses_and_doubles_nothing() {
    for (call, step) in BROKEN_AT {
        let mut runs = Vec::new();
        for number in numbers(step) {
            let (files, mut device) = (Files::new(), Numbered::device("pump"));
            let seen = seen_on_broken_disk(&files, call, number, &mut device);
            assert!(files.was_hit() || seen == Seen::Nothing, "{seen:?} on a healthy disk");
            files.assert_kept(&mut device);
            if !files.was_hit() {
                break;
            }
            runs.push(seen);
        }
        let count = |what| runs.iter().filter(|seen| **seen == what).count();
        println!(
            "{call} failed by the disk, {} times: {} not started, {} stopped, {} refused, {} unnoticed: 0 lost, 0 doubled, \
             0 invented",
            runs.len(),
            count(Seen::NotStarted),
            count(Seen::Stopped),
            count(Seen::Refused),
            count(Seen::Nothing)
        );
        assert!(call != "fdatasync" || count(Seen::Stopped) > 0, "no sync was failed: {runs:?}");
    }
}
