//! Output of the commands on stdout.

use std::io::{ErrorKind, Stdout, Write};
use std::ops::ControlFlow;

use anyhow::Context;

/// Prints text. A closed pipe (`device-stats openapi | head`) is not an error.
///
/// # Errors
/// If stdout cannot be written, except for a closed pipe.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    write(&mut std::io::stdout(), text.as_bytes()).map(|_| ())
}

/// Writes and flushes bytes. Breaks if the reader has closed the pipe.
///
/// # Errors
/// As [`print`].
pub(super) fn write(stdout: &mut Stdout, bytes: &[u8]) -> anyhow::Result<ControlFlow<()>> {
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        written => written.map(ControlFlow::Continue).context("stdout cannot be written"),
    }
}
