//! The counters of the service since its start. Each event is one addition without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use device_stats_store::{Appended, KeyedOutcome};
use prometheus_client::metrics::histogram::Histogram;

use super::rate_meter::RateMeter;
use crate::sealing::SealReport;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Total(AtomicU64);

impl Total {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the buckets of the times of commits, in seconds.
const COMMIT_SECONDS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The counters of one service.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) readings: ReadingCounters,
    pub(crate) sealing: SealingCounters,
    pub(crate) requests: RequestCounters,
    /// Times of the transactions that store readings, in seconds.
    pub(crate) commit_times: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            readings: ReadingCounters::default(),
            sealing: SealingCounters::default(),
            requests: RequestCounters::default(),
            commit_times: Histogram::new(COMMIT_SECONDS),
        }
    }
}

impl Counters {
    /// Runs a transaction that stores readings, and notes its time, also if it fails.
    pub(crate) async fn time_commit<T>(&self, commit: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let outcome = commit.await;
        self.commit_times.observe(begun.elapsed().as_secs_f64());
        outcome
    }
}

/// Counters of readings.
#[derive(Debug, Default)]
pub(crate) struct ReadingCounters {
    pub(crate) accepted: Total,
    pub(crate) accepted_rate: RateMeter,
    pub(crate) repeated: Total,
    pub(crate) conflicting: Total,
    pub(crate) rejected: Total,
}

impl ReadingCounters {
    /// Counts the outcomes of stored readings. A conflict is also a repeat.
    pub(crate) fn add(&self, accepted: u64, repeated: u64, conflicting: u64) {
        self.accepted.add(accepted);
        self.accepted_rate.add(accepted);
        self.repeated.add(repeated);
        self.conflicting.add(conflicting);
    }

    /// Counts the outcomes of requests whose readings were stored together. The outcome of an earlier request
    /// with the same key was counted then.
    pub(crate) fn add_outcomes(&self, outcomes: &[KeyedOutcome]) {
        let (mut accepted, mut repeated, mut conflicting) = (0, 0, 0);
        for outcome in outcomes {
            let KeyedOutcome::New(readings) = outcome else { continue };
            for reading in readings {
                match reading {
                    Appended::Stored(_) => accepted += 1,
                    Appended::Repeat => repeated += 1,
                    Appended::Conflict => (repeated, conflicting) = (repeated + 1, conflicting + 1),
                }
            }
        }
        self.add(accepted, repeated, conflicting);
    }
}

/// Counters of sealing and merging.
#[derive(Debug, Default)]
pub(crate) struct SealingCounters {
    pub(crate) sealed_readings: Total,
    pub(crate) merged_segments: Total,
    pub(crate) failures: Total,
}

impl SealingCounters {
    /// Counts the changes of a device.
    pub(crate) fn add(&self, report: &SealReport) {
        self.sealed_readings.add(report.sealed_readings);
        self.merged_segments.add(report.merged_segments);
    }
}

/// Counters of requests.
#[derive(Debug, Default)]
pub(crate) struct RequestCounters {
    started: Total,
    ended: Total,
    pub(crate) answered_rate: RateMeter,
    pub(crate) refused: Total,
    pub(crate) client_errors: Total,
    pub(crate) server_errors: Total,
}

impl RequestCounters {
    pub(crate) fn in_progress(&self) -> u64 {
        // In this order, because a request can start and end between the two loads.
        let ended = self.ended.get();
        self.started.get().saturating_sub(ended)
    }
}

/// The kind of the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request succeeded.
    Success,
    /// It was refused because of a limit, or because the service is overloaded or cannot reach its database.
    Refusal,
    /// It failed because of the client.
    ClientError,
    /// It failed because of the service.
    ServerError,
}

/// A request that is counted as in progress until this is dropped.
#[derive(Debug)]
pub struct CountedRequest<'c>(&'c RequestCounters);

impl<'c> CountedRequest<'c> {
    pub(crate) fn start(counters: &'c RequestCounters) -> Self {
        counters.started.add(1);
        Self(counters)
    }

    /// Counts the answer. A request without an answer, whose client has disconnected, is not counted.
    pub fn answered(self, answer: Answer) {
        self.0.answered_rate.add(1);
        match answer {
            Answer::Success => {}
            Answer::Refusal => self.0.refused.add(1),
            Answer::ClientError => self.0.client_errors.add(1),
            Answer::ServerError => self.0.server_errors.add(1),
        }
    }
}

impl Drop for CountedRequest<'_> {
    fn drop(&mut self) {
        self.0.ended.add(1);
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::Timestamp;

    use super::*;

    #[test]
    fn a_request_is_in_progress_until_it_is_answered_or_dropped() {
        let counters = RequestCounters::default();
        let (answered, abandoned) = (CountedRequest::start(&counters), CountedRequest::start(&counters));
        assert_eq!(counters.in_progress(), 2);
        answered.answered(Answer::Refusal);
        drop(abandoned);
        assert_eq!(counters.in_progress(), 0);
        let totals = [&counters.refused, &counters.client_errors, &counters.server_errors];
        assert_eq!(totals.map(Total::get), [1, 0, 0]);
        assert!((counters.answered_rate.per_second() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn each_outcome_is_counted_once() {
        let counters = ReadingCounters::default();
        let time = Timestamp::from_micros(1).unwrap();
        let new = |outcomes: &[Appended]| KeyedOutcome::New(outcomes.to_vec());
        counters.add_outcomes(&[
            new(&[Appended::Stored(time), Appended::Repeat, Appended::Conflict]),
            KeyedOutcome::DifferentPayload,
            new(&[Appended::Stored(time)]),
        ]);
        let totals = [&counters.accepted, &counters.repeated, &counters.conflicting, &counters.rejected];
        assert_eq!(totals.map(Total::get), [2, 2, 1, 0]);
    }
}
