//! `device-stats export`: what arrives in the file, and that there is no file where not all of it arrived.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::databases::over_both_stores;
use crate::server::{Started, device_stats, printed, run, run_by};

/// Readings of two devices, interleaved, with numbers that need their last bit; more than an export sends at once.
const READINGS: u32 = 40_000;

fn rows() -> String {
    let number = |seed: u32| (f64::from(seed) * 12.9898).sin() * 1e3;
    let mut text = "device_id,timestamp,x,y,z\n".to_owned();
    for row in 0..READINGS {
        let (x, y, z) = (number(row), -number(row + 1), number(row) / 3e200);
        let device = if row % 8 == 0 { "pump, \"old\"" } else { "fan" };
        let device = device.replace('"', "\"\"");
        writeln!(text, "\"{device}\",2026-11-23T10:00:{:02}.{row:06}Z,{x:e},{y:e},{z:e}", row / 1_000)
            .unwrap();
    }
    text
}

/// The names of the files in a folder, but for databases.
fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("test.db"));
    names.sort();
    names
}

fn refused(arguments: &[&str], url: &str) -> String {
    let output = run(&[&["export"], arguments, &["--url", url]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let servers = folders.each_ref().map(|folder| Started::in_folder(folder.path()));
    let [from, to] = servers.each_ref().map(|server| server.url.as_str());
    let path = |name: &str| folders[0].path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("rows.csv"), rows()).unwrap();
    printed(&["import", &path("rows.csv"), "--user", "ann", "--email", "ann@example.com", "--url", from]);

    let file = path("all.csv");
    let said = printed(&["export", "--user", "ann", "--output", &file, "--url", from]);
    assert!(said.starts_with(&format!("{READINGS} readings in ")), "{said}");
    printed(&["import", &file, "--user", "ann", "--email", "ann@example.com", "--url", to]);
    let again = path("again.csv");
    printed(&["export", "--user", "ann", "--output", &again, "--url", to]);
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported == std::fs::read_to_string(&again).unwrap());
    assert_eq!(exported.lines().count(), 1 + READINGS as usize);

    // In every other form, too; each import is into another server.
    for name in ["all.ndjson", "all.arrows", "all.parquet", "all.csv"] {
        let folder = tempfile::tempdir().unwrap();
        let other = Started::in_folder(folder.path());
        let file = folder.path().join(name).to_str().unwrap().to_owned();
        printed(&["export", "--user", "ann", "--output", &file, "--url", from]);
        let said =
            printed(&["import", &file, "--user", "ann", "--email", "ann@example.com", "--url", &other.url]);
        assert!(said.starts_with(&format!("{READINGS} readings: {READINGS} accepted")), "{name}: {said}");
        let again = folder.path().join("again.csv").to_str().unwrap().to_owned();
        printed(&["export", "--user", "ann", "--output", &again, "--url", &other.url]);
        assert!(exported == std::fs::read_to_string(&again).unwrap(), "{name}");
    }

    // One device, to stdout and, by the name of the file, in another form.
    let window = ["--from", "2026-11-23T10:00:03Z", "--until", "2026-11-23T10:00:04.004000Z"];
    let of_pump = [&["export", "--device", "pump, \"old\"", "--url", to], &window[..]].concat();
    let text = printed(&of_pump);
    let sought =
        |line: &&str| line.starts_with("\"pump") && ("10:00:03".."10:00:04.004001").contains(&&line[27..]);
    let expected: Vec<&str> = exported.lines().filter(sought).collect();
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), 126);
    let lines = path("lines.NDJSON");
    let said = printed(&[&of_pump[..], &["--output", &lines]].concat());
    assert!(said.starts_with("126 readings in "), "{said}");
    let lines = std::fs::read_to_string(&lines).unwrap();
    assert!(
        lines.lines().count() == 126 && lines.starts_with("{\"device_id\":\"pump, \\\"old\\\"\","),
        "{lines}"
    );
    // What is no text is told by its first and last bytes.
    let parquet = path("pump.parquet");
    let said = printed(&[&of_pump[..], &["--output", &parquet]].concat());
    let bytes = std::fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert!(said.starts_with(&format!("{} bytes in ", bytes.len())), "{said}");
    printed(&[&of_pump[..], &["--output", &path("pump.arrows")]].concat());
    assert!(std::fs::read(path("pump.arrows")).unwrap().starts_with(&[0xff; 4]));
    let names = ["again.csv", "all.csv", "lines.NDJSON", "pump.arrows", "pump.parquet", "rows.csv"];
    assert_eq!(files(folders[0].path()), names);

    // What is no file of its own stays what it is.
    printed(&["export", "--user", "ann", "--output", "/dev/null", "--format", "csv", "--url", to]);
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    // Who reads no further has seen enough.
    let mut child =
        device_stats(&["export", "--user", "ann", "--url", to]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_does_not_arrive_whole_leaves_no_file() {
    over_both_stores(|database| {
        let server = Started::on(&database.url);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (rows_file, file) = (path("rows.csv"), path("out.csv"));
        std::fs::write(&rows_file, rows()).unwrap();
        printed(&["import", &rows_file, "--user", "ann", "--email", "ann@example.com", "--url", &server.url]);
        printed(&["seal", "--all", "--database-url", &database.url]);
        std::fs::write(&file, "what was there").unwrap();
        drop(server);

        // The device that comes first is sound.
        database.flip_a_bit_of("fan");
        let server = Started::on(&database.url);
        let message = refused(&["--user", "ann", "--output", &file], &server.url);
        assert!(
            message.contains("stopped after 5000 readings") && message.contains("broke off"),
            "{message}"
        );
        let to_stdout = run(&["export", "--user", "ann", "--url", &server.url]);
        assert_eq!(to_stdout.status.code(), Some(1));
        assert_eq!(String::from_utf8(to_stdout.stdout).unwrap().lines().count(), 5_001);
        let message = refused(&["--device", "fan", "--output", &file], &server.url);
        assert!(message.contains("is corrupt"), "{message}");
        let message = refused(&["--device", "none", "--output", &file], &server.url);
        assert!(message.contains("Device not found"), "{message}");
        let message = refused(&["--user", "bob", "--output", &file], &server.url);
        assert!(message.contains("there is no user \"bob\""), "{message}");
        let message = refused(&["--user", "ann", "--output", &path("out.xls")], &server.url);
        assert!(message.contains("give --format"), "{message}");
        let message = refused(&["--user", "ann", "--output", &path("none/out.csv")], &server.url);
        assert!(message.contains("cannot write"), "{message}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "what was there");
        assert_eq!(files(folder.path()), ["out.csv", "rows.csv"]);
    });
}

/// Runs a command on a terminal, and returns what is shown there.
fn on_a_terminal(arguments: &[&str]) -> String {
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    let command = format!("stty cols 200; {} {}", env!("CARGO_BIN_EXE_device-stats"), quoted.join(" "));
    let output = Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    shown
}

#[test]
fn progress_rate_and_time_left_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Started::in_folder(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("rows.csv"), rows()).unwrap();
    printed(&[
        "import",
        &path("rows.csv"),
        "--user",
        "ann",
        "--email",
        "ann@example.com",
        "--url",
        &server.url,
    ]);
    let shown = |of: &[&str], file: &str| {
        on_a_terminal(&[&["export", "--output", &path(file), "--url", &server.url], of].concat())
    };
    for of in [["--user", "ann"], ["--device", "fan"]] {
        let shown = shown(&of, "out.csv");
        for part in ["%, ", " readings, ", "/s, ", " left"] {
            assert!(shown.contains(part), "{of:?}: {part}: {shown:?}");
        }
    }
    // Without a reading it is over at once, and of bytes it is not known how many there will be.
    let none = shown(&["--user", "ann", "--from", "2027-01-01"], "none.csv");
    assert!(none.contains("0 readings in "), "{none:?}");
    let bytes = shown(&["--user", "ann"], "out.parquet");
    assert!(bytes.contains("iB/s, ") && !bytes.contains(" left"), "{bytes:?}");
}

/// Else a crash of the system could take the name of the file away again.
#[test]
fn the_folder_is_synced_once_the_file_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Started::in_folder(folder.path());
    let register = r#"{"device_id": "pump"}"#;
    assert_eq!(server.post("/api/v1/devices", register).0, 201);
    let out = tempfile::tempdir().unwrap();
    let path = out.path().canonicalize().unwrap();
    let log = folder.path().join("strace.log");
    for output in [path.join("new.csv").to_str().unwrap(), "new.csv"] {
        let export = device_stats(&["export", "--device", "pump", "--output", output, "--url", &server.url]);
        let trace = ["strace", "-f", "-y", "-o", log.to_str().unwrap(), "-e", "trace=/^(rename|fsync)"];
        let traced = run_by(&trace, &export).current_dir(&path).output();
        let traced = traced
            .unwrap_or_else(|error| panic!("strace: {error}; this test needs it: apt-get install strace"));
        assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
        let calls = std::fs::read_to_string(&log).unwrap();
        let calls: Vec<&str> = calls.lines().filter(|line| line.contains('(')).collect();
        let [file, rename, folder] = &calls[..] else { panic!("{calls:?}") };
        assert!(file.contains("new.csv.partial") && rename.contains("rename"), "{calls:?}");
        assert!(folder.contains("fsync(") && folder.contains(&format!("<{}>", path.display())), "{calls:?}");
    }
}
