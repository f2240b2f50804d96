//! The log: to stderr, as text or as JSON, panics included.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// Libraries that would write parts of bodies to the log: lines that are no line protocol.
const SILENCED: &str = "influxdb_line_protocol=off";

/// Why the log cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoggingError {
    /// The filter is not understood.
    #[error("--log or RUST_LOG: {filter:?} is no filter")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else in this process logs already.
    #[error("the log cannot start")]
    Taken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts the log of this process; to be called once.
///
/// # Errors
/// [`LoggingError`] where the filter is not understood, and on a second call.
pub(crate) fn start(settings: &Settings) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder()
        .parse(format!("{},{SILENCED}", settings.log))
        .map_err(|source| LoggingError::Filter { filter: settings.log.clone(), source })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(LoggingError::Taken)
}

/// Makes panics part of the log, so that they have its form and its time. The backtrace is there where
/// `RUST_BACKTRACE` asks for it.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = message(panic);
        let location = panic.location().map(ToString::to_string);
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(location, backtrace, "panicked: {message}");
    }));
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("(no message)")
}
