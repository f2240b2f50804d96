//! The command line as clap parses it.

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
        "--cache-mib",
        "--queries-max",
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
            "migrate" | "seal" | "verify" => database.to_vec(),
            "openapi" | "completions" | "man" | "help" => none.to_vec(),
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
