//! The signals that stop a command: SIGINT and SIGTERM.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// The signals that this process receives. They no longer end it by themselves.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Catches the signals from now on. Call it inside a runtime.
    ///
    /// # Errors
    /// If a signal cannot be caught.
    pub(super) fn catch() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

/// Catches the signals from now on, and returns a future of the next one. Call it inside a runtime.
///
/// # Errors
/// If a signal cannot be caught.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = StopSignal>> {
    let mut signals = StopSignals::catch()?;
    Ok(async move { signals.next().await })
}
