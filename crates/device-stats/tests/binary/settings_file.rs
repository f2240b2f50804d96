//! `--config` and `DEVICE_STATS_CONFIG`: the settings file.

use crate::server::{Server, device_stats, run, serve, stdout_of};

#[test]
fn a_server_and_its_clients_read_a_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let path = file.to_str().unwrap();
    let database = format!("sqlite:{}", folder.path().join("test.db").display());
    std::fs::write(
        &file,
        format!("database-url = '{database}'\nlisten = '127.0.0.1:0'\nlog-format = 'json'\n"),
    )
    .unwrap();
    let mut command = device_stats(&["serve", "--config", path]);
    command.env("RUST_LOG", "info");
    let server = Server::spawn(command).unwrap_or_else(|(status, log)| panic!("{status}: {log}"));
    assert!(folder.path().join("test.db").exists());
    std::fs::write(&file, format!("url = \"{}\"\n# For other commands.\ncache-mib = 7\n", server.url))
        .unwrap();
    stdout_of(&["--config", path, "health"]);
    let output = device_stats(&["health"]).env("DEVICE_STATS_CONFIG", path).output().unwrap();
    assert!(output.status.success(), "{output:?}");

    let config =
        device_stats(&["config", "--config", path]).env("DEVICE_STATS_CACHE_MIB", "8").output().unwrap();
    let config = String::from_utf8(config.stdout).unwrap();
    assert!(config.contains(&format!("url = {}  (file {path}:1)\n", server.url)), "{config}");
    assert!(config.contains("cache-mib = 8  (environment)\n"), "{config}");
    assert!(config.contains("migrate = true  (default)\n"), "{config}");
}

#[test]
fn a_fault_in_a_settings_file_stops_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "log = 'info'\ncachemib = 7\n").unwrap();
    let database = format!("sqlite:{}", folder.path().join("test.db").display());
    for mut command in [serve(&database, &["--config", path]), device_stats(&["health", "--config", path])] {
        let output = command.output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        let expected =
            format!("error: {path}:2: there is no setting \"cachemib\"; did you mean cache-mib?\n");
        assert!(message.starts_with(&expected), "{message}");
    }
    // A fault is found before anything is created.
    std::fs::write(&file, format!("database-url = '{database}'\ncache-mib = '10'\n")).unwrap();
    for command in ["serve", "health"] {
        let output = run(&[command, "--config", path]);
        assert_eq!(output.status.code(), Some(2));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.starts_with(&format!("error: {path}:2: cache-mib must be a whole number")),
            "{message}"
        );
    }
    assert!(!folder.path().join("test.db").exists());
    let missing = run(&["health", "--config", "/no/such/file.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    let message = String::from_utf8(missing.stderr).unwrap();
    let expected = "error: cannot read the settings file /no/such/file.toml: it does not exist\n";
    assert!(message.starts_with(expected), "{message}");
}
