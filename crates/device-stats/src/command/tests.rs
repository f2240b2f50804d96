//! The command line as clap parses it.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use super::command_line::{Command, CommandLine};

#[test]
fn the_command_line_is_well_formed() {
    CommandLine::command().debug_assert();
}

#[test]
fn an_analysis_needs_either_a_device_or_a_user() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "analyze"], rest].concat());
    assert!(matches!(parse(&["pump"]).unwrap().command, Some(Command::Analyze(_))));
    assert!(parse(&["--user", "7", "--from", "2026-01-01", "--until", "2026-02-01"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["pump", "--user", "7"]).is_err());
    assert!(parse(&["pump", "--end-time", "2026-01-01", "--until", "2026-02-01"]).is_err());
}

#[test]
fn sealing_needs_either_all_devices_or_one() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "seal"], rest].concat());
    assert!(parse(&["--all"]).is_ok());
    assert!(parse(&["--device", "pump"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["--all", "--device", "pump"]).is_err());
}

#[test]
fn the_help_of_each_command_shows_only_its_own_settings() {
    let server = [
        "--listen",
        "--tls-certificate",
        "--tls-key",
        "--connections-per-address",
        "--trusted-proxy",
        "--cache-mib",
        "--queries-max",
        "--hot-readings-max",
        "--seal-after-seconds",
        "--keep-keys-seconds",
        "--migrate",
    ];
    let database = ["--database-url", "--postgres-password", "--database-ca"];
    let client = ["--url"];
    let none: [&str; 0] = [];
    let mut root = CommandLine::command();
    root.build();
    let mut helps = vec![("root".to_owned(), root.render_long_help().to_string())];
    let mut commands: Vec<_> =
        root.get_subcommands().map(|command| (String::new(), command.clone())).collect();
    while let Some((parent, mut command)) = commands.pop() {
        let name = format!("{parent}{}", command.get_name());
        helps.push((name.clone(), command.render_long_help().to_string()));
        let parent = format!("{name} ");
        commands.extend(command.get_subcommands().map(|command| (parent.clone(), command.clone())));
    }
    for (name, help) in helps {
        let shown: Vec<&str> = match name.split(' ').next().unwrap() {
            "root" | "serve" => [&server[..], &database].concat(),
            "config" => [&server[..], &database, &client].concat(),
            "migrate" | "seal" | "verify" | "repair" | "token" | "audit" => database.to_vec(),
            "openapi" | "completions" | "man" | "help" => none.to_vec(),
            "health" => [&server[..3], &client].concat(),
            _ => client.to_vec(),
        };
        for flag in server.iter().chain(&database).chain(&client) {
            let is_shown = help.contains(&format!("{flag} <"));
            // The subcommand `help` lists the other commands only.
            let is_help = name.split(' ').any(|part| part == "help");
            assert_eq!(is_shown, shown.contains(flag) && !is_help, "{name}: {flag}");
        }
    }
}

#[test]
fn a_deletion_of_readings_needs_a_choice() {
    let parse = |rest: &[&str]| {
        CommandLine::try_parse_from([&["device-stats", "readings", "delete", "pump"], rest].concat())
    };
    assert!(parse(&["--all"]).is_ok());
    assert!(parse(&["--start-time", "2026-01-01"]).is_ok());
    assert!(parse(&["--all", "--until", "2026-01-01"]).is_err());
    assert!(parse(&["--until", "2026-01-01", "--end-time", "2026-01-01"]).is_err());
}

/// Texts that parsers of the standard library and of clap would print.
const LIBRARY_TEXTS: [&str; 8] = [
    "invalid digit",
    "invalid float",
    "cannot parse",
    "is not in ",
    "number too large",
    "from empty string",
    "provided string was",
    "os error",
];

