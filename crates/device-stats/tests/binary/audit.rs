//! The command `audit`, and the entries that servers and commands write.

use serde_json::Value;

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run, stdout_of};

#[test]
fn the_audit_log_shows_starts_and_changes_by_clients_and_operators() {
    over_both_stores(|database| {
        let admin = stdout_of(&["token", "create", "--admin", "--database-url", &database.url]);
        let server = Server::start_with(&database.url, &["--auth", "token", "--devices-per-user", "7"]);
        let client = |line: &str| {
            let arguments: Vec<&str> = line.split(' ').collect();
            let mut command = device_stats(&[&["--url", &server.url][..], &arguments].concat());
            assert!(command.env("DEVICE_STATS_TOKEN", admin.trim_end()).output().unwrap().status.success());
        };
        client("users create ann ann@example.com");
        client("devices create pump --user ann");
        client("devices delete pump --yes");
        let audit = |flags: &[&str]| -> Vec<Value> {
            let line = [&["audit", "--json", "--database-url", &database.url], flags].concat();
            serde_json::from_str(&stdout_of(&line)).unwrap()
        };
        let entries = audit(&[]);
        let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(
            actions,
            ["create_token", "start_service", "create_user", "create_device", "delete_device"]
        );
        let kinds: Vec<_> = entries.iter().map(|entry| entry["author"]["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["operator", "service", "admin", "admin", "admin"]);
        let settings = &entries[1]["details"]["settings"];
        assert_eq!((&settings["auth"], &settings["devices-per-user"]), (&"token".into(), &"7".into()));
        assert_eq!(entries[1]["details"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(!entries[1].to_string().contains("test-password"), "{}", entries[1]);
        assert_eq!(entries[4]["author"]["address"], "127.0.0.1");

        assert_eq!(audit(&["--limit", "2"]), entries[3..]);
        assert_eq!(audit(&["--device", "pump", "--action", "delete_device"]), entries[4..]);
        assert_eq!(audit(&["--user", "ann"]), entries[2..]);
        assert_eq!(audit(&["--token", "1", "--since", "1h"]), [&entries[..1], &entries[2..]].concat());
        assert_eq!(audit(&["--since", "2100-01-01T00:00:00Z"]), [] as [Value; 0]);
        let table = stdout_of(&["audit", "--database-url", &database.url]);
        let last = table.lines().last().unwrap();
        for part in ["delete_device", "device \"pump\"", "admin, token 1", "127.0.0.1"] {
            assert!(last.contains(part), "{part}: {last}");
        }
        for (flags, part) in [
            (["--action", "explode"], "delete_device"),
            (["--user", "bob"], "there is no user \"bob\""),
            (["--since", "soon"], "write a time such as"),
        ] {
            let refused = run(&[&["audit", "--database-url", &database.url], &flags[..]].concat());
            let message = String::from_utf8(refused.stderr).unwrap();
            assert!(!refused.status.success() && message.contains(part), "{flags:?}: {message}");
        }
    });
}
