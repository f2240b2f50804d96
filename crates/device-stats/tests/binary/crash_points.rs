//! Crash points: `strace` kills the binary at its n-th system call, or lets this call fail as on a broken
//! disk. The number n grows from run to run, until a run ends without a fault. `strace` counts the calls of
//! each thread separately. (The tests of the SQLite store cover every single call.) During the runs, readings
//! are posted to a server that seals them, or the command `seal` seals and merges them.
//! `deletion_crash_points.rs` deletes readings.
//!
//! `CRASH_POINTS=all` runs all crash points, as `make torture` does; otherwise the test runs a sample.

use std::time::Instant;

use crate::numbered_readings::{Answer, Api, NumberedDevice};
use crate::server::{Server, device_stats};
use crate::traced_runs::{COUNTS, EVENT_TIMEOUT, Run, assert_stopped, call_numbers};

/// Pattern of the calls that remove a file. Some architectures only have `unlinkat`.
const UNLINK: &str = "/^unlink";
/// The calls at which the server is killed, and the step between two sampled numbers of a call.
const KILLED_AT: [(&str, usize); 4] = [("pwrite64", 29), ("fdatasync", 7), ("ftruncate", 2), (UNLINK, 1)];
/// The calls at which the command `seal` is killed, with their steps.
const SEALING_KILLED_AT: [(&str, usize); 2] = [("pwrite64", 11), ("fdatasync", 2)];
/// The calls that fail on a broken disk, with their steps.
const BROKEN_AT: [(&str, usize); 3] = [("pwrite64", 37), ("fdatasync", 4), ("ftruncate", 2)];

/// Runs a server that is killed at a call. Returns whether the call was reached.
fn is_killed(run: &Run, call: &str, number: usize, device: &mut NumberedDevice) -> bool {
    let is_over = match run.start(&format!("{call}:signal=KILL:when={number}"), "0") {
        Ok(server) => is_killed_before_the_end(server, run, device),
        Err(_) => true,
    };
    if is_over {
        run.assert_killed();
    }
    is_over
}

/// Posts readings, and waits until all are sealed. Returns whether the process was killed before it was
/// stopped.
fn is_killed_before_the_end(mut server: Server, run: &Run, device: &mut NumberedDevice) -> bool {
    let api = Api::at(&server.url);
    let is_stored = device.try_register(&api)
        && COUNTS.into_iter().all(|count| match device.post(&api, count) {
            Answer::Stored => true,
            Answer::Lost => false,
            other => panic!("{other:?} although no call failed"),
        });
    let waiting = Instant::now();
    while !is_stored || !run.verify().1.contains(" 0 hot readings") {
        if server.has_ended() {
            return true;
        }
        assert!(waiting.elapsed() < EVENT_TIMEOUT, "{}\n{}", run.verify().1, server.log());
    }
    // The kill may also happen during the stop.
    !server.terminate()
}

#[test]
fn a_kill_at_any_call_loses_and_doubles_nothing() {
    for (call, step) in KILLED_AT {
        let mut tried = 0;
        for number in call_numbers(step) {
            let (run, mut device) = (Run::new(), NumberedDevice::new("pump"));
            let is_hit = is_killed(&run, call, number, &mut device);
            run.assert_kept(&mut device);
            if !is_hit {
                break;
            }
            tried += 1;
        }
        println!("killed at {call} {tried} times: 0 lost, 0 doubled, 0 invented");
        assert!(tried > 0, "never killed at {call}");
    }
}

#[test]
fn a_kill_of_the_seal_command_loses_and_doubles_nothing() {
    let (original, device) = Run::with_readings();
    let client = Api::at("");
    for (call, step) in SEALING_KILLED_AT {
        let mut tried = 0;
        for number in call_numbers(step) {
            let run = Run::copy_of(&original);
            let seal = device_stats(&["seal", "--all", "--database-url", &run.url]);
            let sealed = run.trace(&format!("{call}:signal=KILL:when={number}"), &seal).output().unwrap();
            let server = Server::start_with(&run.url, &["--seal-after-seconds", "600"]);
            device.assert_kept(&client.with_url(&server.url));
            let (is_intact, output) = run.verify();
            assert!(is_intact, "{output}");
            if sealed.status.success() {
                assert!(output.starts_with("1 devices, 1 segments with "), "{output}");
                break;
            }
            run.assert_killed();
            tried += 1;
        }
        println!("`seal` killed at {call} {tried} times: 0 lost, 0 doubled, 0 invented");
        assert!(tried > 0, "never killed at {call}");
    }
}