/// Returns each flag with a value, after the names of its commands.
fn flags_with_values(command: &clap::Command, line: &[String], found: &mut Vec<Vec<String>>) {
    for flag in command.get_arguments().filter(|flag| flag.get_action().takes_values()) {
        let Some(name) = flag.get_long() else { continue };
        found.push([line, &[format!("--{name}")]].concat());
    }
    for command in command.get_subcommands() {
        flags_with_values(command, &[line, &[command.get_name().to_owned()]].concat(), found);
    }
}

/// `--skip x` was refused with "invalid digit found in string".
#[test]
fn a_refused_value_is_described_in_our_own_words() {
    let mut lines = Vec::new();
    flags_with_values(&CommandLine::command(), &["device-stats".to_owned()], &mut lines);
    let mut refused = 0;
    for line in lines {
        for value in ["?!", "-1", "1e999", "99999999999999999999999", ""] {
            let (flag, commands) = line.split_last().unwrap();
            let words = [commands, &[format!("{flag}={value}")]].concat();
            let Err(error) = CommandLine::try_parse_from(words) else { continue };
            let text = error.to_string();
            assert!(!LIBRARY_TEXTS.iter().any(|part| text.contains(part)), "{line:?} {value}: {text}");
            if error.kind() == clap::error::ErrorKind::ValueValidation {
                let expected = format!("error: invalid value '{value}' for '{flag} <");
                assert!(text.starts_with(&expected), "{line:?}: {text}");
                refused += 1;
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

/// The error named the first alternative only.
#[test]
fn a_missing_choice_names_all_alternatives() {
    for (line, expected) in [
        ("analyze", "<DEVICE|--user <NAME_OR_ID>>"),
        ("series --magnitude", "<DEVICE|--user <NAME_OR_ID>>"),
        ("histogram", "<DEVICE|--user <NAME_OR_ID>>"),
        ("tail --count 1", "<DEVICE|--user <NAME_OR_ID>>"),
        ("export", "<--device <ID>|--user <NAME_OR_ID>>"),
        ("readings latest", "<DEVICE_ID|--user <NAME_OR_ID>>"),
        ("seal", "<--all|--device <DEVICE_ID>>"),
        ("devices rename pump", "<NAME|--no-name>"),
        ("devices move pump", "<--user <NAME_OR_ID>|--no-user>"),
        ("devices expect pump", "<SECONDS|--learned>"),
    ] {
        let line: Vec<&str> = std::iter::once("device-stats").chain(line.split(' ')).collect();
        let text = CommandLine::try_parse_from(&line).unwrap_err().to_string();
        let expected = format!("error: the following required arguments were not provided:\n  {expected}\n");
        assert!(text.starts_with(&expected), "{line:?}: {text}");
    }
}

#[test]
fn flags_of_other_programs_get_a_proposal() {
    for (line, expected) in [
        ("serve --port 9000", "--listen 127.0.0.1:9000"),
        ("--port=9000", "--listen 127.0.0.1:9000"),
        ("serve -p 9000", "--listen 127.0.0.1:9000"),
        ("serve --host 0.0.0.0", "--listen 0.0.0.0:8000"),
        ("serve --bind", "--listen 127.0.0.1:8000"),
        ("serve --db a.db", "--database-url sqlite:PATH"),
        ("verify --database a.db", "--database-url sqlite:PATH"),
        ("analyze pump --host db", "--url http://db:8000"),
        ("health --port 9000", "--listen 127.0.0.1:9000"),
        ("users list --port 9000", "--url http://HOST:9000"),
        ("users list --server db", "--url http://db:8000"),
    ] {
        let line: Vec<OsString> =
            std::iter::once("device-stats").chain(line.split(' ')).map(Into::into).collect();
        let text = super::parse(&line).unwrap_err().to_string();
        assert!(text.contains("  tip: set the ") && text.contains(expected), "{line:?}: {text}");
        assert!(!text.contains("--postgres"), "{line:?}: {text}");
        assert!(!text.contains("postgres-port"), "{text}");
    }
    let other = super::parse(&["device-stats", "serve", "--listn", "h:1"].map(Into::into)).unwrap_err();
    assert!(other.to_string().contains("--listen"), "{other}");
}
