//! Admission control: limits on the total use of one service by all its requests. A request that exceeds a
//! limit is refused at once. While requests wait too long, `load` refuses the least important ones.
//! Computations have their own limits in `compute`.

mod load;
mod query;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::load::{Load, QueueUsers, QueueWait};
pub use self::load::{RequestClass, RequestPermit};
use self::query::QueryAdmission;
pub use self::query::QueryLimits;
pub(crate) use self::query::{Query, QueryHandle};
use crate::client_limit::{ClientAddress, ClientLimit, ClientPermit};
use crate::error::ServiceError;
use crate::limits::{
    BODIES_BYTES_MAX, BODY_BYTES_UNCOUNTED, EXPORTS_MAX, EXPORTS_PER_ADDRESS_MAX, LIVE_DEVICES_TOTAL_MAX,
    LIVE_READINGS_RESUMED_MAX, LIVE_READINGS_RESUMED_TOTAL_MAX, LIVE_RESUMES_AT_ONCE, LIVE_STREAMS_MAX,
    LIVE_STREAMS_PER_ADDRESS_MAX, LOCKED_READINGS_MAX, QUEUE_READINGS_MAX,
};

/// Unit in which the memory of bodies is counted, in bytes.
const BODY_UNIT_BYTES: usize = 1024;

/// The limits of one service.
pub(crate) struct AdmissionControl {
    pub(crate) load: Arc<Load>,
    /// Memory of request bodies, in units of [`BODY_UNIT_BYTES`].
    body_units: Arc<Semaphore>,
    queued_readings: Arc<Semaphore>,
    /// Readings whose requests wait for locked devices.
    locked_readings: Arc<Semaphore>,
    exports: ClientLimit,
    live_streams: ClientLimit,
    /// Devices that live streams watch.
    live_devices: Arc<Semaphore>,
    /// Missed readings from the store that live streams hold.
    resumed_readings: Arc<Semaphore>,
    /// Live streams that read missed readings from the store.
    resumes: Arc<Semaphore>,
    queries: QueryAdmission,
}

/// The share of a limit that an admitted caller holds. Dropping the permit returns the share.
#[derive(Debug)]
pub(crate) struct AdmissionPermit {
    share: OwnedSemaphorePermit,
}

/// The permit of a live stream that reads missed readings from the store.
#[derive(Debug)]
pub(crate) struct ResumePermit {
    /// One permit for each reading.
    readings: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

/// The memory reserved for one request body and its readings. Dropping the permit frees the memory.
///
/// The size of a single body is limited too, but each connection may send a body at the same time.
#[derive(Debug)]
pub struct BodyPermit {
    units: Arc<Semaphore>,
    reserved: Option<OwnedSemaphorePermit>,
    /// Memory requested so far, in bytes.
    bytes: usize,
}

impl Default for AdmissionControl {
    fn default() -> Self {
        Self::new(QueryLimits::default(), None)
    }
}

impl AdmissionControl {
    /// Creates the limits of a service that refuses requests while others wait for `overload_wait_max`.
    pub(crate) fn new(queries: QueryLimits, overload_wait_max: Option<Duration>) -> Self {
        let limit = |count| Arc::new(Semaphore::new(count));
        Self {
            load: Load::new(overload_wait_max),
            body_units: limit(BODIES_BYTES_MAX / BODY_UNIT_BYTES),
            queued_readings: limit(QUEUE_READINGS_MAX as usize),
            locked_readings: limit(LOCKED_READINGS_MAX as usize),
            exports: ClientLimit::new(EXPORTS_MAX, EXPORTS_PER_ADDRESS_MAX),
            live_streams: ClientLimit::new(LIVE_STREAMS_MAX, LIVE_STREAMS_PER_ADDRESS_MAX),
            live_devices: limit(LIVE_DEVICES_TOTAL_MAX),
            resumed_readings: limit(LIVE_READINGS_RESUMED_TOTAL_MAX),
            resumes: limit(LIVE_RESUMES_AT_ONCE),
            queries: QueryAdmission::new(queries),
        }
    }

    /// Returns the permit of a new body. It has no memory reserved yet.
    pub(crate) fn body_permit(&self) -> BodyPermit {
        BodyPermit { units: Arc::clone(&self.body_units), reserved: None, bytes: 0 }
    }

