//! The error of a command line that clap accepts and the command cannot carry out.

/// A wrong use of a command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);
