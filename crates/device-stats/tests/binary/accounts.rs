//! The commands `users`, `devices` and `readings`.

use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::databases::over_both_stores;
use crate::fixed_answer::FixedAnswer;
use crate::server::{Server, run, stdout_of};

/// A server, and the commands that connect to it.
struct Commands {
    server: Server,
}

impl Commands {
    fn run(&self, line: &str) -> Output {
        run(&[&["--url", &self.server.url], &words(line)[..]].concat())
    }

    /// Runs a command that must succeed, and returns its text.
    fn text(&self, line: &str) -> String {
        stdout_of(&[&["--url", &self.server.url], &words(line)[..]].concat())
    }

    /// Runs a command that must succeed, and returns its JSON.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{line} --json"))).unwrap()
    }

    /// Runs a command that must fail with an exit code, and returns its message.
    fn failure(&self, line: &str, exit_code: i32) -> String {
        let output = self.run(line);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{line}: {message}");
        assert!(output.stdout.is_empty(), "{line}");
        message
    }
}

/// Splits a line at blanks.
fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn users_are_created_listed_changed_and_deleted() {
    over_both_stores(|database| {
        let commands = Commands { server: Server::start(&database.url) };
        assert_eq!(commands.json("users list"), json!([]));
        let ann = commands.json("users create ann ann@example.com");
        let id = ann["id"].as_i64().unwrap();
        assert_eq!(ann, json!({ "id": id, "username": "ann", "email": "ann@example.com" }));
        let table = commands.text("users create bob bob@example.com");
        assert!(table.contains("| username | email ") && table.contains("| bob "), "{table}");
        for (line, part) in [
            ("users create ann other@example.com", "Username already taken"),
            ("users create other ann@example.com", "Email already registered"),
            ("users create carl carl", "email: "),
            ("users show nobody", "there is no user \"nobody\""),
            ("users show 999999999", "there is no user \"999999999\""),
            ("users rename bob ann", "Username already taken"),
        ] {
            let message = commands.failure(line, 3);
            assert!(message.contains(part), "{message}");
        }
        let renamed = commands.json("users rename ann anna");
        assert_eq!(renamed, json!({ "id": id, "username": "anna", "email": "ann@example.com" }));
        commands.text(&format!("users change-email {id} anna@example.com"));
        commands.text("devices create pump --user anna");
        let shown = commands.json("users show anna");
        assert_eq!((&shown["id"], &shown["email"]), (&json!(id), &json!("anna@example.com")));
        assert_eq!(shown["devices"][0]["device_id"], "pump");
        let shown = commands.text("users show anna");
        assert!(shown.contains("| anna ") && shown.contains("| pump "), "{shown}");
        assert!(commands.text("users show bob").ends_with("\nno devices\n"));
        let listed = |line| {
            commands
                .json(line)
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["username"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(listed("users list"), ["anna", "bob"]);
        assert_eq!(listed("users list --limit 1"), ["anna"]);
        // The name of the first is the id of the second.
        commands.text(&format!("users create {id} digits@example.com"));
        assert_eq!(commands.json(&format!("users show {id}"))["username"], "anna");
        assert_eq!(commands.json(&format!("users show name:{id}"))["email"], "digits@example.com");
        commands.text(&format!("devices create fan --user name:{id}"));
        assert_eq!(commands.json(&format!("devices list --user name:{id}"))[0]["device_id"], "fan");
        let missing = commands.failure("users show 987654321", 3);
        assert!(missing.contains("an integer is an id, and name:987654321 is a name"), "{missing}");
        // Only an integer needs the mark, so this is the whole name of a user.
        assert!(commands.failure("users show name:7x", 3).contains("there is no user \"name:7x\""));
        commands.text(&format!("users delete name:{id} --yes"));
        assert_eq!(listed("users list"), ["anna", "bob"]);

        let message = commands.failure("users delete anna", 2);
        assert!(message.contains("delete user \"anna\"") && message.contains("with 1 devices"), "{message}");
        assert!(message.contains("add --yes"), "{message}");
        assert_eq!(commands.json("users delete anna --yes")["username"], "anna");
        assert_eq!(listed("users list"), ["bob"]);
        commands.failure("devices show pump", 3);
    });
}

#[test]
fn lists_have_every_entry_once() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let commands = Commands { server: Server::start(&database.url) };
        let rows: Vec<String> = (0..1_205).map(|n| format!("d{n},1795428001,1,2,3\n")).collect();
        let file = folder.path().join("rows.csv");
        std::fs::write(&file, format!("device_id,timestamp,x,y,z\n{}", rows.concat())).unwrap();
        commands.text(&format!("import {}", file.display()));
        let names = |limit: &str| -> Vec<String> {
            let devices = commands.json(&format!("devices list{limit}"));
            let devices = devices.as_array().unwrap().iter();
            devices.map(|device| device["device_id"].as_str().unwrap().to_owned()).collect()
        };
        // An import registers devices in parallel, so only their set is known.
        let all = names("");
        let (sorted, expected): (BTreeSet<String>, BTreeSet<String>) =
            (all.iter().cloned().collect(), (0..1_205).map(|n| format!("d{n}")).collect());
        assert_eq!((all.len(), sorted), (1_205, expected));
        for count in [1_000, 1_001, 0] {
            assert_eq!(names(&format!(" --limit {count}")), all[..count]);
        }
        assert_eq!(commands.text("devices list").lines().count(), 2 + 1_205);
        let count = |line: &str| commands.json(line).as_array().unwrap().len();
        assert_eq!(count("devices list --prefix d20"), 1 + 10);
        assert_eq!(count("devices list --search D1204"), 1);
        assert_eq!(count("devices list --search 204 --prefix d1"), 1);
        for n in 0..3 {
            commands.text(&format!("users create user-{n} {n}@example.com"));
        }
        assert_eq!(count("users list --search USER"), 3);
        assert_eq!(count("users list --search 1@example"), 1);
        assert_eq!(commands.json("users show user-2")["username"], "user-2");
    });
}

