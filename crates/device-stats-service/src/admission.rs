//! How much memory all bodies together may take while they are read and until their readings are stored. Each has a limit of
//! its own, but there may be as many as there are connections.

use device_stats_domain::limits::{BODIES_BYTES_MAX, BODY_BYTES_FREE};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::ServiceError;

/// In this many bytes room is counted.
const UNIT_BYTES: usize = 1024;

/// The room there is, for the whole process: that is what runs out of memory.
static ROOM: Semaphore = Semaphore::const_new(BODIES_BYTES_MAX / UNIT_BYTES);

/// Room for what has been read of one body, until it is dropped.
#[derive(Debug, Default)]
pub struct Held {
    room: Option<SemaphorePermit<'static>>,
}

impl Held {
    /// Makes sure that there is room for so many bytes. The first [`BODY_BYTES_FREE`] are not counted, so that single readings
    /// are taken where batches are too many.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`], at once.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), ServiceError> {
        let units = bytes.saturating_sub(BODY_BYTES_FREE).div_ceil(UNIT_BYTES);
        let more = units.saturating_sub(self.room.as_ref().map_or(0, SemaphorePermit::num_permits));
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let more = ROOM.try_acquire_many(more).map_err(|_| ServiceError::QueueFull)?;
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_given_back() {
        let half = BODIES_BYTES_MAX / 2;
        let [mut one, mut other, mut third] = [(); 3].map(|()| Held::default());
        one.grow_to(half).unwrap();
        // Less than before is no more, and what few bodies hold is free.
        one.grow_to(1).unwrap();
        other.grow_to(half).unwrap();
        third.grow_to(BODY_BYTES_FREE).unwrap();
        assert!(matches!(third.grow_to(half), Err(ServiceError::QueueFull)));
        drop(one);
        third.grow_to(half).unwrap();
        other.grow_to(half + 1).unwrap();
        assert!(other.grow_to(BODIES_BYTES_MAX).is_err());
    }
}
