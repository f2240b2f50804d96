//! The signals that stop a command: SIGINT and SIGTERM.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// A signal that stops a command. As an error, it is the reason why a command stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StopSignal {
    /// Sent by Ctrl-C.
    #[error("SIGINT")]
    Interrupt,
    /// Sent by `kill`, for instance by a container that stops.
    #[error("SIGTERM")]
    Terminate,
}

impl StopSignal {
    /// Returns the exit code of a stopped command: 128 plus the number of the signal, as in a shell.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }
}

/// Catches the signals from now on, and returns a future of the next one. Call it inside a runtime.
///
/// # Errors
/// If a signal cannot be caught.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = StopSignal>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => StopSignal::Interrupt,
            _ = terminate.recv() => StopSignal::Terminate,
        }
    })
}
