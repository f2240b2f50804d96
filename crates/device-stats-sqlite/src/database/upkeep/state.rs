//! The state of the upkeep, which all connections share.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::database::checkpoint::Schedule;

/// The state of the upkeep. It only changes on the writing connection, except after an error.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    checkpoints: Mutex<Schedule>,
    /// Whether the task runs.
    pub(super) is_running: AtomicBool,
    /// Ends a pause of the task when a checkpoint is due.
    pub(super) checkpoint_due: Notify,
}

impl Upkeep {
    pub(super) fn checkpoints(&self) -> MutexGuard<'_, Schedule> {
        // No code under this lock can panic halfway through a change.
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
