//! `device-stats export`: the content of the file, and that only a complete export leaves a file.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::databases::over_both_stores;
use crate::killed_servers::wait_until;
use crate::server::{Server, device_stats, run, stdout_of, wrap};

/// Number of readings, more than one span of an export.
const READINGS: u32 = 40_000;

/// Returns interleaved readings of two devices, with values that need every bit.
fn rows() -> String {
    let value = |seed: u32| (f64::from(seed) * 12.9898).sin() * 1e3;
    let mut text = "device_id,timestamp,x,y,z\n".to_owned();
    for row in 0..READINGS {
        let (x, y, z) = (value(row), -value(row + 1), value(row) / 3e200);
        let device = if row % 8 == 0 { "pump, \"old\"" } else { "fan" };
        let device = device.replace('"', "\"\"");
        writeln!(text, "\"{device}\",2026-11-23T10:00:{:02}.{row:06}Z,{x:e},{y:e},{z:e}", row / 1_000)
            .unwrap();
    }
    text
}

/// Returns the names of the files in a folder, except for the database.
fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("test.db"));
    names.sort();
    names
}

/// Imports a file for the user `ann`, and returns the summary.
fn import(file: &str, url: &str) -> String {
    stdout_of(&["import", file, "--user", "ann", "--email", "ann@example.com", "--url", url])
}

