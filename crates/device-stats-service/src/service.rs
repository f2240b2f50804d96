//! The service: its parts, its start and its end. The operations on users, devices and readings are in
//! `access`, `ingest`, `deletion`, `queries`, `export` and `live`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use device_stats_store::{Store, StoreError, StoreHealth};
use rayon::ThreadPoolBuildError;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::access::known_devices::KnownDevices;
use crate::access::lookup_turns::LookupTurns;
use crate::access::sign_in::{AuthMode, KnownCredentials};
use crate::access::token_uses::TokenUses;
use crate::admission::{AdmissionControl, BodyPermit, QueryLimits, QueueUsers, RequestClass, RequestPermit};
use crate::arrivals::Arrivals;
use crate::audit::Refusals;
use crate::compute::Compute;
use crate::demonstration::RunningDemonstration;
use crate::error::ServiceError;
use crate::figures::Start;
use crate::figures::counters::Counters;
use crate::figures::store_figures::KeptStoreFigures;
use crate::ingest::clock::Clock;
use crate::ingest::group_commit::{Committed, GroupCommit};
use crate::ingest::keyed_requests::KeyedRequests;
use crate::ingest::reading_ids::ReadingIds;
use crate::limits::{
    DELETIONS_AT_ONCE, DERIVED_SEGMENTS_AT_ONCE, DEVICES_PER_USER_DEFAULT, HOT_READINGS_DEFAULT,
    RECEIPTS_KEPT_DEFAULT,
};
use crate::live::hub::LiveHub;
use crate::live::relay::relay;
use crate::purging::BackgroundPurging;
use crate::rates::{RateClock, RateSettings, Rates};
use crate::sealing::background::BackgroundSealing;
use crate::sealing::backlog::Backlog;
use crate::sealing::merge_pause::MergePauses;
use crate::segments::reader::SegmentReader;

/// Settings of a service.
#[derive(Clone, Copy, Debug)]
pub struct ServiceSettings {
    /// Maximum size of the cache of decoded segments, in bytes; 0 for no cache.
    pub cache_bytes_max: u64,
    /// Time for which the receipt of a keyed request is kept.
    pub receipts_kept_for: Duration,
    /// Limits on the queries.
    pub queries: QueryLimits,
    /// Number of hot readings in the store at which further ones are refused.
    pub hot_readings_max: u64,
    /// Whether clients need a token.
    pub auth: AuthMode,
    /// Limits on the requests and readings of each client.
    pub rates: RateSettings,
    /// Number of devices of a user up to which the user itself creates devices; `None` for no limit.
    pub devices_per_user_max: Option<u32>,
    /// Wait of requests from which further ones are refused; `None` if none is refused because of overload.
    pub overload_wait_max: Option<Duration>,
}

impl Default for ServiceSettings {
    /// Returns the settings of a service without a cache that is open for everybody and refuses no request
    /// because of overload.
    fn default() -> Self {
        Self {
            cache_bytes_max: 0,
            receipts_kept_for: RECEIPTS_KEPT_DEFAULT,
            queries: QueryLimits::default(),
            hot_readings_max: HOT_READINGS_DEFAULT,
            auth: AuthMode::Open,
            rates: RateSettings::NONE,
            devices_per_user_max: Some(DEVICES_PER_USER_DEFAULT),
            overload_wait_max: None,
        }
    }
}

/// The service over one store. A clone is cheap and refers to the same service.
#[derive(Clone)]
pub struct Service {
    pub(crate) parts: Arc<ServiceParts>,
}

