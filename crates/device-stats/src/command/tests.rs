//! The command line as a whole: what clap makes of it.

use clap::{CommandFactory, Parser};

use super::{Command, CommandLine};

#[test]
fn the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn settings_stand_before_or_after_the_command_or_without_one() {
    for line in [
        &["device-stats", "--listen", "[::1]:1"][..],
        &["device-stats", "serve", "--listen", "[::1]:1"],
        &["device-stats", "--listen", "[::1]:1", "serve"],
    ] {
        assert_eq!(CommandLine::try_parse_from(line).unwrap().settings.listen, "[::1]:1");
    }
}

#[test]
fn an_analysis_is_of_a_device_or_of_a_user() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "analyze"], rest].concat());
    assert!(matches!(parse(&["pump"]).unwrap().command, Some(Command::Analyze(_))));
    assert!(parse(&["--user", "7", "--from", "2026-01-01"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["pump", "--user", "7"]).is_err());
}

#[test]
fn sealing_is_of_all_devices_or_of_one() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "seal"], rest].concat());
    assert!(parse(&["--all"]).is_ok());
    assert!(parse(&["--device", "pump"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["--all", "--device", "pump"]).is_err());
}