    /// Admits `count` readings that wait for their commit. A single request with more readings than
    /// [`QUEUE_READINGS_MAX`] is admitted if the queue is empty.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`].
    pub(crate) fn admit_readings(&self, count: usize) -> Result<AdmissionPermit, ServiceError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(QUEUE_READINGS_MAX);
        admit(&self.queued_readings, count).ok_or(ServiceError::QueueFull)
    }

    /// Admits `count` readings that wait for locked devices; `None` if too many wait already. A single
    /// request with more readings than [`LOCKED_READINGS_MAX`] is admitted if no other one waits.
    pub(crate) fn admit_locked_readings(&self, count: usize) -> Option<AdmissionPermit> {
        admit(&self.locked_readings, u32::try_from(count).unwrap_or(u32::MAX).min(LOCKED_READINGS_MAX))
    }

    /// Admits an export of a client.
    ///
    /// # Errors
    /// [`ServiceError::TooManyExports`].
    pub(crate) fn admit_export(&self, client: ClientAddress) -> Result<ClientPermit, ServiceError> {
        self.exports.admit(client).map_err(ServiceError::TooManyExports)
    }

    /// Admits a live stream of a client.
    ///
    /// # Errors
    /// [`ServiceError::TooManyStreams`].
    pub(crate) fn admit_live_stream(&self, client: ClientAddress) -> Result<ClientPermit, ServiceError> {
        self.live_streams.admit(client).map_err(ServiceError::TooManyStreams)
    }

    /// Admits `count` devices that a live stream watches.
    ///
    /// # Errors
    /// [`ServiceError::TooManyLiveDevices`].
    pub(crate) fn admit_live_devices(&self, count: usize) -> Result<AdmissionPermit, ServiceError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        admit(&self.live_devices, count).ok_or(ServiceError::TooManyLiveDevices)
    }

    /// Changes the share of a live stream to `count` devices. Only the difference must be free.
    ///
    /// # Errors
    /// [`ServiceError::TooManyLiveDevices`]. The share stays as it was.
    pub(crate) fn change_live_devices(
        &self,
        permit: &mut AdmissionPermit,
        count: usize,
    ) -> Result<(), ServiceError> {
        let held = permit.share.num_permits();
        match count.checked_sub(held) {
            Some(added) => permit.share.merge(self.admit_live_devices(added)?.share),
            None => drop(permit.share.split(held - count)),
        }
        Ok(())
    }

    /// Waits until a live stream may read [`LIVE_READINGS_RESUMED_MAX`] missed readings from the store.
    pub(crate) async fn admit_resume(&self) -> ResumePermit {
        let [_, readings_max] = LIVE_READINGS_RESUMED_MAX;
        let readings = wait_for(&self.resumed_readings, readings_max).await;
        let turn = wait_for(&self.resumes, 1).await;
        ResumePermit { readings, _turn: turn }
    }

    /// Admits a query, before it takes its snapshot.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`].
    pub(crate) fn admit_query(&self) -> Result<Query, ServiceError> {
        self.queries.admit()
    }

    /// Returns the number of readings that wait for their commit.
    pub(crate) fn queued_readings(&self) -> usize {
        (QUEUE_READINGS_MAX as usize).saturating_sub(self.queued_readings.available_permits())
    }

    /// Returns the number of open live streams.
    pub(crate) fn open_live_streams(&self) -> usize {
        self.live_streams.running()
    }

    /// Returns the number of queries that run or wait for a thread.
    pub(crate) fn running_queries(&self) -> usize {
        self.queries.running()
    }

    /// Returns the number of queries that were refused.
    pub(crate) fn refused_queries(&self) -> u64 {
        self.queries.refused()
    }

    /// Returns the number of further queries, and of further KiB of their memory, that can be admitted.
    #[cfg(test)]
    pub(crate) fn free_queries(&self) -> (usize, usize) {
        self.queries.free()
    }

    /// Returns the number of readings that the queue can still take.
    #[cfg(test)]
    pub(crate) fn free_queue_readings(&self) -> usize {
        self.queued_readings.available_permits()
    }
}

fn admit(limit: &Arc<Semaphore>, count: u32) -> Option<AdmissionPermit> {
    let share = Arc::clone(limit).try_acquire_many_owned(count).ok()?;
    Some(AdmissionPermit { share })
}

