//! A running `device-stats serve`, and runs of the other commands.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Timeout of a response, in seconds.
const RESPONSE_SECONDS_MAX: &str = "60";

/// Variables of settings that a machine may have.
const SETTINGS: [&str; 7] = [
    "DATABASE_URL",
    "POSTGRES_SERVER",
    "DEVICE_STATS_CONFIG",
    "DEVICE_STATS_LISTEN",
    "DEVICE_STATS_OUTPUT",
    "DEVICE_STATS_URL",
    "RUST_LOG",
];

/// A running server, killed on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

/// Returns a command of the binary, without settings from the environment of the test.
pub(crate) fn device_stats(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_device-stats"));
    for name in SETTINGS {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Returns the command `device-stats serve` for a database and a free port.
pub(crate) fn serve(database_url: &str, flags: &[&str]) -> Command {
    serve_at("127.0.0.1:0", database_url, flags)
}

pub(crate) fn serve_at(listen: &str, database_url: &str, flags: &[&str]) -> Command {
    let mut command = device_stats(&["serve", "--listen", listen, "--database-url", database_url]);
    // A flag takes precedence over these variables. A machine that runs many tests may be overloaded.
    command.env("RUST_LOG", "info").env("DEVICE_STATS_OVERLOAD_WAIT_MS", "0");
    command.args(flags).args(["--log-format", "json"]);
    command
}

/// Returns a command that runs another command: `outer`, followed by the program and arguments of `inner`.
pub(crate) fn wrap(outer: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer[0]);
    command.args(&outer[1..]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs a command of the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    device_stats(arguments).output().unwrap()
}

/// Runs a command of the binary that must succeed, and returns its stdout.
pub(crate) fn stdout_of(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    /// Starts a server on a free port and waits until it listens.
    pub(crate) fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[])
    }

    /// Starts a server with further flags.
    pub(crate) fn start_with(database_url: &str, flags: &[&str]) -> Self {
        Self::must_spawn(serve(database_url, flags))
    }

    /// Starts a server at the URL of an earlier one.
    pub(crate) fn restart(url: &str, database_url: &str) -> Self {
        let listen = url.strip_prefix("http://").unwrap();
        Self::must_spawn(serve_at(listen, database_url, &[]))
    }

    /// Starts a server with a SQLite database in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::start(&format!("sqlite:{}", folder.join("test.db").display()))
    }

    fn must_spawn(command: Command) -> Self {
        Self::spawn(command).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"))
    }

    /// Runs a command that starts a server, and waits until the server listens. If the process ends earlier,
    /// returns its exit status and its log.
    pub(crate) fn spawn(command: Command) -> Result<Self, (ExitStatus, String)> {
        Self::spawn_until_logged(command, "address")
    }

    /// Starts a server, and waits until it opens its database. It listens already.
    pub(crate) fn start_opening(database_url: &str) -> Self {
        Self::start_opening_with(database_url, &[])
    }

    /// Starts a server with further flags, and waits until it opens its database.
    pub(crate) fn start_opening_with(database_url: &str, flags: &[&str]) -> Self {
        Self::spawn_until_logged(serve(database_url, flags), "at").unwrap()
    }

    /// Runs a command that starts a server, and waits for the log line with its address in this field.
    fn spawn_until_logged(mut command: Command, field: &str) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut lines = String::new();
        let url = loop {
            let start = lines.len();
            if stderr.read_line(&mut lines).unwrap() == 0 {
                return Err((child.wait().unwrap(), lines));
            }
            let line: Value = serde_json::from_str(&lines[start..]).unwrap_or_default();
            if let Some(address) = line["fields"][field].as_str() {
                break format!("http://{address}");
            }
        };
        let log = Arc::new(Mutex::new(lines));
        let shared_log = Arc::clone(&log);
        // A full pipe would block the server.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = shared_log.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Ok(Self { child, url, log })
    }

    /// Returns the log, which can be read after the end of the server.
    pub(crate) fn log_handle(&self) -> Arc<Mutex<String>> {
        Arc::clone(&self.log)
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Returns the peak of the resident memory, in bytes.
    pub(crate) fn memory_peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.unwrap().parse::<usize>().unwrap() * 1024
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether another process traces all threads.
    pub(crate) fn is_traced(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks.flatten().all(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
            tracer.is_none_or(|id| id.trim() != "0")
        })
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the process with SIGTERM, and returns whether it succeeded.
    pub(crate) fn terminate(self) -> bool {
        self.signal("TERM");
        self.wait() == Some(0)
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process, and returns its exit code; `None` if a signal has ended it.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Posts JSON and returns status and body.
    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.send("POST", path, Some(body))
    }

    /// Posts CSV and returns status and body.
    pub(crate) fn post_csv(&self, path: &str, rows: &str) -> (u16, Value) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(rows.as_bytes()).unwrap();
        let file = format!("@{}", file.path().display());
        self.curl("POST", path, &["-H", "content-type: text/csv", "--data-binary", &file])
    }

    /// Gets a path and returns status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None)
    }

    fn send(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let body: Vec<&str> = body.iter().flat_map(|body| ["-d", body]).collect();
        self.curl(method, path, &[&["-H", "content-type: application/json"], &body[..]].concat())
    }

    fn curl(&self, method: &str, path: &str, arguments: &[&str]) -> (u16, Value) {
        let (status, body) = self.curl_text(method, path, arguments);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// Returns the status and the text of a response.
    pub(crate) fn get_text(&self, path: &str) -> (u16, String) {
        self.curl_text("GET", path, &[])
    }

    fn curl_text(&self, method: &str, path: &str, arguments: &[&str]) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", RESPONSE_SECONDS_MAX, "-X", method, "-w", "\n%{http_code}"])
            .args(arguments);
        let output =
            String::from_utf8(curl.arg(format!("{}{path}", self.url)).output().unwrap().stdout).unwrap();
        let (body, status) = output.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
