//! Damaged hot readings: `verify` and `/health/ready` report them, other devices work, and `repair` drops
//! them.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, run};

/// A database in which hot readings of the device `ill` are damaged. The device `sound` has no damage.
struct Damaged {
    folder: TempDir,
    url: String,
}

fn post(server: &Server, device: &str, second: u32) -> u16 {
    let body = json!({ "x": 1, "y": 2, "z": 3, "timestamp": format!("2026-01-01T00:00:{second:02}Z") });
    server.post(&format!("/api/v1/stats/devices/{device}"), &body.to_string()).0
}

fn analysis(server: &Server, device: &str) -> (u16, Value) {
    server.post(&format!("/api/v1/stats/devices/{device}/analyze"), "{}")
}

impl Damaged {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let server = Self::serve(&url);
        for device in ["ill", "sound"] {
            assert_eq!(server.post("/api/v1/devices", &json!({ "device_id": device }).to_string()).0, 201);
            for second in 0..3 {
                assert_eq!(post(&server, device, second), 201);
            }
        }
        server.kill();
        let connection = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
        // The second request for the first device.
        let damage = "UPDATE journal SET bytes = CAST(x'55' || substr(bytes, 2) AS BLOB) WHERE position = 2";
        assert_eq!(connection.execute(damage, []).unwrap(), 1);
        Self { folder, url }
    }

    fn serve(url: &str) -> Server {
        Server::start_with(url, &["--seal-after-seconds", "600"])
    }

    /// Returns the exit code and the output of a command for the database.
    fn run(&self, command: &[&str]) -> (i32, String) {
        let output = run(&[command, &["--database-url", &self.url]].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn file(&self) -> String {
        self.folder.path().join("damaged.ndjson").to_str().unwrap().to_owned()
    }
}

#[test]
fn damaged_readings_are_reported_and_other_devices_work() {
    let damaged = Damaged::new();
    let (exit, output) = damaged.run(&["verify"]);
    assert_eq!(exit, 1);
    assert!(output.starts_with("device \"ill\": hot readings of device 1 are damaged: entry 2"), "{output}");
    assert!(output.ends_with(": 1 faults\n"), "{output}");
    let server = Damaged::serve(&damaged.url);
    assert_eq!(
        server.get("/health/ready"),
        (200, json!({ "status": "damaged", "auth": "open", "damaged_devices": 1 }))
    );
    let detail = json!(
        "The most recently stored readings of the device with id 1 are damaged; requests about its readings \
         fail until they are repaired"
    );
    let (status, answer) = analysis(&server, "ill");
    assert_eq!((status, &answer["code"], &answer["detail"]), (500, &json!("damaged_readings"), &detail));
    assert_eq!(post(&server, "ill", 3), 500);
    assert_eq!(post(&server, "sound", 3), 201);
    assert_eq!(analysis(&server, "sound").1["x"]["count"], 4);
}

#[test]
fn a_repair_makes_the_rest_writable_again() {
    let damaged = Damaged::new();
    let file = damaged.file();
    let repair = ["repair", "--drop-damaged", "--save-to", &file];
    // Without a terminal, nobody can confirm.
    assert_eq!(damaged.run(&repair).0, 2);
    assert!(!std::path::Path::new(&file).exists());
    let (exit, output) = damaged.run(&[&repair[..], &["--yes"]].concat());
    assert_eq!((exit, output), (0, format!("dropped 1 damaged entry, saved in {file}\n")));
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((&saved["entry"], &saved["devices"]), (&json!(2), &json!(["ill"])));
    // The device of the reading is the damaged number.
    let reading = &saved["doubtful_readings"][0];
    assert_eq!((&reading["x"], &reading["time_us"]), (&json!(1.0), &json!(1_767_225_601_000_000_i64)));
    let (exit, output) = damaged.run(&[&repair[..], &["--yes"]].concat());
    assert_eq!((exit, output.as_str()), (0, "no entry is damaged\n"));
    assert_eq!(damaged.run(&["verify"]).0, 0);
    let server = Damaged::serve(&damaged.url);
    assert_eq!(server.get("/health/ready"), (200, json!({ "status": "ok", "auth": "open" })));
    assert_eq!(analysis(&server, "ill").1["x"]["count"], 2);
    assert_eq!(post(&server, "ill", 1), 201);
    assert_eq!(analysis(&server, "ill").1["x"]["count"], 3);
}

/// The file may have entries of an earlier repair.
#[test]
fn a_repair_overwrites_no_file() {
    let damaged = Damaged::new();
    std::fs::write(damaged.file(), "earlier").unwrap();
    let (exit, _) = damaged.run(&["repair", "--drop-damaged", "--yes", "--save-to", &damaged.file()]);
    assert_eq!(exit, 1);
    assert_eq!(std::fs::read_to_string(damaged.file()).unwrap(), "earlier");
    assert_eq!(damaged.run(&["verify"]).0, 1);
}

/// `verify` read all segments and found nothing, although an index of the database was damaged.
#[test]
fn a_damaged_index_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, url) =
        (folder.path().join("test.db"), format!("sqlite:{}", folder.path().join("test.db").display()));
    let server = Damaged::serve(&url);
    let device = json!({ "device_id": "d", "name": "pump" });
    assert_eq!(server.post("/api/v1/devices", &device.to_string()).0, 201);
    server.kill();
    let verify = || run(&["verify", "--json", "--database-url", &url]);
    assert!(verify().status.success());
    let connection = rusqlite::Connection::open(path).unwrap();
    // The index has the owners of the devices. Afterwards it should have their names.
    let damage = "PRAGMA writable_schema = ON; UPDATE sqlite_schema
        SET sql = 'CREATE INDEX devices_by_user ON devices (name)' WHERE name = 'devices_by_user'";
    connection.execute_batch(damage).unwrap();
    drop(connection);
    let output = verify();
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fault = &result["faults"][0];
    assert!(fault["fault"].as_str().unwrap().contains("devices_by_user"), "{result}");
    assert_eq!(fault["device_id"], Value::Null);
}
