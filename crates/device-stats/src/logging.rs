//! The log of the process on stderr, as text or JSON, with panics. No line shows a token.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};

use device_stats_domain::redact_tokens;
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
    let has_color = io::stderr().is_terminal() && !is_color_forbidden();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| RedactedLines(io::stderr()));
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

/// A writer of log lines that redacts tokens. With a filter such as `trace`, libraries log what clients send:
/// for example, the PostgreSQL driver logs the parameters of statements.
struct RedactedLines<W>(W);

impl<W: Write> Write for RedactedLines<W> {
    /// Writes lines. The log passes each line as a whole.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.write_all(redact_tokens(&String::from_utf8_lossy(lines)).as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Token, TokenKind};

    use super::*;

    #[test]
    fn lines_are_written_without_tokens() {
        let token = Token::from_random(TokenKind::Device, &[7; 32]);
        let mut written = Vec::new();
        for line in [format!("statement with [\"{}\"]\n", token.expose()), "pump \u{fc}\n".to_owned()] {
            RedactedLines(&mut written).write_all(line.as_bytes()).unwrap();
        }
        let expected = "statement with [\"dss_d_BwcHBw***\"]\npump \u{fc}\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
