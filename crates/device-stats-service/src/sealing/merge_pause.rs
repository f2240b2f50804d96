//! Pauses of merges, for queries whose segments were merged repeatedly before they were read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pauses of the merges of this node. A clone refers to the same pauses.
#[derive(Clone, Debug, Default)]
pub(crate) struct MergePauses(Arc<AtomicUsize>);

/// A pause, until it is dropped.
#[derive(Debug)]
pub(crate) struct MergePause(MergePauses);

impl MergePauses {
    /// Begins a pause. A merge that is replacing its segments is completed.
    pub(crate) fn begin(&self) -> MergePause {
        self.0.fetch_add(1, Ordering::Relaxed);
        MergePause(self.clone())
    }

    /// Returns whether no segments may be replaced now.
    pub(crate) fn are_merges_paused(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for MergePause {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