#[test]
fn devices_are_created_moved_renamed_and_deleted() {
    over_both_stores(|database| {
        let commands = Commands { server: Server::start(&database.url) };
        let ann = commands.json("users create ann ann@example.com")["id"].clone();
        let bob = commands.json("users create bob bob@example.com")["id"].clone();
        let pump = commands.json("devices create a/b --name Pump --user ann");
        let expected = |name: Value, user: Value| json!({ "id": pump["id"], "device_id": "a/b", "name": name, "user_id": user });
        assert_eq!(pump, expected("Pump".into(), ann.clone()));
        commands.text("devices create fan");
        assert_eq!(commands.json("devices list --user ann"), json!([pump]));
        assert_eq!(commands.json("devices list --user bob"), json!([]));
        assert_eq!(commands.json("devices move a/b --user bob"), expected("Pump".into(), bob.clone()));
        assert_eq!(commands.json("devices rename a/b Mixer"), expected("Mixer".into(), bob.clone()));
        assert_eq!(commands.json("devices rename a/b --no-name"), expected(Value::Null, bob));
        assert_eq!(commands.json("devices move a/b --no-user"), expected(Value::Null, Value::Null));
        assert_eq!(commands.json("devices show a/b"), expected(Value::Null, Value::Null));
        let with_interval = |seconds: f64| {
            let mut device = expected(Value::Null, Value::Null);
            device["expected_interval_s"] = seconds.into();
            device
        };
        assert_eq!(commands.json("devices expect a/b 90.5"), with_interval(90.5));
        assert_eq!(commands.json("devices show a/b"), with_interval(90.5));
        assert!(commands.text("devices show a/b").contains("90.5"));
        assert_eq!(commands.json("devices expect a/b --learned"), expected(Value::Null, Value::Null));
        let created = commands.json("devices create valve --expected-interval 5");
        assert_eq!(created["expected_interval_s"], 5.0);
        assert_eq!(commands.json("devices show valve"), created);
        commands.text("devices delete valve --yes");
        for (line, exit_code, part) in [
            ("devices expect a/b", 2, "--learned"),
            ("devices expect a/b 0", 2, "above 0"),
            ("devices expect none 5", 3, "Device not found"),
            ("devices create fan", 3, "Device with this ID already exists"),
            ("devices create new --user carl", 3, "there is no user \"carl\""),
            ("devices show none", 3, "Device not found"),
            ("devices move none --no-user", 3, "Device not found"),
            ("devices show ..", 2, "no URL can contain the device id"),
            ("devices move a/b", 2, "--user"),
            ("devices rename a/b", 2, "name"),
            ("devices delete a/b", 2, "add --yes"),
            ("devices delete none --yes", 3, "Device not found"),
        ] {
            let message = commands.failure(line, exit_code);
            assert!(message.contains(part), "{line}: {message}");
        }
        let text = commands.text("devices delete a/b --yes");
        assert_eq!(text, "deleted device \"a/b\" and its readings\n");
        assert_eq!(commands.json("devices delete fan --yes")["device_id"], "fan");
        assert_eq!(commands.json("devices list"), json!([]));
    });
}

