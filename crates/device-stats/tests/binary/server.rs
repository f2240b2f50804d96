//! A running `device-stats serve`, and runs of its other commands.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

/// How long an answer may take, in seconds.
const ANSWER_SECONDS_MAX: &str = "60";

/// A server that is ended with its test.
pub(crate) struct Started {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

/// A command of the binary, without settings from the environment of the test.
pub(crate) fn device_stats(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_device-stats"));
    for name in ["DATABASE_URL", "POSTGRES_SERVER", "DEVICE_STATS_LISTEN", "DEVICE_STATS_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// `device-stats serve` on that database and a free port, yet to be started.
pub(crate) fn serve(database_url: &str, flags: &[&str]) -> Command {
    serve_at("127.0.0.1:0", database_url, flags)
}

fn serve_at(listen: &str, database_url: &str, flags: &[&str]) -> Command {
    let mut command = device_stats(&["serve", "--listen", listen, "--database-url", database_url]);
    // A flag wins over it.
    command.env("RUST_LOG", "info");
    command.args(flags).args(["--log-format", "json"]);
    command
}

/// The same command, run by another one which is told it as its last arguments.
pub(crate) fn run_by(outer: &[&str], inner: &Command) -> Command {
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

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    device_stats(arguments).output().unwrap()
}

/// What a command that has to succeed printed.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Started {
    /// A server on that database and a free port, once it says where it listens.
    pub(crate) fn on(database_url: &str) -> Self {
        Self::with(database_url, &[])
    }

    /// The same with further flags.
    pub(crate) fn with(database_url: &str, flags: &[&str]) -> Self {
        Self::by(serve(database_url, flags)).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"))
    }

    /// A server where another one was.
    pub(crate) fn again(url: &str, database_url: &str) -> Self {
        let listen = url.strip_prefix("http://").unwrap();
        Self::by(serve_at(listen, database_url, &[]))
            .unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"))
    }

    /// The server that a command starts, once it says where it listens; or how it ended before, and what it said.
    pub(crate) fn by(mut command: Command) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stderr.take().unwrap());
        let mut lines = String::new();
        let url = loop {
            let start = lines.len();
            if output.read_line(&mut lines).unwrap() == 0 {
                return Err((child.wait().unwrap(), lines));
            }
            let line: serde_json::Value = serde_json::from_str(&lines[start..]).unwrap_or_default();
            if let Some(address) = line["fields"]["address"].as_str() {
                break format!("http://{address}");
            }
        };
        let log = Arc::new(Mutex::new(lines));
        let kept = Arc::clone(&log);
        // A full pipe would stop the server.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Ok(Self { child, url, log })
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The most memory it has taken so far, in bytes.
    pub(crate) fn memory_peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.unwrap().parse::<usize>().unwrap() * 1024
    }

    /// Whether the process is gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// A server on an embedded store in that folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::on(&format!("sqlite:{}", folder.join("test.db").display()))
    }

    /// Ends it without a chance to say good-bye.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }

    /// Posts JSON and returns status and body.
    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, serde_json::Value) {
        self.send("POST", path, Some(body))
    }

    /// Posts CSV and returns status and body.
    pub(crate) fn post_csv(&self, path: &str, rows: &str) -> (u16, serde_json::Value) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(rows.as_bytes()).unwrap();
        let file = format!("@{}", file.path().display());
        self.curl("POST", path, &["-H", "content-type: text/csv", "--data-binary", &file])
    }

    /// Gets a path.
    pub(crate) fn get(&self, path: &str) -> (u16, serde_json::Value) {
        self.send("GET", path, None)
    }

    fn send(&self, method: &str, path: &str, body: Option<&str>) -> (u16, serde_json::Value) {
        let body: Vec<&str> = body.iter().flat_map(|body| ["-d", body]).collect();
        self.curl(method, path, &[&["-H", "content-type: application/json"], &body[..]].concat())
    }

    fn curl(&self, method: &str, path: &str, arguments: &[&str]) -> (u16, serde_json::Value) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", ANSWER_SECONDS_MAX, "-X", method, "-w", "\n%{http_code}"])
            .args(arguments);
        let output =
            String::from_utf8(curl.arg(format!("{}{path}", self.url)).output().unwrap().stdout).unwrap();
        let (body, status) = output.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
