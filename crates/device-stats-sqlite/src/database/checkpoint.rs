//! Checkpoints. A checkpoint moves the changes in the write-ahead log to the main file of the database. Only
//! then can the log start again from its beginning.
//!
//! SQLite's automatic checkpoints are disabled, because they discard their errors. The store decides when a
//! checkpoint is due, and checks each result: [`Disk`](super::disk::Disk) writes nothing more after an I/O
//! error.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Result};

use crate::limits::{CHECKPOINT_PAGES, RESTART_PAGES, RESTART_WAIT, RESTART_WAIT_MAX};

/// How far a checkpoint goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Moves nothing; only returns the state of the log.
    Measure,
    /// Moves the changes that no reader prevents from being moved. Waits for nobody.
    Passive,
    /// Waits for readers and moves all changes. The next commit starts the log again from its beginning.
    Restart,
    /// As `Restart`, and truncates the log to an empty file.
    Truncate,
}

/// The state of the write-ahead log after a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogState {
    /// Whether a reader or writer has prevented a part of the checkpoint.
    pub(crate) is_blocked: bool,
    /// Number of pages in the log.
    pub(crate) pages: u32,
    /// Number of these pages that are in the main file.
    pub(crate) moved: u32,
}

/// Disables the automatic checkpoints of a connection, except the checkpoint when the last connection is
/// closed.
pub(crate) fn disable_automatic(connection: &Connection) -> Result<()> {
    // This pragma returns a row.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))
}

/// Sets whether closing the connection runs a checkpoint, if no other connection is open. SQLite discards its
/// error, but keeps the log after an error.
pub(crate) fn set_checkpoint_on_close(connection: &Connection, is_enabled: bool) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !is_enabled).map(drop)
}

/// Runs a checkpoint. Call it outside a transaction.
pub(crate) fn checkpoint(connection: &Connection, mode: Mode) -> Result<LogState> {
    let mut pragma = connection.prepare_cached(match mode {
        Mode::Measure => "PRAGMA wal_checkpoint(NOOP)",
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Restart => "PRAGMA wal_checkpoint(RESTART)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    })?;
    pragma.query_row([], |row| {
        // Both numbers are -1 if nothing is known about the log, because it was locked.
        let pages = |column| row.get(column).map(|pages: i64| u32::try_from(pages).unwrap_or(0));
        Ok(LogState { is_blocked: row.get(0)?, pages: pages(1)?, moved: pages(2)? })
    })
}

/// Moves all changes that an earlier process has left in the log to the main file, before the database is
/// used. Waits for nobody: if another process uses the database, a part may stay in the log. If the disk is
/// full, everything stays there. `connection` must not run a checkpoint when it is closed; after a success,
/// this function lets it, and closing removes the empty log.
///
/// # Errors
/// Any other error: the database must not be used.
pub(crate) fn checkpoint_at_start(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    match checkpoint(connection, Mode::Truncate) {
        Ok(LogState { is_blocked: false, .. }) => set_checkpoint_on_close(connection, true),
        Ok(LogState { pages, moved, .. }) => {
            tracing::info!(
                pages,
                moved,
                "another process uses the database; changes stay in the write-ahead log"
            );
            Ok(())
        }
        Err(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::ReadOnly)) =>
        {
            tracing::warn!(%error, "the changes in the write-ahead log cannot be moved to the main file; they stay in the log");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Decides when a checkpoint is due, and whether it waits for readers, by the number of pages in the log.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// Number of pages in the log at the last checkpoint, and 0 after the log has started again.
    pages_at_last: u32,
    /// Number of pages in the log at the last checkpoint that has waited for readers without success, and 0
    /// after the log has started again.
    pages_at_blocked: u32,
}

impl Schedule {
    /// Returns whether a checkpoint is due when the log has this number of pages.
    pub(crate) fn is_due(&mut self, pages: u32) -> bool {
        if pages < self.pages_at_last {
            *self = Self::default();
        }
        pages - self.pages_at_last >= CHECKPOINT_PAGES
    }

    /// Returns the mode of a checkpoint of a log with this number of pages, and the time for which it waits
    /// for readers. Without waiting, readers that follow each other closely would keep the log growing. A
    /// reader that has blocked a checkpoint for its whole wait is likely to block the next one, too, so no
    /// checkpoint waits until the log has twice as many pages.
    pub(crate) fn mode(&self, pages: u32) -> (Mode, Duration) {
        match pages / RESTART_PAGES {
            0 => (Mode::Passive, Duration::ZERO),
            _ if pages / 2 < self.pages_at_blocked => (Mode::Passive, Duration::ZERO),
            times => (Mode::Restart, (RESTART_WAIT * times).min(RESTART_WAIT_MAX)),
        }
    }

    /// Records a checkpoint of a log with this number of pages.
    pub(crate) fn note(&mut self, pages: u32, is_blocked: bool) {
        self.pages_at_last = pages;
        if is_blocked {
            self.pages_at_blocked = pages;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_whenever_the_log_has_grown() {
        let mut schedule = Schedule::default();
        assert!(!schedule.is_due(CHECKPOINT_PAGES - 1));
        assert!(schedule.is_due(CHECKPOINT_PAGES));
        // A checkpoint that a reader blocks is not tried again at each commit.
        schedule.note(CHECKPOINT_PAGES, true);
        assert!(!schedule.is_due(2 * CHECKPOINT_PAGES - 1));
        assert!(schedule.is_due(2 * CHECKPOINT_PAGES));
        // The log starts again from its beginning.
        schedule.note(2 * CHECKPOINT_PAGES, false);
        assert!(!schedule.is_due(1));
        assert!(schedule.is_due(CHECKPOINT_PAGES + 1));
    }

    #[test]
    fn a_long_log_waits_longer_for_readers() {
        let schedule = Schedule::default();
        assert_eq!(schedule.mode(RESTART_PAGES - 1), (Mode::Passive, Duration::ZERO));
        assert_eq!(schedule.mode(RESTART_PAGES), (Mode::Restart, RESTART_WAIT));
        assert_eq!(schedule.mode(5 * RESTART_PAGES), (Mode::Restart, 5 * RESTART_WAIT));
        assert_eq!(schedule.mode(u32::MAX), (Mode::Restart, RESTART_WAIT_MAX));
    }

    /// After a checkpoint that a long read had blocked, each further checkpoint waited for the same read, and
    /// all writes with it.
    #[test]
    fn a_read_that_blocks_every_checkpoint_is_waited_for_at_each_doubling_of_the_log() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        for pages in (0..=17 * RESTART_PAGES).step_by(CHECKPOINT_PAGES as usize) {
            if schedule.is_due(pages) {
                let is_waiting = schedule.mode(pages).0 == Mode::Restart;
                waits.extend(is_waiting.then_some(pages / RESTART_PAGES));
                schedule.note(pages, is_waiting);
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        // The read has ended, and the log starts again from its beginning.
        assert!(!schedule.is_due(1));
        assert_eq!(schedule.mode(RESTART_PAGES), (Mode::Restart, RESTART_WAIT));
    }
}