/// Runs an export that must fail with an exit code, and returns its error message.
fn failure_of(arguments: &[&str], url: &str, exit_code: i32) -> String {
    let output = run(&[&["export"], arguments, &["--url", url]].concat());
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn exported_readings_can_be_imported_again() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let servers = folders.each_ref().map(|folder| Server::in_folder(folder.path()));
    let [from, to] = servers.each_ref().map(|server| server.url.as_str());
    let path = |name: &str| folders[0].path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("rows.csv"), rows()).unwrap();
    import(&path("rows.csv"), from);

    let file = path("all.csv");
    let summary = stdout_of(&["export", "--user", "ann", "--output", &file, "--url", from]);
    assert!(summary.starts_with(&format!("{READINGS} readings in ")), "{summary}");
    import(&file, to);
    let again = path("again.csv");
    stdout_of(&["export", "--user", "ann", "--output", &again, "--url", to]);
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported == std::fs::read_to_string(&again).unwrap());
    assert_eq!(exported.lines().count(), 1 + READINGS as usize);

    // Each format, imported into a new server.
    for name in ["all.ndjson", "all.arrows", "all.parquet", "all.csv"] {
        let folder = tempfile::tempdir().unwrap();
        let other = Server::in_folder(folder.path());
        let file = folder.path().join(name).to_str().unwrap().to_owned();
        stdout_of(&["export", "--user", "ann", "--output", &file, "--url", from]);
        let summary = import(&file, &other.url);
        assert!(
            summary.starts_with(&format!("{READINGS} readings: {READINGS} accepted")),
            "{name}: {summary}"
        );
        let again = folder.path().join("again.csv").to_str().unwrap().to_owned();
        stdout_of(&["export", "--user", "ann", "--output", &again, "--url", &other.url]);
        assert!(exported == std::fs::read_to_string(&again).unwrap(), "{name}");
    }

    // One device and a period, to stdout and to a file whose extension has capital letters.
    let window = ["--from", "2026-11-23T10:00:03Z", "--end-time", "2026-11-23T10:00:04.004000Z"];
    let export_pump = [&["export", "--device", "pump, \"old\"", "--url", to], &window[..]].concat();
    let text = stdout_of(&export_pump);
    let is_expected =
        |line: &&str| line.starts_with("\"pump") && ("10:00:03".."10:00:04.004001").contains(&&line[27..]);
    let expected: Vec<&str> = exported.lines().filter(is_expected).collect();
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), 126);
    // An exclusive end, one microsecond after the inclusive one.
    let window = ["--start-time", "2026-11-23T10:00:03Z", "--until", "2026-11-23T10:00:04.004001Z"];
    assert_eq!(
        text,
        stdout_of(&[&["export", "--device", "pump, \"old\"", "--url", to], &window[..]].concat())
    );
    let lines = path("lines.NDJSON");
    let summary = stdout_of(&[&export_pump[..], &["--output", &lines]].concat());
    assert!(summary.starts_with("126 readings in "), "{summary}");
    let lines = std::fs::read_to_string(&lines).unwrap();
    assert!(
        lines.lines().count() == 126 && lines.starts_with("{\"device_id\":\"pump, \\\"old\\\"\","),
        "{lines}"
    );
    // Binary formats are recognized by their first and last bytes.
    let parquet = path("pump.parquet");
    let summary = stdout_of(&[&export_pump[..], &["--output", &parquet]].concat());
    let bytes = std::fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert!(summary.starts_with(&format!("{} bytes in ", bytes.len())), "{summary}");
    stdout_of(&[&export_pump[..], &["--output", &path("pump.arrows")]].concat());
    assert!(std::fs::read(path("pump.arrows")).unwrap().starts_with(&[0xff; 4]));
    let names = ["again.csv", "all.csv", "lines.NDJSON", "pump.arrows", "pump.parquet", "rows.csv"];
    assert_eq!(files(folders[0].path()), names);

    // A device file is not replaced.
    stdout_of(&["export", "--user", "ann", "--output", "/dev/null", "--format", "csv", "--url", to]);
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    // A reader that closes the pipe does not make the export fail.
    let mut child =
        device_stats(&["export", "--user", "ann", "--url", to]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_incomplete_export_leaves_no_file() {
    over_both_stores(|database| {
        let server = Server::start(&database.url);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (rows_file, file) = (path("rows.csv"), path("out.csv"));
        let rows_of_devices = rows();
        // The first import registers the first device, which is then exported first.
        let first: Vec<&str> = rows_of_devices.lines().take(2).collect();
        for text in [first.join("\n"), rows_of_devices.clone()] {
            std::fs::write(&rows_file, text).unwrap();
            import(&rows_file, &server.url);
        }
        stdout_of(&["seal", "--all", "--database-url", &database.url]);
        std::fs::write(&file, "an earlier export").unwrap();
        drop(server);

        // The device that is exported first is intact.
        database.flip_bit("fan");
        let server = Server::start(&database.url);
        let message = failure_of(&["--user", "ann", "--output", &file], &server.url, 4);
        assert!(
            message.contains("stopped after 5000 readings") && message.contains("broke off"),
            "{message}"
        );
        let to_stdout = run(&["export", "--user", "ann", "--url", &server.url]);
        assert_eq!(to_stdout.status.code(), Some(4));
        assert_eq!(String::from_utf8(to_stdout.stdout).unwrap().lines().count(), 5_001);
        let message = failure_of(&["--device", "fan", "--output", &file], &server.url, 4);
        assert!(message.contains("is corrupt"), "{message}");
        let message = failure_of(&["--device", "none", "--output", &file], &server.url, 3);
        assert!(message.contains("Device not found"), "{message}");
        let message = failure_of(&["--user", "bob", "--output", &file], &server.url, 3);
        assert!(message.contains("there is no user \"bob\""), "{message}");
        let message = failure_of(&["--user", "ann", "--output", &path("out.xls")], &server.url, 2);
        assert!(message.contains("give --format"), "{message}");
        let message = failure_of(&["--user", "ann", "--output", &path("none/out.csv")], &server.url, 1);
        assert!(message.contains("cannot write"), "{message}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "an earlier export");
        assert_eq!(files(folder.path()), ["out.csv", "rows.csv"]);
    });
}

/// Starts a server that sends the beginning of one export and never its end. Returns its URL.
fn endless_export() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut client = BufReader::new(listener.accept().unwrap().0);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            client.read_line(&mut line).unwrap();
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ndevice_id,timestamp,x,y,z\n";
        client.get_mut().write_all(head.as_bytes()).unwrap();
        // Until the client closes the connection, which may reset it.
        let _ = client.read_to_end(&mut Vec::new());
    });
    url
}

