//! The command line: parses it, runs one command, and returns the exit code. Each command has a file of its
//! own.

mod analyze;
mod bench;
mod config;
mod export;
mod health;
mod import;
mod migrate;
mod openapi;
mod progress;
mod readings_flags;
mod retry_flags;
mod seal;
mod serve;
mod stdout;
mod stop_signal;
mod store_devices;
#[cfg(test)]
mod tests;
mod verify;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use device_stats_domain::error_chain;

use crate::logging;
use crate::settings::{Flags, Settings};
use stop_signal::StopSignal;

/// Time limit for blocking work that is still running when the process ends.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Store readings of devices and analyze them exactly, over HTTP
#[derive(Debug, Parser)]
#[command(name = "device-stats", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve requests (the default command)
    Serve,
    /// Apply missing migrations to the database
    Migrate,
    /// Seal readings and merge small segments now, directly in the database
    Seal(seal::Arguments),
    /// Read every segment in the database and compare its contents with its statistics
    Verify(verify::Arguments),
    /// Send the readings of a file to a server and register missing devices
    Import(import::Arguments),
    /// Write all readings of a device or a user to a file
    Export(export::Arguments),
    /// Print statistics of the readings of a device or a user
    Analyze(analyze::Arguments),
    /// Measure the performance of a server
    #[command(subcommand)]
    Bench(bench::Command),
    /// Print the `OpenAPI` document
    #[command(about = "Print the OpenAPI document")]
    Openapi,
    /// Print the settings in force, with secrets hidden, and the source of each
    Config,
    /// Check that a server can answer requests
    Health,
}

/// Runs the command that the command line and the environment specify. Returns the exit code: 0 for success,
/// 1 for a failure, 2 for an invalid command line or setting, 130 or 143 for an export that SIGINT or SIGTERM
/// stopped.
pub fn run() -> ExitCode {
    let matches = CommandLine::command().get_matches();
    let command_line = match CommandLine::from_arg_matches(&matches) {
        Ok(command_line) => command_line,
        Err(error) => error.exit(),
    };
    let settings = match Settings::from_flags(&command_line.settings) {
        Ok(settings) => settings,
        Err(error) => CommandLine::command().error(ErrorKind::ValueValidation, error).exit(),
    };
    let result = match command_line.command.unwrap_or(Command::Serve) {
        Command::Config => config::print(&settings.entries(&command_line.settings, &matches)),
        Command::Openapi => openapi::print(),
        Command::Serve => run_async(&settings, serve::serve(&settings)),
        Command::Migrate => run_async(&settings, migrate::migrate(&settings)),
        Command::Seal(arguments) => run_async(&settings, seal::seal(&arguments, &settings)),
        Command::Verify(arguments) => run_async(&settings, verify::verify(&arguments, &settings)),
        Command::Import(arguments) => run_async(&settings, import::import(&arguments, &settings.url)),
        Command::Export(arguments) => run_async(&settings, export::export(&arguments, &settings.url)),
        Command::Analyze(arguments) => run_async(&settings, analyze::analyze(&arguments, &settings.url)),
        Command::Bench(bench::Command::Load(arguments)) => {
            run_async(&settings, bench::load(&arguments, &settings.url))
        }
        Command::Health => run_async(&settings, health::check(&settings.url)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code alone reports the error.
            let _ = writeln!(std::io::stderr(), "error: {}", error_chain(error.as_ref()));
            match error.downcast_ref::<StopSignal>() {
                Some(signal) => ExitCode::from(signal.exit_code()),
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// Starts the log and runs a command in a new runtime.
fn run_async(settings: &Settings, command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    logging::start(settings)?;
    // The cryptography of TLS can be installed once per process. A second call therefore ignores the error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let result = runtime.block_on(command);
    // The runtime cannot cancel a blocking call, and such a call may wait long for the lock of a database.
    runtime.shutdown_timeout(EXIT_TIMEOUT);
    result
}
