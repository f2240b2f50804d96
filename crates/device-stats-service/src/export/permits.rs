//! How many exports there may be, and how many of them may compute: they are long, and nobody else is to wait for them.

use std::sync::Arc;
use std::thread::available_parallelism;

use device_stats_domain::limits::EXPORTS_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ServiceError;
use crate::compute::{Compute, Weight};

/// Places for exports. Cheap to clone; clones share them.
#[derive(Clone)]
pub(crate) struct Places {
    places: Arc<Semaphore>,
    /// One for each export that may compute: half of the cores are left to those who wait for an answer.
    turns: Arc<Semaphore>,
}

/// The place of an export, free again when it is dropped.
pub(crate) struct Place {
    turns: Arc<Semaphore>,
    _taken: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Semaphore::new(EXPORTS_MAX)),
            turns: Arc::new(Semaphore::new(cores.div_ceil(2))),
        }
    }

    /// A place, if one is free.
    pub(crate) fn take(&self) -> Option<Place> {
        let taken = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { turns: Arc::clone(&self.turns), _taken: taken })
    }
}

impl Place {
    /// Runs a light computation when its turn has come.
    ///
    /// # Errors
    /// Where it panicked.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        compute: &Compute,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|closed| ServiceError::Died(closed.into()))?;
        // Given back when it has ended, even if nobody waits for it any more.
        let held = move || {
            let _turn = turn;
            computation()
        };
        compute.run(Weight::Light, held).await.map_err(ServiceError::Died)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_so_many_places_and_turns_come_back() {
        let places = Places::new();
        let taken: Vec<Place> = (0..EXPORTS_MAX).filter_map(|_| places.take()).collect();
        assert_eq!(taken.len(), EXPORTS_MAX);
        assert!(places.clone().take().is_none());
        let turns = places.turns.available_permits();
        let compute = Compute::start().unwrap();
        assert!(taken[0].compute(&compute, || panic!("as it should")).await.is_err());
        assert_eq!(taken[0].compute(&compute, || 7).await.unwrap(), 7);
        assert_eq!(places.turns.available_permits(), turns);
        drop(taken);
        assert!(places.take().is_some());
    }
}