/// Ctrl-C left a temporary file behind.
#[test]
fn a_stopped_export_leaves_no_file() {
    for (signal, exit_code) in [("INT", 130), ("TERM", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.csv");
        std::fs::write(&file, "an earlier export").unwrap();
        let (output, url) = (file.to_str().unwrap(), endless_export());
        let arguments = ["export", "--device", "pump", "--output", output, "--url", &url];
        let export = device_stats(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let is_written = |name: &String| {
            name.ends_with(".partial") && std::fs::metadata(folder.path().join(name)).unwrap().len() > 0
        };
        wait_until(|| files(folder.path()).iter().any(is_written));
        let kill = Command::new("kill").args([format!("-{signal}"), export.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let output = export.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(exit_code));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(&format!("stopped after 0 readings: SIG{signal}")), "{message}");
        assert_eq!(files(folder.path()), ["out.csv"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "an earlier export");
    }
}

/// Runs a command on a terminal, and returns the output on the terminal.
pub(crate) fn run_on_terminal(arguments: &[&str]) -> String {
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    let command = format!("stty cols 200; {} {}", env!("CARGO_BIN_EXE_device-stats"), quoted.join(" "));
    let output = Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let screen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{screen}");
    screen
}

#[test]
fn a_terminal_shows_progress_rate_and_remaining_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("rows.csv"), rows()).unwrap();
    import(&path("rows.csv"), &server.url);
    let screen = |scope: &[&str], file: &str| {
        run_on_terminal(&[&["export", "--output", &path(file), "--url", &server.url], scope].concat())
    };
    for scope in [["--user", "ann"], ["--device", "fan"]] {
        let screen = screen(&scope, "out.csv");
        for part in ["%, ", " readings, ", "/s, ", " left"] {
            assert!(screen.contains(part), "{scope:?}: {part}: {screen:?}");
        }
    }
    // Without readings the export ends at once. The total number of bytes is unknown.
    let none = screen(&["--user", "ann", "--from", "2027-01-01"], "none.csv");
    assert!(none.contains("0 readings in "), "{none:?}");
    let bytes = screen(&["--user", "ann"], "out.parquet");
    assert!(bytes.contains("iB/s, ") && !bytes.contains(" left"), "{bytes:?}");
}

/// Without the sync, a crash of the system could undo the renaming.
#[test]
fn the_folder_is_synced_after_the_file_is_renamed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let register = r#"{"device_id": "pump"}"#;
    assert_eq!(server.post("/api/v1/devices", register).0, 201);
    let out = tempfile::tempdir().unwrap();
    let path = out.path().canonicalize().unwrap();
    let log = folder.path().join("strace.log");
    for output in [path.join("new.csv").to_str().unwrap(), "new.csv"] {
        let export = device_stats(&["export", "--device", "pump", "--output", output, "--url", &server.url]);
        let trace = ["strace", "-f", "-y", "-o", log.to_str().unwrap(), "-e", "trace=/^(rename|fsync)"];
        let traced = wrap(&trace, &export).current_dir(&path).output();
        let traced = traced
            .unwrap_or_else(|error| panic!("strace: {error}; this test needs it: apt-get install strace"));
        assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
        let calls = std::fs::read_to_string(&log).unwrap();
        let calls: Vec<&str> = calls.lines().filter(|line| line.contains('(')).collect();
        let [file, rename, folder] = &calls[..] else { panic!("{calls:?}") };
        assert!(
            file.contains("new.csv.") && file.contains(".partial") && rename.contains("rename"),
            "{calls:?}"
        );
        assert!(folder.contains("fsync(") && folder.contains(&format!("<{}>", path.display())), "{calls:?}");
    }
}
