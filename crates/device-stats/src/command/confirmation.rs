//! The confirmation of a deletion by the user.

use std::io::{self, IsTerminal, Write};

use super::usage::UsageError;

/// The flag `--yes`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct YesFlag {
    /// Delete without asking for confirmation; required if stdin is not a terminal
    #[arg(long)]
    yes: bool,
}

/// The user did not confirm a deletion.
#[derive(Debug, thiserror::Error)]
#[error("nothing was deleted")]
struct Declined;

impl YesFlag {
    /// Asks the user to confirm a deletion, unless `--yes` is given.
    ///
    /// # Errors
    /// If the user does not confirm, or if stdin is not a terminal.
    pub(super) fn confirm(self, deletion: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            let problem = format!("to {deletion} without a terminal, add --yes");
            return Err(UsageError(problem).into());
        }
        let mut stderr = io::stderr();
        write!(stderr, "{deletion}? This cannot be undone [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        stdin.read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Declined.into()),
        }
    }
}
