//! One run of the binary under `strace`, which kills the process at its n-th system call, or lets this call
//! fail as on a broken disk. `strace` counts the calls of each thread separately.

#![expect(clippy::disallowed_methods, reason = "polls a file")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::numbered_readings::{Answer, Api, Fate, NumberedDevice};
use crate::server::{Server, run, serve, wrap};
use crate::torture::is_torture;

/// Numbers of readings of the successive requests. Large requests become segments at once. The readings of
/// the others are sealed later.
pub(crate) const COUNTS: [u64; 9] = [1, 4_500, 40, 700, 4_500, 1, 4_500, 700, 3];
/// Time limit for events that must happen eventually.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_mins(1);

/// The database and the trace of one run.
pub(crate) struct Run {
    folder: TempDir,
    pub(crate) url: String,
    /// The file whose calls fail; `None` if the calls of all files do.
    file: Option<&'static str>,
}

/// A tracer of a server that had started before.
pub(crate) struct Tracer(Child);

impl Drop for Tracer {
    /// Waits for the tracer, which ends after the server.
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The server is still running.
            let _killed = self.0.kill();
        }
        let _ended = self.0.wait();
    }
}

impl Run {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { folder, url, file: None }
    }

    /// Returns a database with readings, hot and sealed. The server that stored them was killed.
    pub(crate) fn with_readings() -> (Self, NumberedDevice) {
        let (run, mut device) = (Self::new(), NumberedDevice::new("pump"));
        let server = Server::start_with(&run.url, &["--seal-after-seconds", "600"]);
        let api = Api::at(&server.url);
        device.register(&api);
        for count in COUNTS {
            assert_eq!(device.post(&api, count), Answer::Stored);
        }
        server.kill();
        (run, device)
    }

    /// Copies the database that a process has left.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let copy = Self::new();
        for name in ["test.db", "test.db-wal"] {
            std::fs::copy(other.folder.path().join(name), copy.folder.path().join(name)).unwrap();
        }
        copy
    }

    /// Restricts the faults to the calls that use a file of the database. Other calls are not counted.
    pub(crate) fn failing_only(self, file: &'static str) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Returns a command under `strace`, which injects a fault into one call.
    pub(crate) fn trace(&self, fault: &str, command: &Command) -> Command {
        let inject = format!("inject={fault}");
        let call = fault.split(':').next().unwrap();
        let trace = format!("trace={call}");
        // `-D`: the tracer is the grandchild, so that the child is the service.
        let log = self.log();
        let mut strace = vec!["strace", "-D", "-f", "-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject];
        let file = self.file.map(|file| self.folder.path().join(file));
        if let Some(file) = &file {
            strace.extend(["-P", file.to_str().unwrap()]);
        }
        wrap(&strace, command)
    }

    /// Starts a server with a fault in one call. It seals readings after a time in seconds. Returns status
    /// and log if it ended before it listened.
    pub(crate) fn start(&self, fault: &str, seal_after: &str) -> Result<Server, String> {
        let serve = serve(&self.url, &["--seal-after-seconds", seal_after]);
        Server::spawn(self.trace(fault, &serve)).map_err(|(status, log)| {
            assert!(
                !log.contains("PTRACE"),
                "`strace` may not trace here (for Docker: --cap-add SYS_PTRACE)"
            );
            assert!(!log.contains("invalid system call"), "`strace` does not know {fault}: {log}");
            format!("{status}: {log}")
        })
    }

    /// Injects a fault into one call of a server that has started: the calls of its start are not counted.
    /// Returns when the fault is in place. The tracer ends with the server.
    pub(crate) fn attach(&self, fault: &str, server: &Server) -> Tracer {
        let call = fault.split(':').next().unwrap();
        let (log, id) = (self.log(), server.id().to_string());
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&log).args(["-p", &id]);
        strace.args(["-e", &format!("trace={call}"), "-e", &format!("inject={fault}")]);
        if let Some(file) = self.file {
            strace.arg("-P").arg(self.folder.path().join(file));
        }
        let tracer = Tracer(strace.stderr(Stdio::null()).spawn().unwrap());
        let waiting = Instant::now();
        while !server.is_traced() {
            assert!(waiting.elapsed() < EVENT_TIMEOUT, "`strace` does not attach to the server");
            std::thread::sleep(Duration::from_millis(5));
        }
        tracer
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("strace.log")
    }

    /// Returns whether the fault was injected. Call it only after the process has ended, because the tracer
    /// writes its log with a delay.
    pub(crate) fn was_injected(&self) -> bool {
        self.has_logged("(INJECTED)")
    }

    /// Asserts that the tracer has killed the process. The tracer logs the kill after the process has ended.
    pub(crate) fn assert_killed(&self) {
        let waiting = Instant::now();
        while !self.has_logged("+++ killed by SIGKILL") {
            assert!(waiting.elapsed() < EVENT_TIMEOUT, "the process ended without a kill");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn has_logged(&self, text: &str) -> bool {
        std::fs::read_to_string(self.log()).unwrap().contains(text)
    }

    /// Returns whether `verify` found no fault, and its output.
    pub(crate) fn verify(&self) -> (bool, String) {
        let verify = run(&["verify", "--database-url", &self.url]);
        (verify.status.success(), String::from_utf8(verify.stdout).unwrap())
    }

    /// Starts the server without faults. Asserts that each acknowledged reading is stored once, and that new
    /// readings are accepted.
    pub(crate) fn assert_kept(&self, device: &mut NumberedDevice) {
        let server = Server::start_with(&self.url, &["--seal-after-seconds", "0"]);
        let api = Api::at(&server.url);
        if api.status("GET", &format!("/api/v1/devices/{}", device.name)) == Some(200) {
            device.assert_kept(&api);
        } else {
            assert_eq!(device.count_requests(Fate::Acknowledged), 0, "the device is lost");
            device.register(&api);
        }
        assert_eq!(device.post_again(&api, || true), Answer::Stored);
        assert_eq!(device.post(&api, 4_500), Answer::Stored);
        device.assert_kept(&api);
        let (is_intact, output) = self.verify();
        assert!(is_intact, "{output}");
    }
}

/// Returns the numbers of the calls to fail: all, or every `step`-th.
pub(crate) fn call_numbers(step: usize) -> impl Iterator<Item = usize> {
    (1..).step_by(if is_torture() { 1 } else { step })
}

/// Asserts that the server refuses all writes, and that readings can be read.
pub(crate) fn assert_stopped(api: &Api, device: &mut NumberedDevice) {
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Refused(503));
    }
    let readings = format!("/api/v1/stats/devices/{}?all=true", device.name);
    assert_eq!(api.status("DELETE", &readings), Some(503));
    assert_eq!(api.status("DELETE", &format!("/api/v1/devices/{}", device.name)), Some(503));
    assert_eq!(api.status("GET", "/health/ready"), Some(503));
    assert_eq!(api.status("GET", "/health/live"), Some(200));
    device.assert_kept(api);
}
