//! The upkeep of the file between calls: due checkpoints, and the return of free pages to the file system.
//! One task does the work step by step. After each step, it lends the writing connection to the waiting
//! calls. Free pages are not urgent, so the task also pauses after it has returned some of them, unless a
//! checkpoint becomes due.

pub(crate) mod state;

use std::sync::atomic::Ordering;
use std::time::Duration;

use device_stats_domain::error_chain;
use device_stats_store::StoreError;
use futures_util::FutureExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::database::checkpoint::{LogState, Mode, checkpoint};
use crate::database::connections::Connections;
use crate::database::errors::store_error;
use crate::database::free_pages;
use crate::limits::{FREE_PAGES_PAUSE_FACTOR, FREE_PAGES_RETURNED_AT_ONCE, RESTART_WAIT_MAX};

/// The work that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// A checkpoint of a log with this number of pages.
    Checkpoint(u32),
    /// Return free pages to the file system.
    ReturnPages,
}

/// The next action of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Do the next part of the work, after a pause in which calls go first.
    After(Duration),
    /// End, because nothing is left to do.
    Nothing,
}

impl Connections {
    /// Starts the task if there is work and the task does not run. Call it on the writing connection, outside
    /// a transaction and inside a runtime.
    pub(super) fn begin_upkeep_if_due(&self, connection: &Connection) {
        match self.find_work(connection) {
            Ok(None) => {}
            Ok(Some(work)) => {
                if !self.upkeep.is_running.swap(true, Ordering::Relaxed) {
                    Handle::current().spawn(self.clone().keep_up());
                } else if matches!(work, Work::Checkpoint(_)) {
                    self.upkeep.checkpoint_due.notify_one();
                }
            }
            Err(error) => warn(&error),
        }
    }

    async fn keep_up(self) {
        loop {
            let connections = self.clone();
            match self.on_writer(move |connection| connections.do_step(connection)).await {
                Ok(Next::After(pause)) => self.pause(pause).await,
                Ok(Next::Nothing) => return,
                Err(error) => {
                    self.upkeep.is_running.store(false, Ordering::Relaxed);
                    return warn(&error);
                }
            }
        }
    }

