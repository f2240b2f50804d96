//! The command line: all commands with their settings.

use clap::{Parser, Subcommand};

use super::{
    analyze, audit, bench, completions, devices, exit_code, export, histogram, import, man, readings, repair,
    seal, series, tail, tokens, users, verify,
};
use crate::settings::{ALL, CLIENT, MAINTENANCE, SERVE, export_flags, flags, health_flags, root_flags};

/// Store readings of devices and analyze them exactly, over HTTP
#[derive(Debug, Parser)]
#[command(name = "device-stats", version, args = root_flags(), after_help = exit_code::HELP)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve requests (the default command)
    #[command(args = flags(SERVE))]
    Serve,
    /// Apply missing migrations to the database
    #[command(args = flags(MAINTENANCE))]
    Migrate,
    /// Seal readings and merge small segments now, directly in the database
    #[command(args = flags(MAINTENANCE))]
    Seal(seal::Arguments),
    /// Read every segment in the database and compare its contents with its statistics
    #[command(args = flags(MAINTENANCE))]
    Verify(verify::Arguments),
    /// Drop damaged hot readings of a SQLite database; stop the server first
    #[command(args = flags(MAINTENANCE))]
    Repair(repair::Arguments),
    /// Send the readings of a file to a server and register missing devices
    #[command(args = flags(CLIENT))]
    Import(import::Arguments),
    /// Write all readings of a device or a user to a file
    #[command(args = export_flags())]
    Export(export::Arguments),
    /// Print statistics of the readings of a device or a user
    #[command(args = flags(CLIENT))]
    Analyze(analyze::Arguments),
    /// Print statistics for each bucket of a period
    #[command(args = flags(CLIENT))]
    Series(series::Arguments),
    /// Print the number of readings in each bin of values
    #[command(args = flags(CLIENT))]
    Histogram(histogram::Arguments),
    /// Print readings as they arrive
    #[command(args = flags(CLIENT))]
    Tail(tail::Arguments),
    /// List, show, register, change and delete users
    #[command(subcommand, args = flags(CLIENT))]
    Users(users::Command),
    /// List, show, register, change and delete devices
    #[command(subcommand, args = flags(CLIENT))]
    Devices(devices::Command),
    /// List, show and delete readings
    #[command(subcommand, args = flags(CLIENT))]
    Readings(readings::Command),
    /// Create, list and revoke access tokens, directly in the database
    #[command(subcommand, args = flags(MAINTENANCE))]
    Token(tokens::Command),
    /// Print the audit log: who changed what, and when, directly from the database
    #[command(args = flags(MAINTENANCE))]
    Audit(audit::Arguments),
    /// Measure the performance of a server
    #[command(subcommand, args = flags(CLIENT))]
    Bench(bench::Command),
    /// Print the `OpenAPI` document
    #[command(about = "Print the OpenAPI document")]
    Openapi,
    /// Print the settings in force, with secrets hidden, and the source of each
    #[command(args = flags(ALL))]
    Config,
    /// Check that a server can answer requests
    #[command(args = health_flags())]
    Health,
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print the manual page, or write a page for each command
    Man(man::Arguments),
}
