//! The command line: which command, with which settings, and how it ends. Settings are told from each other in
//! [`settings`](crate::settings); each command has its file.

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
mod store_devices;
#[cfg(test)]
mod tests;
mod verify;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::logging;
use crate::settings::{Flags, Settings};
use device_stats_domain::error_chain;

/// How long work that no request waits for any more may go on when the process ends.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Receives readings of devices over HTTP, keeps them, and analyzes them
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
    /// Serve requests (what happens without a command, too)
    Serve,
    /// Apply the migrations that the database lacks
    Migrate,
    /// Seal readings and merge small segments now, directly in the database
    Seal(seal::Arguments),
    /// Read every segment in the database and compare all it says with its readings; the exit code tells
    Verify(verify::Arguments),
    /// Send the readings of a file to a server, and register the devices that are missing there
    Import(import::Arguments),
    /// Write the readings of a device, or of all devices of a user, from a server to a file
    Export(export::Arguments),
    /// Have a server analyze the readings of a device, or of all devices of a user
    Analyze(analyze::Arguments),
    /// See how fast a server is, with readings that are made up
    #[command(subcommand)]
    Bench(bench::Command),
    #[command(about = "Print the OpenAPI document")]
    Openapi,
    /// Print the settings in force, secrets hidden
    Config,
    /// Ask a server whether it can serve requests; the exit code tells
    Health,
}

/// Reads the command line and the environment, does what they ask, and returns the exit code: 0, 1 for what failed, 2
/// for a command line or setting that makes no sense.
pub fn run() -> ExitCode {
    let matches = CommandLine::command().get_matches();
    let command_line = match CommandLine::from_arg_matches(&matches) {
        Ok(command_line) => command_line,
        Err(error) => error.exit(),
    };
    let settings = match Settings::from_flags(&command_line.settings) {
        Ok(settings) => settings,
        Err(error) => CommandLine::command().error(clap::error::ErrorKind::ValueValidation, error).exit(),
    };
    let result = match command_line.command {
        Some(Command::Config) => config::print(&settings.entries(&command_line.settings, &matches)),
        Some(Command::Openapi) => openapi::print(),
        command => logging::start(&settings)
            .map_err(anyhow::Error::from)
            .and_then(|()| in_runtime(execute(command.unwrap_or(Command::Serve), &settings))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where even this fails.
            let _ = writeln!(std::io::stderr(), "error: {}", error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Serve => serve::serve(settings).await,
        Command::Migrate => migrate::migrate(settings).await,
        Command::Seal(arguments) => seal::seal(&arguments, settings).await,
        Command::Verify(arguments) => verify::verify(&arguments, settings).await,
        Command::Import(arguments) => import::import(&arguments, &settings.url).await,
        Command::Export(arguments) => export::export(&arguments, &settings.url).await,
        Command::Analyze(arguments) => analyze::analyze(&arguments, &settings.url).await,
        Command::Bench(bench::Command::Load(arguments)) => bench::load(&arguments, &settings.url).await,
        Command::Health => health::check(&settings.url).await,
        Command::Openapi => openapi::print(),
        Command::Config => Ok(()),
    }
}

fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    // The provider can be installed only once; a second call finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let result = runtime.block_on(work);
    // A call that waits for the lock of a database would keep the process for as long.
    runtime.shutdown_timeout(EXIT_TIMEOUT);
    result
}

/// Writes to stdout. That a reader has seen enough (`device-stats openapi | head`) is no failure.
///
/// # Errors
/// Those of writing, but for a pipe whose reader has gone.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("stdout cannot be written"),
        _ => Ok(()),
    }
}
