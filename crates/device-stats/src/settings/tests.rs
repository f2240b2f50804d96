//! Precedence, defaults and the forms of URLs; and that no secret is ever shown. The environment is a part of the
//! process and stays untouched: a variable reaches a setting the way a flag does.

use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches};

use super::database::without_password;
use super::*;

fn read(line: &[&str]) -> (Result<Settings, InvalidSetting>, Vec<Entry>) {
    let command = Flags::augment_args(Command::new("device-stats")).mut_args(|argument| argument.env(None));
    let matches = command.try_get_matches_from([&["device-stats"], line].concat()).unwrap();
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let settings = Settings::from_flags(&flags);
    let entries = settings.as_ref().map(|settings| settings.entries(&flags, &matches)).unwrap_or_default();
    (settings, entries)
}

fn settings(line: &[&str]) -> Settings {
    read(line).0.unwrap()
}

fn problem(line: &[&str]) -> String {
    read(line).0.unwrap_err().to_string()
}

fn parts(host: &str, port: u16, user: &str, password: Option<&str>, dbname: &str) -> Database {
    Database::PostgresParts(PostgresParts {
        host: host.into(),
        port,
        user: user.into(),
        password: password.map(|text| Secret::new(text.into())),
        dbname: dbname.into(),
    })
}

#[test]
fn nothing_needs_to_be_set() {
    let settings = settings(&[]);
    assert_eq!(settings.listen, "127.0.0.1:8000");
    assert_eq!(settings.database, Database::Sqlite(PathBuf::from("device-stats.db")));
    assert_eq!(settings.database_ca, None);
    assert_eq!(settings.cache_bytes_max, 512 * 1024 * 1024);
    assert_eq!(settings.seal_after, std::time::Duration::from_mins(10));
    assert_eq!(settings.migrate, Migrate::OnStart);
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.log, LOG_DEFAULT);
    assert_eq!(settings.url, "http://127.0.0.1:8000");
}

#[test]
fn what_is_empty_counts_as_absent() {
    let names = read(&[]).1.into_iter().map(|entry| format!("--{}=", entry.name)).collect::<Vec<_>>();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (settings, entries) = read(&names);
    assert_eq!(settings.unwrap().database, Database::Sqlite(PathBuf::from("device-stats.db")));
    assert!(entries.iter().all(|entry| entry.source == Source::Default));
    let server = parts("db", 5432, "postgres", None, "postgres");
    let line =
        ["--postgres-server=db", "--postgres-user=", "--postgres-db=", "--postgres-port=", "--database-url="];
    assert_eq!(super::tests::settings(&line).database, server);
}

#[test]
fn the_url_of_a_database_wins_over_its_parts() {
    let server = ["--postgres-server=db", "--postgres-user=u", "--postgres-password=p", "--postgres-port=1"];
    assert_eq!(settings(&server).database, parts("db", 1, "u", Some("p"), "postgres"));
    let line = [&server[..], &["--database-url=sqlite:x.db"]].concat();
    assert_eq!(settings(&line).database, Database::Sqlite(PathBuf::from("x.db")));
    assert_eq!(settings(&["--postgres-user=u"]).database, settings(&[]).database);
}

#[test]
fn a_sqlite_url_is_a_path() {
    for (url, path) in [
        ("sqlite:a.db", "a.db"),
        ("sqlite://a/b.db", "a/b.db"),
        ("sqlite:///a/b.db", "/a/b.db"),
        ("sqlite:/a/b.db", "/a/b.db"),
    ] {
        assert_eq!(settings(&["--database-url", url]).database, Database::Sqlite(PathBuf::from(path)));
    }
}

#[test]
fn a_postgres_url_has_two_schemes() {
    for url in ["postgres://u:p@h/d", "postgresql://u:p@h/d"] {
        assert_eq!(
            settings(&["--database-url", url]).database,
            Database::PostgresUrl(Secret::new(url.to_owned()))
        );
    }
}

#[test]
fn what_makes_no_sense_is_told_with_what_would() {
    for (line, part) in [
        (
            ["--database-url=mysql://u:hunter2@h/d"],
            "\"mysql\" is not supported; accepted are sqlite:PATH and",
        ),
        (["--database-url=hunter2"], "this is no URL of a database; accepted are"),
        (["--database-url=hun:ter2"], "this is no URL of a database; accepted are"),
        (["--database-url=sqlite:"], "needs the path of a file"),
        (["--database-url=sqlite::memory:"], "a database in memory is lost"),
        (["--database-url=sqlite:a?mode=ro"], "no parameters"),
        (["--migrate=yes"], "\"yes\" is not true or false"),
        (["--log-format=xml"], "\"xml\" is not text or json"),
        (["--url=ftp://h"], "not http or https"),
        (["--url=h"], "this is no URL"),
        (["--url=http://u:hunter2@h"], "has no place"),
    ] {
        let told = problem(&line);
        assert!(told.contains(part), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("ter2"), "{told}");
    }
    assert!(problem(&["--postgres-server=h", "--postgres-port=70000"]).contains("is not a port"));
}

#[test]
fn a_server_has_no_last_slash() {
    assert_eq!(settings(&["--url=http://h:1/"]).url, "http://h:1");
    assert_eq!(settings(&["--url=https://h/stats/"]).url, "https://h/stats");
}

#[test]
fn no_secret_is_shown() {
    for url in [
        "postgres://u:hunter2@h:5/d",
        "postgres://u:hun@hunter2@h:5/d",
        "postgres://u:a/hunter2@h:5/d",
        "postgres://u:a?hunter2@h:5/d",
        "postgres://h/d?user=u&password=hunter2",
        "postgres://h/d?pass%77ord=hunter2",
    ] {
        let line = ["--database-url", url, "--postgres-password=hunter2"];
        let (settings, entries) = read(&line);
        let settings = settings.unwrap();
        let shown = format!("{settings:?} {} {entries:?}", settings.database);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
    assert!(!format!("{:?}", parts("h", 1, "u", Some("hunter2"), "d")).contains("hunter2"));
}

#[test]
fn what_is_no_secret_is_shown() {
    for (url, shown) in [
        ("postgres://u:p@h:5/d?sslmode=require", "postgres://u:***@h:5/d?sslmode=require"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("sqlite:a.db", "sqlite:a.db"),
    ] {
        assert_eq!(without_password(url), shown);
    }
}

#[test]
fn each_setting_tells_where_it_comes_from() {
    let (_, entries) = read(&["--migrate=false"]);
    let entry = entries.iter().find(|entry| entry.name == "migrate").unwrap();
    assert_eq!((entry.value.as_str(), entry.source), ("false", Source::Flag));
    assert!(
        entries.iter().filter(|entry| entry.name != "migrate").all(|entry| entry.source == Source::Default)
    );
}