/// The parts of a service.
pub(crate) struct ServiceParts {
    pub(crate) start: Start,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) store_figures: KeptStoreFigures,
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<AdmissionControl>,
    pub(crate) auth: AuthMode,
    pub(crate) known_credentials: KnownCredentials,
    pub(crate) lookup_turns: LookupTurns,
    pub(crate) token_uses: Arc<TokenUses>,
    pub(crate) refusals: Refusals,
    pub(crate) rates: Rates,
    pub(crate) devices_per_user_max: Option<u32>,
    pub(crate) known_devices: KnownDevices,
    pub(crate) clock: Arc<Clock>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) reading_ids: ReadingIds,
    pub(crate) keyed_requests: Arc<KeyedRequests>,
    pub(crate) group_commit: Arc<GroupCommit>,
    pub(crate) live: Arc<LiveHub>,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) segments: Arc<SegmentReader>,
    pub(crate) compute: Compute,
    /// The pauses of the merges of this node.
    pub(crate) merge_pauses: MergePauses,
    /// Notified after the deletion of a device or user.
    pub(crate) has_deleted: Arc<Notify>,
    /// One permit for each deletion of readings that may run.
    pub(crate) deletion_permits: Arc<Semaphore>,
    /// Permits for computing derived segments.
    pub(crate) derivations: Arc<Semaphore>,
    pub(crate) demonstration: RunningDemonstration,
    pub(crate) is_stopping: AtomicBool,
}

impl Service {
    /// Creates the service over `store`.
    ///
    /// # Errors
    /// A thread for computations cannot be started.
    pub fn new(store: Arc<dyn Store>, settings: ServiceSettings) -> Result<Self, ThreadPoolBuildError> {
        Self::with_rate_clock(store, settings, &RateClock::default())
    }

