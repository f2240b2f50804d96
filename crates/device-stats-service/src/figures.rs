//! The figures of the service for its operator. The parts of the service count where something happens; this
//! module collects the counts, and asks the store for its sizes.

pub(crate) mod counters;
mod process;
mod rate_meter;
pub(crate) mod store_figures;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use device_stats_domain::Timestamp;
use device_stats_store::{StoreError, StoreFigures};
use prometheus_client::metrics::histogram::Histogram;

pub use self::counters::{Answer, CountedRequest};
use self::counters::{Counters, RequestCounters, Total};
pub use self::process::ProcessFigures;
use crate::access::{Administer, AuthMode, Granted};
use crate::service::Service;

/// The start of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) time: Timestamp,
    pub(crate) moment: Instant,
}

/// The figures of the database, which all nodes have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseFigures {
    /// The database and its sizes. They can be some seconds old.
    pub store: StoreFigures,
    /// Number of hot readings.
    pub hot_readings: u64,
}

/// The figures of this node. Totals count since its start.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFigures {
    /// Time of the start.
    pub started_at: Timestamp,
    /// Time since the start.
    pub uptime: Duration,
    /// Whether clients need a token.
    pub auth: AuthMode,
    /// The readings that this node has got.
    pub readings: ReadingFigures,
    /// The sealing of this node.
    pub sealing: SealingFigures,
    /// The requests to this node.
    pub requests: RequestFigures,
    /// Number of queries that run or wait for a thread.
    pub queries: u64,
    /// Number of queries that were refused because of a limit on queries.
    pub queries_refused: u64,
    /// Number of readings that wait for their commit.
    pub queued_readings: u64,
    /// Wait of requests for the commit of their readings: the wait that remains when short pauses are left
    /// out.
    pub queue_wait: Duration,
    /// Number of open live streams.
    pub live_streams: u64,
    /// The process; `None` if the operating system does not tell.
    pub process: Option<ProcessFigures>,
    /// Memory of the cached segments, in bytes.
    pub cache_bytes: u64,
    /// Maximum of this memory, in bytes.
    pub cache_bytes_max: u64,
    /// Number of lookups in the cache that found something.
    pub cache_hits: u64,
    /// Number of lookups in the cache that found nothing.
    pub cache_misses: u64,
}

/// Figures of readings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadingFigures {
    /// Number of readings that were stored.
    pub accepted: u64,
    /// Number of these per second, over the last seconds.
    pub accepted_per_second: f64,
    /// Number of repeats.
    pub repeated: u64,
    /// Number of conflicts.
    pub conflicting: u64,
    /// Number of faulty rows of batches that were stored without them.
    pub rejected: u64,
}

/// Figures of sealing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealingFigures {
    /// Number of hot readings that this node knows of.
    pub backlog_readings: u64,
    /// Time for which the device with the oldest of them has had hot readings; `None` if there are none.
    pub oldest_hot: Option<Duration>,
    /// Number of hot readings that were sealed.
    pub sealed: u64,
    /// Number of segments that were merged into larger ones.
    pub merged: u64,
    /// Number of failed attempts to seal or merge a device.
    pub failures: u64,
}

/// Figures of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestFigures {
    /// Number of requests that are not answered yet.
    pub in_progress: u64,
    /// Number of answers per second, over the last seconds.
    pub per_second: f64,
    /// Number of [`Answer::Refusal`]s.
    pub refused: u64,
    /// Number of [`Answer::ClientError`]s.
    pub client_errors: u64,
    /// Number of [`Answer::ServerError`]s.
    pub server_errors: u64,
}

impl Service {
    /// Returns the figures of the database.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn show_database(&self, _: Granted<Administer>) -> Result<DatabaseFigures, StoreError> {
        let parts = &*self.parts;
        let hot_readings = parts.store.count_hot_readings().await?;
        let store = parts.store_figures.get(parts.store.as_ref()).await?;
        Ok(DatabaseFigures { store, hot_readings })
    }

    /// Returns the figures of this node, without asking the database.
    pub fn show_node(&self, _: Granted<Administer>) -> NodeFigures {
        let parts = &*self.parts;
        let Counters { readings, sealing, requests, .. } = &*parts.counters;
        let (backlog_readings, oldest_hot) = parts.backlog.size_and_age(Instant::now());
        NodeFigures {
            started_at: parts.start.time,
            uptime: parts.start.moment.elapsed(),
            auth: parts.auth,
            readings: ReadingFigures {
                accepted: readings.accepted.get(),
                accepted_per_second: readings.accepted_rate.per_second(),
                repeated: readings.repeated.get(),
                conflicting: readings.conflicting.get(),
                rejected: readings.rejected.get(),
            },
            sealing: SealingFigures {
                backlog_readings,
                oldest_hot,
                sealed: sealing.sealed_readings.get(),
                merged: sealing.merged_segments.get(),
                failures: sealing.failures.get(),
            },
            requests: request_figures(requests),
            queries: parts.admission.running_queries() as u64,
            queries_refused: parts.admission.refused_queries(),
            queued_readings: parts.admission.queued_readings() as u64,
            queue_wait: parts.group_commit.standing_wait(),
            live_streams: parts.admission.open_live_streams() as u64,
            process: ProcessFigures::read(),
            cache_bytes: parts.segments.cache().bytes(),
            cache_bytes_max: parts.segments.cache().bytes_max(),
            cache_hits: parts.segments.cache().hits(),
            cache_misses: parts.segments.cache().misses(),
        }
    }

    /// Returns the times of the transactions that store readings, for a registry of metrics.
    pub fn commit_times(&self) -> Histogram {
        self.parts.counters.commit_times.clone()
    }

    /// Counts a request as in progress, until its answer or until the result is dropped.
    pub fn count_request(&self) -> CountedRequest<'_> {
        CountedRequest::start(&self.parts.counters.requests)
    }

    /// Counts faulty rows of a batch that was stored without them.
    pub fn count_rejected(&self, rows: u64) {
        self.parts.counters.readings.rejected.add(rows);
    }
}

fn request_figures(requests: &RequestCounters) -> RequestFigures {
    let [refused, client_errors, server_errors] =
        [&requests.refused, &requests.client_errors, &requests.server_errors].map(Total::get);
    let (in_progress, per_second) = (requests.in_progress(), requests.answered_rate.per_second());
    RequestFigures { in_progress, per_second, refused, client_errors, server_errors }
}
