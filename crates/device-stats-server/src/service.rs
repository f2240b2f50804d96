//! What the service does, whatever the transport: who may do it, how readings get their ids and times, and what an
//! analysis computes. Storing is the store's business, bytes are the transport's.

mod access;
mod analysis;
mod clock;
mod devices;
mod direct;
mod error;
mod export;
mod histogram;
mod ingest;
mod lanes;
mod once;
mod opened;
mod reading_ids;
mod readings;
mod series;
mod statistics;
mod users;

use std::sync::Arc;
use std::time::Duration;

use device_stats_store::{Store, StoreError};
use rayon::ThreadPoolBuildError;

pub use access::{Action, Authorized, Principal};
pub use analysis::UserStatistics;
pub use error::ServiceError;
pub use export::{Encoder, Export};
pub use ingest::{Ingested, Measurement};
pub use series::Bucket;

use access::KnownDevices;
use clock::Clock;
use export::Places;
use lanes::Lanes;
use once::Keys;
use reading_ids::ReadingIds;

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
        let (lanes, known_devices) = (Lanes::into(Arc::clone(&store), Arc::clone(&backlog)), Arc::default());
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
        })
    }

    /// Starts to seal in the background: what is enough at once, what has been hot for `seal_after` then. To be called
    /// inside of a runtime.
    pub(crate) fn seal_in_background(&self, seal_after: Duration) -> Background {
        Background::start(&self.store, &self.backlog, seal_after)
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Those of [`Store::ping`].
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
