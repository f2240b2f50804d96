//! Runs one command and returns its exit code. Each command has a file of its own.

mod alternatives;
mod analyze;
mod audit;
mod bench;
mod command_line;
mod completions;
mod config;
mod confirmation;
mod devices;
mod error_report;
mod exit_code;
mod export;
mod find_user;
mod health;
mod histogram;
mod import;
mod man;
mod migrate;
mod misnamed_flag;
mod not_found;
mod number_flags;
mod openapi;
mod operator;
mod period_flags;
mod plural;
mod progress;
mod readings;
mod readings_flags;
mod relative_time;
mod repair;
mod results;
mod retry_flags;
mod seal;
mod series;
mod serve;
mod stdout;
mod stop_signal;
mod store_devices;
mod tail;
#[cfg(test)]
mod tests;
mod tokens;
mod usage;
mod users;
mod verify;

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use device_stats_domain::error_chain;

use crate::logging;
use crate::settings::{Settings, Values};
use command_line::{Command, CommandLine};

/// Time limit for blocking work that is still running when the process ends.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs the command that the command line, the environment and the settings file specify. Returns the exit
/// code: 0 for success, otherwise the code of the failure.
pub fn run() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    match parse(&line) {
        Ok((command, settings, values)) => match run_async(&settings, execute(command, &settings, &values)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => error_report::report(&error, settings.output),
        },
        Err(error) => error_report::report_usage(&error, &line),
    }
}

/// Parses the command line and the settings of its command.
fn parse(line: &[OsString]) -> Result<(Command, Settings, Values), clap::Error> {
    let mut root = CommandLine::command();
    let matches =
        root.try_get_matches_from_mut(line).map_err(|error| misnamed_flag::explain(error, &root, line))?;
    let command = CommandLine::from_arg_matches(&matches)?.command.unwrap_or(Command::Serve);
    let invalid = |error: &dyn Display| root.clone().error(ErrorKind::ValueValidation, error);
    let values = Values::collect(&root, &matches, crate::settings::variable)
        .map_err(|error| invalid(&error_chain(&error)))?;
    let settings = Settings::parse(&values).map_err(|error| invalid(&error))?;
    Ok((command, settings, values))
}

async fn execute(command: Command, settings: &Settings, values: &Values) -> anyhow::Result<()> {
    match command {
        Command::Config => config::print(&settings.entries(values), settings.output),
        Command::Openapi => openapi::print(),
        Command::Completions(arguments) => completions::print(&arguments, CommandLine::command()),
        Command::Man(arguments) => man::print(&arguments, CommandLine::command()),
        Command::Serve => serve::serve(settings, &settings.entries(values)).await,
        Command::Migrate => migrate::migrate(settings).await,
        Command::Seal(arguments) => seal::seal(&arguments, settings).await,
        Command::Verify(arguments) => verify::verify(&arguments, settings).await,
        Command::Repair(arguments) => repair::repair(&arguments, settings).await,
        Command::Import(arguments) => import::import(&arguments, settings).await,
        Command::Export(arguments) => export::export(&arguments, settings).await,
        Command::Analyze(arguments) => analyze::analyze(&arguments, settings).await,
        Command::Series(arguments) => series::series(&arguments, settings).await,
        Command::Histogram(arguments) => histogram::histogram(&arguments, settings).await,
        Command::Tail(arguments) => tail::tail(&arguments, settings).await,
        Command::Users(command) => users::run(command, settings).await,
        Command::Devices(command) => devices::run(command, settings).await,
        Command::Readings(command) => readings::run(command, settings).await,
        Command::Token(command) => tokens::run(command, settings).await,
        Command::Audit(arguments) => audit::audit(&arguments, settings).await,
        Command::Bench(bench::Command::Load(arguments)) => bench::load(&arguments, settings).await,
        Command::Health => health::check(settings).await,
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