    /// Creates the service over `store`. `rate_clock` measures the rates of requests and readings.
    ///
    /// # Errors
    /// A thread for computations cannot be started.
    pub fn with_rate_clock(
        store: Arc<dyn Store>,
        settings: ServiceSettings,
        rate_clock: &RateClock,
    ) -> Result<Self, ThreadPoolBuildError> {
        let ServiceSettings {
            cache_bytes_max,
            receipts_kept_for,
            queries,
            hot_readings_max,
            auth,
            rates,
            devices_per_user_max,
            overload_wait_max,
        } = settings;
        let admission = Arc::new(AdmissionControl::new(queries, overload_wait_max));
        let compute = Compute::new()?;
        for wait in compute.waits() {
            admission.load.watch(wait, QueueUsers::Batches);
        }
        let backlog = Arc::new(Backlog::new(hot_readings_max));
        let live = Arc::<LiveHub>::default();
        let (clock, arrivals) = (Arc::<Clock>::default(), Arc::<Arrivals>::default());
        let counters = Arc::<Counters>::default();
        let committed = Committed {
            backlog: Arc::clone(&backlog),
            live: Arc::clone(&live),
            arrivals: Arc::clone(&arrivals),
            clock: Arc::clone(&clock),
            counters: Arc::clone(&counters),
        };
        let group_commit = GroupCommit::new(
            Arc::<dyn Store>::clone(&store),
            hot_readings_max,
            Arc::clone(&admission),
            committed,
        );
        let parts = ServiceParts {
            start: Start { time: clock.now(), moment: Instant::now() },
            store_figures: KeptStoreFigures::default(),
            counters,
            segments: Arc::new(SegmentReader::new(Arc::clone(&store), cache_bytes_max)),
            store,
            admission,
            auth,
            known_credentials: KnownCredentials::default(),
            lookup_turns: LookupTurns::default(),
            token_uses: Arc::default(),
            refusals: Refusals::default(),
            rates: Rates::new(rates, rate_clock),
            devices_per_user_max,
            known_devices: KnownDevices::default(),
            clock,
            arrivals,
            reading_ids: ReadingIds::default(),
            keyed_requests: Arc::new(KeyedRequests::new(receipts_kept_for)),
            group_commit: Arc::new(group_commit),
            live,
            backlog,
            compute,
            merge_pauses: MergePauses::default(),
            has_deleted: Arc::default(),
            deletion_permits: Arc::new(Semaphore::new(DELETIONS_AT_ONCE)),
            derivations: Arc::new(Semaphore::new(DERIVED_SEGMENTS_AT_ONCE)),
            demonstration: RunningDemonstration::default(),
            is_stopping: AtomicBool::new(false),
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Starts to seal in the background: a device with enough hot readings at once, other hot readings after
    /// `seal_after`. Call it inside a runtime.
    pub fn seal_in_background(&self, seal_after: Duration) -> BackgroundSealing {
        let ServiceParts { store, backlog, merge_pauses, counters, .. } = &*self.parts;
        BackgroundSealing::start(store, backlog, merge_pauses, counters, seal_after)
    }

    /// Starts to delete the readings of deleted devices in the background. Call it inside a runtime.
    pub fn purge_in_background(&self) -> BackgroundPurging {
        BackgroundPurging::start(&self.parts.store, &self.parts.has_deleted)
    }

    /// Starts to exchange live readings with the other nodes of the store, until the result is dropped.
    /// Returns `None` if the store has no other nodes. Call it inside a runtime.
    pub fn join_other_nodes(&self) -> Option<AbortOnDropHandle<()>> {
        let exchange = self.parts.store.exchange()?;
        Some(AbortOnDropHandle::new(tokio::spawn(relay(Arc::clone(&self.parts.live), exchange))))
    }

    /// Starts to measure the load of the runtime in the background, until the result is dropped. Call it
    /// inside a runtime.
    pub fn measure_load_in_background(&self) -> AbortOnDropHandle<()> {
        let load = Arc::clone(&self.parts.admission.load);
        AbortOnDropHandle::new(tokio::spawn(async move { load.follow_runtime().await }))
    }

    /// Ends all live streams, and each stream that starts later. Call it before the server stops.
    pub fn end_live_streams(&self) {
        self.parts.live.end();
    }

    /// Returns the answer of the store. If the database was replaced by an older copy, forgets the segments
    /// that were read from it, and the arrivals of its devices. Cached keys of devices and reserved ids
    /// expire when [`ReadingStore::restores`](device_stats_store::ReadingStore::restores) changes.
    pub(crate) fn checked<T>(&self, answer: Result<T, ServiceError>) -> Result<T, ServiceError> {
        if matches!(answer, Err(ServiceError::Store(StoreError::Restored))) {
            self.parts.segments.cache().clear();
            self.parts.arrivals.clear();
        }
        answer
    }

    /// Makes a change in a task of its own, so that the change is completed even if the caller is cancelled
    /// because its client has disconnected. Call it inside a runtime.
    ///
    /// # Errors
    /// The errors of the change; [`ServiceError::ComputationFailed`] if it panics.
    pub(crate) async fn complete<T, F>(
        &self,
        change: impl FnOnce(Arc<ServiceParts>) -> F,
    ) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let change = tokio::spawn(change(Arc::clone(&self.parts)).in_current_span());
        Ok(change.await.map_err(|error| ServiceError::ComputationFailed(error.into()))??)
    }

    /// Admits a request. The permit is held while the request is in progress.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] if requests of this class are refused now.
    pub fn admit_request(&self, class: RequestClass) -> Result<RequestPermit, ServiceError> {
        self.parts.admission.load.admit(class)
    }

    /// Returns the permit of a new request body. It has no memory reserved yet.
    pub fn body_permit(&self) -> BodyPermit {
        self.parts.admission.body_permit()
    }

    /// Runs a computation on a part of a large request body, such as parsing it, on a thread that serves no
    /// connections.
    ///
    /// # Errors
    /// [`ServiceError::ComputationFailed`] if the computation panics.
    pub async fn compute_body<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.parts.compute.run_for_body(computation).await.map_err(ServiceError::ComputationFailed)
    }

    /// Makes [`Self::check_ready`] fail from now on, and ends the demonstration. All other operations
    /// continue.
    pub fn begin_stop(&self) {
        self.parts.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Returns whether the service is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.parts.is_stopping.load(Ordering::Relaxed)
    }

    /// Checks that the service should get requests: it is not stopping, and the store answers. Returns the
    /// health of the store.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`]; the errors of [`Store::ping`].
    pub async fn check_ready(&self) -> Result<StoreHealth, ServiceError> {
        if self.is_stopping() {
            return Err(ServiceError::Stopping);
        }
        Ok(self.parts.store.ping().await?)
    }
}
