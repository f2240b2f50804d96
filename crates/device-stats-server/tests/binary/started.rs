//! A running `device-stats serve`, and runs of its other commands.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A server that is ended with its test.
pub(crate) struct Started {
    child: Child,
    pub(crate) url: String,
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
        Self::start("127.0.0.1:0", database_url, flags)
    }

    /// A server where another one was.
    pub(crate) fn again(url: &str, database_url: &str) -> Self {
        Self::start(url.strip_prefix("http://").unwrap(), database_url, &[])
    }

    fn start(listen: &str, database_url: &str, flags: &[&str]) -> Self {
        let mut child = device_stats(&["serve", "--listen", listen, "--database-url", database_url])
            .args(flags)
            .args(["--log-format", "json", "--log", "info"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = String::new();
        let url = loop {
            let start = lines.len();
            assert_ne!(log.read_line(&mut lines).unwrap(), 0, "the server ended:\n{lines}");
            let line: serde_json::Value = serde_json::from_str(&lines[start..]).unwrap_or_default();
            if let Some(address) = line["fields"]["address"].as_str() {
                break format!("http://{address}");
            }
        };
        // Nobody reads on, but a full pipe would stop the server.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, url }
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
        curl.args(["-s", "-X", method, "-w", "\n%{http_code}"]).args(arguments);
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