/// The effect of a failed call on the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    /// The server did not start.
    NotStarted,
    /// The outcome of a commit is unknown, so the server writes nothing more.
    Stopped,
    /// Requests were refused, and accepted when they were sent again.
    Refused,
    /// No request failed: SQLite repeats some calls, and a stopping server has no request.
    Unnoticed,
}

/// Runs a server on a disk that fails one call.
fn effect_of_failure(run: &Run, call: &str, number: usize, device: &mut NumberedDevice) -> Effect {
    let Ok(server) = run.start(&format!("{call}:error=EIO:when={number}"), "0") else {
        return Effect::NotStarted;
    };
    let api = Api::at(&server.url);
    let mut effect = Effect::Unnoticed;
    while !device.try_register(&api) {
        if api.status("GET", "/health/ready") == Some(503) {
            return Effect::Stopped;
        }
        effect = Effect::Refused;
    }
    let mut counts = COUNTS.into_iter();
    let mut answer = Answer::Stored;
    loop {
        answer = match answer {
            Answer::Stored => match counts.next() {
                Some(count) => device.post(&api, count),
                None => return effect,
            },
            Answer::OutcomeUnknown => {
                assert_stopped(&api, device);
                return Effect::Stopped;
            }
            // The call may have failed during sealing.
            Answer::Refused(_) if api.status("GET", "/health/ready") == Some(503) => {
                assert_stopped(&api, device);
                return Effect::Stopped;
            }
            Answer::Refused(status) => {
                assert_eq!(status, 503);
                effect = Effect::Refused;
                device.post_again(&api, || true)
            }
            Answer::Lost => panic!("the server does not respond: {}", server.log()),
        };
    }
}

#[test]
fn a_failure_of_any_call_loses_and_doubles_nothing() {
    for (call, step) in BROKEN_AT {
        let mut effects = Vec::new();
        for number in call_numbers(step) {
            let (run, mut device) = (Run::new(), NumberedDevice::new("pump"));
            let effect = effect_of_failure(&run, call, number, &mut device);
            assert!(run.was_injected() || effect == Effect::Unnoticed, "{effect:?} although no call failed");
            run.assert_kept(&mut device);
            if !run.was_injected() {
                break;
            }
            effects.push(effect);
        }
        let count = |effect| effects.iter().filter(|other| **other == effect).count();
        println!(
            "{call} failed {} times: {} not started, {} stopped, {} refused, {} unnoticed: 0 lost, 0 doubled, \
             0 invented",
            effects.len(),
            count(Effect::NotStarted),
            count(Effect::Stopped),
            count(Effect::Refused),
            count(Effect::Unnoticed)
        );
        assert!(call != "fdatasync" || count(Effect::Stopped) > 0, "no sync failed: {effects:?}");
    }
}

/// SQLite's automatic checkpoint discards the error of a failed sync, and the service went on writing. But a
/// later sync that succeeds says nothing about the pages of the failed one.
#[test]
fn a_failed_checkpoint_stops_writing() {
    let (run, mut device) = (Run::new(), NumberedDevice::new("pump"));
    let server = Server::start(&run.url);
    device.register(&Api::at(&server.url));
    assert!(server.terminate());
    // This start moves all changes to the main file, so the next one runs no checkpoint.
    assert!(run.verify().0);
    // The database exists, so its first sync is the end of a checkpoint.
    let run = run.failing_only("test.db");
    let server = run.start("fdatasync:error=EIO:when=1", "600").unwrap();
    let api = Api::at(&server.url);
    // Each commit adds at least one page to the log, and a checkpoint comes after 1,000 pages.
    let refused = (0..1_500).find_map(|_| match device.post(&api, 1) {
        Answer::Stored => None,
        answer => Some(answer),
    });
    assert_eq!(refused, Some(Answer::Refused(503)), "a failed checkpoint is ignored");
    assert_stopped(&api, &mut device);
    server.kill();
    assert!(run.was_injected());
    run.assert_kept(&mut device);
}
