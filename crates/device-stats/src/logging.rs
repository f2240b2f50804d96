//! The log of the process on stderr, as text or JSON, with panics.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings, is_color_forbidden};

/// An error that prevents the start of the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoggingError {
    /// The filter is invalid.
    #[error("--log or RUST_LOG: {filter:?} is not a filter; an example is info,device_stats=debug")]
    Filter {
        /// The filter.
        filter: String,
    },
    /// The process has a log already.
    #[error("the log cannot start")]
    AlreadyStarted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts the log of the process.
///
/// # Errors
/// [`LoggingError`] for an invalid filter, and on a second call.
pub(crate) fn start(settings: &Settings) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder()
        .parse(&settings.log)
        .map_err(|_| LoggingError::Filter { filter: settings.log.clone() })?;
    let has_color = std::io::stderr().is_terminal() && !is_color_forbidden();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(has_color).try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(LoggingError::AlreadyStarted)
}

/// Writes panics to the log, with a backtrace if `RUST_BACKTRACE` is set.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("(no message)");
        let location = panic.location().map(ToString::to_string);
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(location, backtrace, "panicked: {message}");
    }));
}
