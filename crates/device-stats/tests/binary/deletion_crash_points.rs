//! Crash points of a deletion of readings: `strace` kills the server at its n-th system call, or lets this
//! call fail as on a broken disk, while the server deletes the readings of a window. The window cuts two
//! segments, and contains another one and hot readings. After each run, the deletion is there as a whole or
//! not at all. An acknowledged deletion stays, and no other reading is lost.
//!
//! `CRASH_POINTS=all` runs all crash points, as `make torture` does; otherwise the tests run a sample.

use std::ops::Range;

use crate::numbered_readings::{Api, Fate, NumberedDevice};
use crate::server::Server;
use crate::traced_runs::{Run, assert_stopped, call_numbers};

/// The deleted readings. The first segment has the readings from 2 to 4,501, the last one those from 9,743 to
/// 14,242.
const WINDOW: Range<u64> = 3_000..12_000;
/// Time until readings are sealed, in seconds. The server does nothing but delete.
const SEAL_AFTER: &str = "600";
/// The file that a commit writes and syncs. The start writes more calls than the deletion to other files.
const LOG: &str = "test.db-wal";
/// The calls after the start at which the server is killed, and the step between two sampled numbers of a
/// call.
const KILLED_AT: [(&str, usize); 2] = [("pwrite64", 4), ("fdatasync", 1)];
/// The calls that fail on a broken disk, with their steps.
const BROKEN_AT: [(&str, usize); 2] = [("pwrite64", 5), ("fdatasync", 1)];

/// Deletes readings on a server that is killed at a call. Returns the fate of the readings, and whether the
/// call was reached.
fn delete_until_killed(run: &Run, call: &str, number: usize, device: &mut NumberedDevice) -> (Fate, bool) {
    let server = Server::start_with(&run.url, &["--seal-after-seconds", SEAL_AFTER]);
    let _tracer = run.attach(&format!("{call}:signal=KILL:when={number}"), &server);
    let fate = device.delete(&Api::at(&server.url), &WINDOW);
    assert!(matches!(fate, Fate::Deleted | Fate::Unknown), "{fate:?} although no call failed");
    // The kill may also happen during the stop.
    let is_killed = !server.terminate();
    if is_killed {
        run.assert_killed();
    }
    assert!(is_killed || fate == Fate::Deleted);
    (fate, is_killed)
}

#[test]
fn a_kill_at_any_call_leaves_a_whole_deletion_or_none() {
    let (original, device) = Run::with_readings();
    for (call, step) in KILLED_AT {
        let mut fates = Vec::new();
        for number in call_numbers(step) {
            let (run, mut device) = (Run::copy_of(&original).failing_only(LOG), device.clone());
            let (fate, is_killed) = delete_until_killed(&run, call, number, &mut device);
            run.assert_kept(&mut device);
            if !is_killed {
                break;
            }
            fates.push(fate);
        }
        let count = |fate| fates.iter().filter(|other| **other == fate).count();
        println!(
            "killed at {call} {} times: {} during, {} after a deletion: 0 lost, 0 doubled, 0 invented",
            fates.len(),
            count(Fate::Unknown),
            count(Fate::Deleted)
        );
        assert!(count(Fate::Unknown) > 0, "no deletion was interrupted at {call}: {fates:?}");
    }
}

/// Deletes readings on a disk that fails one call. Returns the fate of the readings after the first attempt.
/// If that was refused and the server still writes, a second one must succeed.
fn delete_on_broken_disk(run: &Run, call: &str, number: usize, device: &mut NumberedDevice) -> Fate {
    let Ok(server) = run.start(&format!("{call}:error=EIO:when={number}"), SEAL_AFTER) else {
        return Fate::Acknowledged;
    };
    let api = Api::at(&server.url);
    let fate = device.delete(&api, &WINDOW);
    if fate == Fate::Deleted {
        device.assert_kept(&api);
    } else if api.status("GET", "/health/ready") == Some(503) {
        assert_stopped(&api, device);
    } else {
        assert_eq!(fate, Fate::Acknowledged, "a server with an unknown outcome writes nothing more");
        device.assert_kept(&api);
        assert_eq!(device.delete(&api, &WINDOW), Fate::Deleted);
    }
    fate
}

#[test]
fn a_failure_of_any_call_leaves_a_whole_deletion_or_none() {
    let (original, device) = Run::with_readings();
    for (call, step) in BROKEN_AT {
        let mut fates = Vec::new();
        for number in call_numbers(step) {
            let (run, mut device) = (Run::copy_of(&original).failing_only(LOG), device.clone());
            let fate = delete_on_broken_disk(&run, call, number, &mut device);
            run.assert_kept(&mut device);
            if !run.was_injected() {
                assert_eq!(fate, Fate::Deleted, "no call failed");
                break;
            }
            fates.push(fate);
        }
        let count = |fate| fates.iter().filter(|other| **other == fate).count();
        println!(
            "{call} failed {} times: {} refused, {} unknown, {} deleted: 0 lost, 0 doubled, 0 invented",
            fates.len(),
            count(Fate::Acknowledged),
            count(Fate::Unknown),
            count(Fate::Deleted)
        );
        assert!(count(Fate::Unknown) + count(Fate::Acknowledged) > 0, "no deletion failed: {fates:?}");
    }
}
