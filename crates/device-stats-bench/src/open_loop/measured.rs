//! The result of each phase.

use std::time::Duration;

use serde::Serialize;

use super::arguments::Phase;
use super::arrivals::{Arrival, Kind};
use super::seconds;

/// Length of the windows in which a phase is divided.
const WINDOW: Duration = Duration::from_secs(1);

/// A response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) arrival: Arrival,
    /// Time of its first byte, after the start.
    pub(super) sent: Duration,
    /// Time of the last byte of its response, after the start.
    pub(super) answered: Duration,
    /// Time at which both the request was sent and the response was read, after the start. A refusal may
    /// arrive before the body is sent.
    pub(super) ended: Duration,
    pub(super) status: u16,
}

impl Measured {
    fn is_accepted(&self) -> bool {
        self.status < 300
    }

    /// Returns the time from the fixed time of the request to its response.
    fn latency(&self) -> Duration {
        self.answered.saturating_sub(self.arrival.due)
    }
}

/// The result of a phase. All times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct PhaseResult {
    /// Requests per second; 0 without a rate.
    rate: f64,
    seconds: f64,
    kinds: Vec<KindResult>,
    accepted_median: f64,
    accepted_p99: f64,
    accepted_slowest: f64,
    refused_median: f64,
    refused_p99: f64,
    /// 99th percentile of the time between the fixed time of a refused request and the end of the exchange:
    /// the response is read, and the body is sent.
    refused_ended_p99: f64,
    /// 99th percentile of the time between the fixed time of a refused request and its first byte.
    refused_late_p99: f64,
    /// 99th percentile of the time between the fixed time of any request and its first byte: the requests
    /// for which no connection was free, or the generator had no time.
    late_p99: f64,
    /// Time of the last refused request, after the start of the phase; 0 if none was refused.
    last_refused: f64,
    /// For each second: accepted requests, refused ones, and the 99th percentile of the accepted ones.
    windows: Vec<(usize, usize, f64)>,
}

/// The result for one kind of requests in a phase.
#[derive(Debug, Serialize)]
struct KindResult {
    kind: Kind,
    accepted: usize,
    refused: usize,
    accepted_median: f64,
    accepted_p99: f64,
    refused_p99: f64,
}

impl PhaseResult {
    pub(super) fn new(index: usize, phase: Phase, measured: &[Measured]) -> Self {
        let own: Vec<&Measured> = measured.iter().filter(|each| each.arrival.phase == index).collect();
        let begun = own.iter().map(|each| each.arrival.due).min().unwrap_or_default();
        let kinds = Kind::ALL.into_iter().map(|kind| {
            let own: Vec<&Measured> = own.iter().copied().filter(|each| each.arrival.kind == kind).collect();
            let (accepted, refused) = latencies(&own);
            KindResult {
                kind,
                accepted: accepted.len(),
                refused: refused.len(),
                accepted_median: percentile(&accepted, 50),
                accepted_p99: percentile(&accepted, 99),
                refused_p99: percentile(&refused, 99),
            }
        });
        let late = |each: &&Measured| seconds(each.sent.saturating_sub(each.arrival.due));
        let ended = |each: &Measured| seconds(each.ended.saturating_sub(each.arrival.due));
        let refusals = || own.iter().copied().filter(|each| !each.is_accepted());
        let windows = 0..phase.time.as_secs();
        let windows = windows.map(|second| {
            let from = begun + WINDOW * u32::try_from(second).unwrap_or(u32::MAX);
            let within = |each: &&Measured| (from..from + WINDOW).contains(&each.arrival.due);
            let (accepted, refused) = latencies(&own.iter().copied().filter(within).collect::<Vec<_>>());
            (accepted.len(), refused.len(), percentile(&accepted, 99))
        });
        let (accepted, refused) = latencies(&own);
        Self {
            rate: phase.rate,
            seconds: seconds(phase.time),
            kinds: kinds.collect(),
            accepted_median: percentile(&accepted, 50),
            accepted_p99: percentile(&accepted, 99),
            accepted_slowest: percentile(&accepted, 100),
            refused_median: percentile(&refused, 50),
            refused_p99: percentile(&refused, 99),
            refused_ended_p99: percentile(&sorted(refusals().map(ended)), 99),
            refused_late_p99: percentile(&sorted(refusals().map(|each| late(&each))), 99),
            late_p99: percentile(&sorted(own.iter().map(late)), 99),
            last_refused: refusals()
                .map(|each| seconds(each.arrival.due.saturating_sub(begun)))
                .fold(0.0, f64::max),
            windows: windows.collect(),
        }
    }
}

/// Returns the latencies of the accepted and of the refused requests, in ascending order.
fn latencies(measured: &[&Measured]) -> (Vec<f64>, Vec<f64>) {
    let (accepted, refused): (Vec<&Measured>, Vec<&Measured>) =
        measured.iter().partition(|each| each.is_accepted());
    let latencies = |all: Vec<&Measured>| sorted(all.into_iter().map(|each| seconds(each.latency())));
    (latencies(accepted), latencies(refused))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Returns a percentile by the nearest rank; 0 without values.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    rank.checked_sub(1).and_then(|index| sorted.get(index)).copied().unwrap_or(0.0)
}