    /// Waits for the time, or until a checkpoint is due.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.upkeep.checkpoint_due.notified() => {}
            () = sleep(time) => {}
        }
    }

    /// Does a part of the work, and returns the next action of the task.
    fn do_step(&self, connection: &mut Connection) -> Result<Next, StoreError> {
        self.disk.check()?;
        // This step does what an earlier notice asks for. Otherwise, the notice would end a later pause.
        let _ = self.upkeep.checkpoint_due.notified().now_or_never();
        let mut pause = Duration::ZERO;
        match self.find_work(connection)? {
            None => {}
            Some(Work::Checkpoint(pages)) => {
                let (mode, wait) = self.upkeep.checkpoints().mode(pages);
                // Nothing is known about the log while another process runs a checkpoint.
                if let LogState { is_blocked: true, pages: pages @ 1.., moved } =
                    self.checkpoint(connection, mode, wait, pages)?
                {
                    tracing::warn!(
                        pages,
                        moved,
                        "a long read blocks the checkpoint; the write-ahead log grows until the read ends"
                    );
                }
            }
            Some(Work::ReturnPages) => {
                let begun = Instant::now();
                self.return_pages(connection)?;
                pause = begun.elapsed() * FREE_PAGES_PAUSE_FACTOR;
            }
        }
        let has_more = self.find_work(connection)?.is_some();
        self.upkeep.is_running.store(has_more, Ordering::Relaxed);
        Ok(if has_more { Next::After(pause) } else { Next::Nothing })
    }

    fn find_work(&self, connection: &Connection) -> Result<Option<Work>, StoreError> {
        let log = checkpoint(connection, Mode::Measure)
            .map_err(|error| self.disk.note_checkpoint(connection, error))?;
        if self.upkeep.checkpoints().is_due(log.pages) {
            return Ok(Some(Work::Checkpoint(log.pages)));
        }
        let has_excess = free_pages::has_excess(connection).map_err(store_error)?;
        Ok(has_excess.then_some(Work::ReturnPages))
    }

    /// Runs a checkpoint of a log with `pages` pages, which waits for readers up to `wait`.
    fn checkpoint(
        &self,
        connection: &Connection,
        mode: Mode,
        wait: Duration,
        pages: u32,
    ) -> Result<LogState, StoreError> {
        connection.busy_timeout(wait).map_err(store_error)?;
        let log =
            checkpoint(connection, mode).map_err(|error| self.disk.note_checkpoint(connection, error))?;
        // After a checkpoint that could not begin, the next one is due when the log has grown.
        let noted = if log.is_blocked { pages.max(log.pages) } else { log.pages };
        self.upkeep.checkpoints().note(noted, log.is_blocked);
        Ok(log)
    }

    fn return_pages(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(store_error)?;
        free_pages::release(&transaction, FREE_PAGES_RETURNED_AT_ONCE).map_err(store_error)?;
        transaction.commit().map_err(|error| self.disk.note_commit(connection, error))
    }

    /// Moves all changes in the write-ahead log to the main file, and empties the log. Waits for readers.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        let connections = self.clone();
        let log = self.on_writer(move |connection| {
            connections.disk.check()?;
            connections.checkpoint(connection, Mode::Truncate, RESTART_WAIT_MAX, 0)
        });
        if log.await?.is_blocked {
            return Err(StoreError::Unavailable(
                "the write-ahead log cannot be emptied because a read is open".into(),
            ));
        }
        Ok(())
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(
        causes = error_chain(error),
        "a checkpoint or the return of free pages failed, trying again later"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::open::migrate;
    use crate::limits::{CHECKPOINT_PAGES, FREE_PAGES_KEPT};

    /// Nothing gave waiting posts their turn: the task asked for the writing connection again at once.
    #[tokio::test]
    async fn the_return_of_free_pages_pauses_after_each_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        migrate(&path).unwrap();
        let connections = Connections::new(&path, RESTART_WAIT_MAX).unwrap();
        let fill = format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {})
             INSERT INTO segment_block SELECT n, zeroblob(16384) FROM numbers;
             DELETE FROM segment_block",
            FREE_PAGES_KEPT + 2 * FREE_PAGES_RETURNED_AT_ONCE
        );
        let upkeep = connections.clone();
        let steps = connections.on_writer(move |connection| {
            connection.execute_batch(&fill).map_err(store_error)?;
            let mut steps = Vec::new();
            while let Some(work) = upkeep.find_work(connection)? {
                let begun = Instant::now();
                let next = upkeep.do_step(connection)?;
                if work == Work::ReturnPages {
                    steps.push((next, begun.elapsed()));
                }
            }
            Ok(steps)
        });
        let steps = steps.await.unwrap();
        let (_, others) = steps.split_last().unwrap();
        assert!(!others.is_empty());
        for (next, time) in others {
            let Next::After(pause) = *next else { panic!("{steps:?}") };
            assert!(pause > Duration::ZERO && pause <= *time * FREE_PAGES_PAUSE_FACTOR, "{steps:?}");
        }
    }
    /// The write-ahead log grew during the pause, because no checkpoint ran before its end.
    #[tokio::test(start_paused = true)]
    async fn a_due_checkpoint_ends_a_pause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        migrate(&path).unwrap();
        let connections = Connections::new(&path, RESTART_WAIT_MAX).unwrap();
        // The task pauses.
        connections.upkeep.is_running.store(true, Ordering::Relaxed);
        let day = Duration::from_hours(24);
        for (pages, is_due) in [(CHECKPOINT_PAGES / 2, false), (CHECKPOINT_PAGES, true)] {
            let write = format!(
                "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {pages})
                 INSERT OR REPLACE INTO segment_block SELECT n, zeroblob(16384) FROM numbers"
            );
            let write = move |connection: &Connection| connection.execute_batch(&write).map_err(store_error);
            connections.write(write).await.unwrap();
            let begun = Instant::now();
            connections.pause(day).await;
            assert_eq!(begun.elapsed() < day, is_due, "{pages} pages");
        }
    }
}
