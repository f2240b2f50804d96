//! The command line as clap parses it.

use clap::{CommandFactory, Parser};

use super::{Command, CommandLine};

#[test]
fn the_command_line_is_well_formed() {
    CommandLine::command().debug_assert();
}

#[test]
fn settings_are_accepted_before_and_after_a_command_and_without_one() {
    for line in [
        &["device-stats", "--listen", "[::1]:1"][..],
        &["device-stats", "serve", "--listen", "[::1]:1"],
        &["device-stats", "--listen", "[::1]:1", "serve"],
    ] {
        assert_eq!(CommandLine::try_parse_from(line).unwrap().settings.listen, "[::1]:1");
    }
}

#[test]
fn an_analysis_needs_either_a_device_or_a_user() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "analyze"], rest].concat());
    assert!(matches!(parse(&["pump"]).unwrap().command, Some(Command::Analyze(_))));
    assert!(parse(&["--user", "7", "--from", "2026-01-01"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["pump", "--user", "7"]).is_err());
}

#[test]
fn sealing_needs_either_all_devices_or_one() {
    let parse = |rest: &[&str]| CommandLine::try_parse_from([&["device-stats", "seal"], rest].concat());
    assert!(parse(&["--all"]).is_ok());
    assert!(parse(&["--device", "pump"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["--all", "--device", "pump"]).is_err());
}
