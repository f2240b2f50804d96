//! What the service does, whatever the transport: who may do it, how readings get their ids and times, and what an
//! analysis computes. Storing is the store's business, bytes are the transport's.

pub mod admission;
pub mod sealing;

mod access;
mod compute;
mod error;
mod export;
mod ingest;
mod live;
mod queries;
mod segments;

use std::sync::Arc;
use std::time::Duration;

use device_stats_store::{Store, StoreError};
use rayon::ThreadPoolBuildError;
use tokio_util::task::AbortOnDropHandle;

pub use access::{Action, Authorized, Principal};
pub use error::ServiceError;
pub use export::Export;
pub use ingest::Ingested;
pub use live::{LiveReading, LiveReadings, Position};
pub use queries::{Bucket, UserStatistics};
pub use segments::read_segment;

use access::principal::KnownDevices;
use export::Places;
use ingest::clock::Clock;
use ingest::group_commit::Lanes;
use ingest::keyed_requests::Keys;
use ingest::reading_ids::ReadingIds;
use live::hub::Live;

use crate::compute::Compute;
use crate::sealing::{Background, Backlog};
use crate::segments::SegmentReader;

/// The service over one store. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Service {
    store: Arc<dyn Store>,
    lanes: Lanes,
    known_devices: Arc<KnownDevices>,
    keys: Keys,
    clock: Arc<Clock>,
    reading_ids: Arc<ReadingIds>,
    segments: Arc<SegmentReader>,
    compute: Compute,
    /// What has to be sealed, for those who seal.
    backlog: Arc<Backlog>,
    exports: Places,
    live: Live,
}

impl Service {
    /// The service over that store, which keeps at most `cache_bytes_max` bytes of what it has read of segments, and
    /// for `keys_kept_for` what became of requests that have keys.
    ///
    /// # Errors
    /// Where the threads for computations cannot be started.
    pub fn new(
        store: Arc<dyn Store>,
        cache_bytes_max: u64,
        keys_kept_for: Duration,
    ) -> Result<Self, ThreadPoolBuildError> {
        let segments = Arc::new(SegmentReader::new(Arc::clone(&store), cache_bytes_max));
        let (compute, reading_ids, backlog) = (Compute::start()?, Arc::default(), Arc::default());
        let live = Live::default();
        let lanes = Lanes::into(Arc::clone(&store), Arc::clone(&backlog), live.clone());
        let known_devices = Arc::default();
        Ok(Self {
            store,
            lanes,
            known_devices,
            keys: Keys::kept_for(keys_kept_for),
            clock: Arc::default(),
            reading_ids,
            segments,
            compute,
            backlog,
            exports: Places::new(),
            live,
        })
    }

    /// Starts to seal in the background: what is enough at once, what has been hot for `seal_after` then. To be called
    /// inside of a runtime.
    pub fn seal_in_background(&self, seal_after: Duration) -> Background {
        Background::start(&self.store, &self.backlog, seal_after)
    }

    /// Starts to tell other nodes of the same store which devices are watched here, and to be told their readings, until
    /// the answer is dropped. To be called inside of a runtime.
    pub fn join_other_nodes(&self) -> Option<AbortOnDropHandle<()>> {
        let exchange = self.store.exchange()?;
        Some(AbortOnDropHandle::new(tokio::spawn(live::relay::relay(self.live.clone(), exchange))))
    }

    /// Ends all live streams, as before a stop.
    pub fn end_live(&self) {
        self.live.end();
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Those of [`Store::ping`].
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