#[test]
fn readings_are_listed_newest_first_and_shown_by_their_time() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let commands = Commands { server: Server::start(&database.url) };
        let rows: Vec<String> =
            (0..250).map(|n| format!("pump,{}.5,{n},0.1,-1e300\n", 1_795_428_000 + n)).collect();
        let file = folder.path().join("rows.csv");
        std::fs::write(&file, format!("device_id,timestamp,x,y,z\n{}fan,1795428000,7,8,9\n", rows.concat()))
            .unwrap();
        // An import registers several devices at once, in any order.
        commands.text("users create ann ann@example.com");
        commands.text("devices create pump --user ann");
        commands.text(&format!("import {} --user ann --email ann@example.com", file.display()));
        commands.text("devices create idle --user ann");

        let listed = |flags: &str| -> Vec<f64> {
            let readings = commands.json(&format!("readings list pump{flags}"));
            readings.as_array().unwrap().iter().map(|reading| reading["x"].as_f64().unwrap()).collect()
        };
        let newest_first = |range: std::ops::Range<u32>| range.rev().map(f64::from).collect::<Vec<_>>();
        assert_eq!(listed(""), newest_first(150..250));
        assert_eq!(listed(" --limit 1000"), newest_first(0..250));
        assert_eq!(listed(" --limit 101"), newest_first(149..250));
        // The readings 60 and 61 are at 10:01:00.5 and 10:01:01.5.
        assert_eq!(listed(" --until 2026-11-23T10:01:01.5Z"), newest_first(0..61)[..].to_vec());
        assert_eq!(listed(" --end-time 2026-11-23T10:01:01.5Z"), newest_first(0..62)[..].to_vec());
        let window = " --start-time 2026-11-23T10:01:00.5Z --until 2026-11-23T10:01:01.5Z";
        assert_eq!(listed(window), [60.0]);
        assert_eq!(listed(&window.replace("start-time", "from")), [60.0]);
        let table = commands.text("readings list pump --limit 1");
        assert!(
            table.contains("| 2026-11-23T10:04:09.500000Z | 249.0 | 0.1 | -1e+300 |")
                || table.contains("| 249.0 | 0.1 | -1e300 |"),
            "{table}"
        );

        let shown = commands.json("readings show pump 2026-11-23T10:01:00.5Z");
        assert_eq!((&shown["x"], &shown["timestamp"]), (&json!(60.0), &json!("2026-11-23T10:01:00.500000Z")));
        let latest = commands.json("readings latest pump fan idle");
        let reading = |device: &str, time: &str, [x, y, z]: [f64; 3]| json!({ "device_id": device, "timestamp": time, "x": x, "y": y, "z": z });
        let expected = json!([
            reading("pump", "2026-11-23T10:04:09.500000Z", [249.0, 0.1, -1e300]),
            reading("fan", "2026-11-23T10:00:00.000000Z", [7.0, 8.0, 9.0]),
        ]);
        assert_eq!(latest, expected);
        assert_eq!(commands.json("readings latest --user ann"), expected);
        assert!(commands.text("readings latest fan").contains("| fan "));
        for (line, exit_code, part) in [
            (
                "readings show pump 2026-11-23T10:01:00Z",
                1,
                "has no reading with the time 2026-11-23T10:01:00Z",
            ),
            ("readings list idle", 1, "there are no readings"),
            ("readings latest idle", 1, "there are no readings"),
            ("readings list none", 3, "Device not found"),
            ("readings list pump --start-time soon", 3, "start_time: "),
            ("readings latest", 2, "DEVICE_ID"),
            ("readings delete pump --yes", 2, "or delete all readings with --all"),
            (
                "readings delete pump --all",
                2,
                "to delete all readings of device \"pump\" without a terminal, add --yes",
            ),
            (
                "readings delete pump --from 2026-01-01 --until 2026-02-01",
                2,
                "from 2026-01-01 before 2026-02-01",
            ),
        ] {
            let message = commands.failure(line, exit_code);
            assert!(message.contains(part), "{line}: {message}");
        }
    });
}

