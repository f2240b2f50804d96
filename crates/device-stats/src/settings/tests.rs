//! Precedence, defaults, URLs, and hidden secrets. The environment belongs to the whole process, so these
//! tests do not change it; clap gives a setting the value of a variable in the same way as the value of a
//! flag.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use secrecy::ExposeSecret;

use super::database::without_password;
use super::flags::LOG_DEFAULT;
use super::invalid::InvalidSetting;
use super::report::Source;
use super::*;

fn parse(line: &[&str]) -> (Result<Settings, InvalidSetting>, Vec<Entry>) {
    let command = Flags::augment_args(Command::new("device-stats")).mut_args(|argument| argument.env(None));
    let matches = command.try_get_matches_from([&["device-stats"], line].concat()).unwrap();
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let settings = Settings::from_flags(&flags);
    let entries = settings.as_ref().map(|settings| settings.entries(&flags, &matches)).unwrap_or_default();
    (settings, entries)
}

fn settings(line: &[&str]) -> Settings {
    parse(line).0.unwrap()
}

fn problem(line: &[&str]) -> String {
    parse(line).0.unwrap_err().to_string()
}

/// Describes a database with its password.
fn exposed(line: &[&str]) -> String {
    match settings(line).database {
        Database::Sqlite(path) => format!("sqlite {}", path.display()),
        Database::PostgresUrl(url) => format!("url {}", url.expose_secret()),
        Database::PostgresServer { host, port, user, password, dbname } => {
            let password = password.as_ref().map(ExposeSecret::expose_secret);
            format!("server {host} {port} {user} {password:?} {dbname}")
        }
    }
}

#[test]
fn every_setting_has_a_default() {
    let settings = settings(&[]);
    assert_eq!(settings.listen, "127.0.0.1:8000");
    assert!(matches!(settings.database, Database::Sqlite(path) if path == Path::new("device-stats.db")));
    assert_eq!(settings.database_ca, None);
    assert_eq!(settings.cache_bytes_max, 512 * 1024 * 1024);
    assert_eq!(settings.seal_after, Duration::from_mins(10));
    assert_eq!(settings.keys_kept_for, Duration::from_hours(24));
    assert_eq!(settings.migrate, Migrate::OnStart);
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.log, LOG_DEFAULT);
    assert_eq!(settings.url, "http://127.0.0.1:8000");
}

#[test]
fn empty_values_count_as_absent() {
    let names = parse(&[]).1.into_iter().map(|entry| format!("--{}=", entry.name)).collect::<Vec<_>>();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_, entries) = parse(&names);
    assert_eq!(exposed(&names), "sqlite device-stats.db");
    assert_eq!(entries, parse(&[]).1);
    assert!(entries.iter().all(|entry| entry.source == Source::Default));
    let line =
        ["--postgres-server=db", "--postgres-user=", "--postgres-db=", "--postgres-port=", "--database-url="];
    assert_eq!(exposed(&line), "server db 5432 postgres None postgres");
}

#[test]
fn a_database_url_takes_precedence_over_a_postgres_server() {
    let server = ["--postgres-server=db", "--postgres-user=u", "--postgres-password=p", "--postgres-port=1"];
    assert_eq!(exposed(&server), r#"server db 1 u Some("p") postgres"#);
    let line = [&server[..], &["--database-url=sqlite:x.db"]].concat();
    assert_eq!(exposed(&line), "sqlite x.db");
    assert_eq!(exposed(&["--postgres-user=u"]), exposed(&[]));
}

#[test]
fn a_sqlite_url_contains_a_path() {
    for (url, path) in [
        ("sqlite:a.db", "a.db"),
        ("sqlite://a/b.db", "a/b.db"),
        ("sqlite:///a/b.db", "/a/b.db"),
        ("sqlite:/a/b.db", "/a/b.db"),
    ] {
        assert_eq!(exposed(&["--database-url", url]), format!("sqlite {path}"));
    }
}

#[test]
fn a_postgres_url_has_one_of_two_schemes() {
    for url in ["postgres://u:p@h/d", "postgresql://u:p@h/d"] {
        assert_eq!(exposed(&["--database-url", url]), format!("url {url}"));
    }
}

#[test]
fn an_invalid_value_is_refused_with_the_accepted_values() {
    for (line, part) in [
        (
            ["--database-url=mysql://u:hunter2@h/d"],
            "\"mysql\" is not supported; accepted are sqlite:PATH and",
        ),
        (["--database-url=hunter2"], "not the URL of a database; accepted are"),
        (["--database-url=hun:ter2"], "not the URL of a database; accepted are"),
        (["--database-url=sqlite:"], "needs the path of a file"),
        (["--database-url=sqlite::memory:"], "a database in memory is lost"),
        (["--database-url=sqlite:a?mode=ro"], "needs a path without parameters"),
        (["--migrate=yes"], "--migrate or DEVICE_STATS_MIGRATE: \"yes\" is not true or false"),
        (["--log-format=xml"], "\"xml\" is not text or json"),
        (["--seal-after-seconds=1.5"], "\"1.5\" is not a whole number of seconds"),
        (["--cache-mib=-1"], "\"-1\" is not a whole number of MiB"),
        (["--url=ftp://h"], "not http or https"),
        (["--url=h"], "--url or DEVICE_STATS_URL: not a URL"),
        (["--url=http://u:hunter2@h"], "must not contain a user or password"),
    ] {
        let message = problem(&line);
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("hunter2") && !message.contains("ter2"), "{message}");
    }
    assert!(problem(&["--postgres-server=h", "--postgres-port=70000"]).contains("is not a port"));
}

#[test]
fn a_server_url_loses_its_trailing_slash() {
    assert_eq!(settings(&["--url=http://h:1/"]).url, "http://h:1");
    assert_eq!(settings(&["--url=https://h/stats/"]).url, "https://h/stats");
}

#[test]
fn secrets_are_hidden() {
    for url in [
        "postgres://u:hunter2@h:5/d",
        "postgres://u:hun@hunter2@h:5/d",
        "postgres://u:a/hunter2@h:5/d",
        "postgres://u:a?hunter2@h:5/d",
        "postgres://h/d?user=u&password=hunter2",
        "postgres://h/d?pass%77ord=hunter2",
    ] {
        let line = ["--database-url", url, "--postgres-password=hunter2"];
        let (settings, entries) = parse(&line);
        let settings = settings.unwrap();
        let shown = format!("{settings:?} {} {entries:?}", settings.database);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
    let server = settings(&["--postgres-server=h", "--postgres-password=hunter2"]);
    assert!(!format!("{server:?} {}", server.database).contains("hunter2"));
}

#[test]
fn the_rest_of_a_url_is_shown() {
    for (url, shown) in [
        ("postgres://u:p@h:5/d?sslmode=require", "postgres://u:***@h:5/d?sslmode=require"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("sqlite:a.db", "sqlite:a.db"),
    ] {
        assert_eq!(without_password(url), shown);
    }
}

#[test]
fn each_setting_has_a_source() {
    let (_, entries) = parse(&["--migrate=false"]);
    let entry = entries.iter().find(|entry| entry.name == "migrate").unwrap();
    assert_eq!((entry.value.as_str(), entry.source), ("false", Source::Flag));
    assert!(
        entries.iter().filter(|entry| entry.name != "migrate").all(|entry| entry.source == Source::Default)
    );
}

#[test]
fn every_setting_has_a_variable() {
    let mut variables: Vec<String> = parse(&[]).1.iter().map(|entry| Flags::variable(entry.name)).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), parse(&[]).1.len());
}