#[expect(clippy::expect_used, reason = "nobody closes the semaphores")]
async fn wait_for(limit: &Arc<Semaphore>, count: u32) -> OwnedSemaphorePermit {
    Arc::clone(limit).acquire_many_owned(count).await.expect("the semaphore is open")
}

impl ResumePermit {
    /// Ends the turn of the stream, which holds `count` readings from now on.
    pub(crate) fn keep(self, count: usize) -> AdmissionPermit {
        let Self { mut readings, .. } = self;
        let surplus = readings.num_permits().saturating_sub(count);
        drop(readings.split(surplus));
        AdmissionPermit { share: readings }
    }
}

impl BodyPermit {
    /// Reserves memory until at least `bytes` bytes are reserved. The first [`BODY_BYTES_UNCOUNTED`] bytes of
    /// a body are free, so that single readings are accepted when batches use all the memory.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`], at once. The memory reserved so far stays reserved.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), ServiceError> {
        self.bytes = self.bytes.max(bytes);
        let units = bytes.saturating_sub(BODY_BYTES_UNCOUNTED).div_ceil(BODY_UNIT_BYTES);
        let reserved = self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(missing) = units.checked_sub(reserved).filter(|missing| *missing > 0) else { return Ok(()) };
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let added = Arc::clone(&self.units).try_acquire_many_owned(missing);
        let added = added.map_err(|_| ServiceError::QueueFull)?;
        match &mut self.reserved {
            Some(reserved) => reserved.merge(added),
            none => *none = Some(added),
        }
        Ok(())
    }

    /// Reserves this number of bytes in addition.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`], at once.
    pub(crate) fn grow_by(&mut self, bytes: usize) -> Result<(), ServiceError> {
        self.grow_to(self.bytes.saturating_add(bytes))
    }

    /// Returns the reserved memory, in bytes, without the first [`BODY_BYTES_UNCOUNTED`] bytes.
    pub fn reserved_bytes(&self) -> usize {
        self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * BODY_UNIT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn memory_of_bodies_is_bounded_and_returned() {
        let admission = AdmissionControl::default();
        let half = BODIES_BYTES_MAX / 2;
        let [mut first, mut second, mut third] = [(); 3].map(|()| admission.body_permit());
        first.grow_to(half).unwrap();
        // A permit never shrinks, and a small body is free.
        first.grow_to(1).unwrap();
        second.grow_to(half).unwrap();
        third.grow_to(BODY_BYTES_UNCOUNTED).unwrap();
        assert!(matches!(third.grow_to(half), Err(ServiceError::QueueFull)));
        drop(first);
        third.grow_to(half).unwrap();
        second.grow_to(half + 1).unwrap();
        assert!(second.grow_to(BODIES_BYTES_MAX).is_err());
    }

    #[test]
    fn services_do_not_share_their_limits() {
        let (one, other) = (AdmissionControl::default(), AdmissionControl::default());
        let mut all = one.body_permit();
        all.grow_to(BODIES_BYTES_MAX).unwrap();
        other.body_permit().grow_to(BODIES_BYTES_MAX).unwrap();
        assert!(one.body_permit().grow_to(BODIES_BYTES_MAX).is_err());
    }

    /// A thousand clients that reconnected at once read 10,000 readings each, all at the same time.
    #[tokio::test]
    async fn missed_readings_of_all_streams_together_are_bounded() {
        let admission = AdmissionControl::default();
        let most = LIVE_READINGS_RESUMED_MAX[1] as usize;
        let mut reading = Vec::new();
        for _ in 0..LIVE_RESUMES_AT_ONCE {
            reading.push(admission.admit_resume().await);
        }
        // All turns are taken. A stream that has read gives its turn back, and holds its readings.
        assert!(admission.admit_resume().now_or_never().is_none());
        let mut held: Vec<_> = reading.into_iter().map(|permit| permit.keep(most)).collect();
        while let Some(permit) = admission.admit_resume().now_or_never() {
            held.push(permit.keep(most));
        }
        assert_eq!(held.len(), LIVE_READINGS_RESUMED_TOTAL_MAX / most);
        held.pop();
        let few = admission.admit_resume().now_or_never().unwrap().keep(1);
        held.pop();
        drop(admission.admit_resume().now_or_never().unwrap());
        drop(few);
    }
}