/// Runs a command on a terminal with an answer to its question.
fn answer(server: &Server, line: &str, answer: &str) -> (bool, String) {
    let command = format!("{} --url {} {line}", env!("CARGO_BIN_EXE_device-stats"), server.url);
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_deletion_on_a_terminal_asks_first() {
    over_both_stores(|database| {
        let commands = Commands { server: Server::start(&database.url) };
        commands.text("devices create pump");
        for refusal in ["n\n", "\n", "yess\n"] {
            let (is_done, screen) = answer(&commands.server, "devices delete pump", refusal);
            assert!(!is_done && screen.contains("delete device \"pump\" and its readings?"), "{screen}");
            assert!(screen.contains("nothing was deleted"), "{screen}");
            commands.text("devices show pump");
        }
        let (is_done, screen) = answer(&commands.server, "devices delete pump", "Y\n");
        assert!(is_done && screen.contains("deleted device"), "{screen}");
        commands.failure("devices show pump", 3);
    });
}

#[test]
fn deleted_readings_are_gone_and_can_be_sent_again() {
    over_both_stores(|database| {
        let commands = Commands { server: Server::start(&database.url) };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.csv");
        let rows: Vec<String> =
            (0..100).map(|n| format!("pump,{},{n},0,0\n", 1_795_428_000 + 60 * n)).collect();
        std::fs::write(&file, format!("device_id,timestamp,x,y,z\n{}", rows.concat())).unwrap();
        let import = format!("import {}", file.display());
        commands.text(&import);
        let delete =
            |flags: &str| commands.json(&format!("readings delete pump --yes {flags}"))["deleted"].clone();
        let minute = |minute: u32| format!("2026-11-23T10:{minute:02}:00Z");
        assert_eq!(delete(&format!("--start-time {} --until {}", minute(10), minute(20))), 10);
        assert_eq!(delete(&format!("--start-time {} --end-time {}", minute(20), minute(21))), 2);
        assert_eq!(delete(&format!("--from {0} --end-time {0}", minute(30))), 1);
        assert_eq!(delete(&format!("--until {}", minute(10))), 10);
        let left = commands.json("readings list pump --limit 1000");
        let left: Vec<f64> =
            left.as_array().unwrap().iter().map(|reading| reading["x"].as_f64().unwrap()).collect();
        let expected = (22..100).filter(|n| *n != 30).rev().map(f64::from);
        assert_eq!(left, expected.collect::<Vec<_>>());
        let again = commands.text(&import);
        assert!(again.contains("23 accepted, 77 repeats"), "{again}");
        assert_eq!(
            commands.text("readings delete pump --all --yes"),
            "deleted 100 readings of device \"pump\"\n"
        );
        assert_eq!(delete("--all"), 0);
        assert!(commands.failure("readings delete none --all --yes", 3).contains("Device not found"));
        assert!(commands.failure("readings delete pump --until soon --yes", 3).contains("until: "));
    });
}

#[test]
fn a_deletion_of_readings_names_its_period() {
    let server = FixedAnswer::start("200 OK", r#"{"deleted": 3}"#);
    for (flags, query) in [
        ("--all", "all=true"),
        ("--start-time 2026-11-23 --until 2026-11-24", "start_time=2026-11-23&until=2026-11-24"),
        (
            "--from 2026-11-23T10:00:00Z --end-time 2026-11-23T10:00:00Z",
            "start_time=2026-11-23T10%3A00%3A00Z&end_time=2026-11-23T10%3A00%3A00Z",
        ),
    ] {
        let line = format!("readings delete pump {flags} --yes --url {}", server.url);
        assert_eq!(stdout_of(&words(&line)), "deleted 3 readings of device \"pump\"\n");
        assert_eq!(server.requests.recv().unwrap(), format!("DELETE /api/v1/stats/devices/pump?{query}"));
        let json = stdout_of(&words(&format!("{line} --json")));
        assert_eq!(json, "{\"deleted\":3}\n");
        server.requests.recv().unwrap();
    }
}
