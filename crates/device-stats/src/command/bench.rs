//! `device-stats bench`: measures the performance of a server.

mod synthetic_readings;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use device_stats_client::{BatchOutcome, Client};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::number_flags::whole;
use super::plural::plural;
use super::progress::{Progress, Unit, per_second};
use super::results;
use super::retry_flags::RetryFlags;
use crate::settings::Settings;
use synthetic_readings::{Batches, device_id};

/// The benchmarks.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Measure ingest throughput with synthetic readings of the devices bench-0, bench-1 ...
    Load(Arguments),
}

/// Arguments of `bench load`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Post this number of readings
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = whole::<u64>("readings", 0..=u64::MAX))]
    readings: u64,
    /// Spread the readings over this number of devices
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<u32>("devices", 1..=100_000))]
    devices: u32,
    /// Post this number of readings per request
    #[arg(long, value_name = "COUNT", default_value_t = 5_000,
          value_parser = whole::<u32>("readings", 1..=50_000))]
    batch: u32,
    /// Send this number of requests concurrently
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = whole::<u32>("requests", 1..=1_000))]
    connections: u32,
    #[command(flatten)]
    retry: RetryFlags,
}

/// Posts synthetic readings and prints the throughput. The times of the readings end at the current time, so
/// that each run adds new readings.
///
/// # Errors
/// If the server is unreachable or refuses a batch. Earlier batches stay stored.
pub(super) async fn load(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, arguments.retry.policy())?;
    let concurrency = arguments.connections as usize;
    stream::iter((0..arguments.devices).map(device_id))
        .map(|id| {
            let client = client.clone();
            async move { client.ensure_device(&id, None).await }
        })
        .buffer_unordered(concurrency)
        .try_for_each(async |_| Ok(()))
        .await
        .context("the devices cannot be registered")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let progress = Progress::new(Unit::Readings);
    progress.expect(arguments.readings);
    let started = Instant::now();
    let batches = Batches::until(now, arguments.readings, arguments.devices, arguments.batch)?;
    let mut outcomes = stream::iter(batches)
        .map(|body| {
            let client = client.clone();
            async move {
                let sent = Instant::now();
                let outcome = client.append_batch("application/x-ndjson", body, None).await;
                outcome.map(|outcome| (outcome, sent.elapsed())).map_err(|failure| failure.error)
            }
        })
        .buffer_unordered(concurrency);
    let mut measured = Measured::default();
    let failure = loop {
        match outcomes.next().await {
            None => break None,
            Some(Err(error)) => break Some(error),
            Some(Ok((outcome, latency))) => {
                measured.add(outcome, latency);
                progress.set_position(measured.readings());
                progress.set_amount(measured.readings());
            }
        }
    };
    progress.finish();
    if let Some(error) = failure {
        let readings = plural(measured.readings(), "reading");
        return Err(error).with_context(|| format!("stopped after {readings}, which stay stored"));
    }
    let summary = measured.summary(started.elapsed().as_secs_f64());
    results::print(settings.output, &summary, || Ok(summary.to_text()))
}

/// The measured batches.
#[derive(Default)]
struct Measured {
    accepted: u64,
    repeats: u64,
    /// Time from each request to its response, with its retries.
    latencies: Vec<Duration>,
}

impl Measured {
    fn add(&mut self, outcome: BatchOutcome, latency: Duration) {
        self.accepted += outcome.accepted;
        self.repeats += outcome.duplicates;
        self.latencies.push(latency);
    }

    fn readings(&self) -> u64 {
        self.accepted + self.repeats
    }

    fn summary(mut self, seconds: f64) -> Summary {
        self.latencies.sort_unstable();
        let percentile = |percent: usize| {
            let index = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
            self.latencies.get(index).map_or(0.0, |latency| 1e3 * latency.as_secs_f64())
        };
        Summary {
            readings: self.readings(),
            accepted: self.accepted,
            duplicates: self.repeats,
            seconds,
            readings_per_second: per_second(self.readings(), seconds),
            requests: self.latencies.len(),
            median_ms: percentile(50),
            p99_ms: percentile(99),
        }
    }
}

/// The result of a benchmark.
#[derive(Serialize)]
struct Summary {
    readings: u64,
    accepted: u64,
    duplicates: u64,
    seconds: f64,
    readings_per_second: f64,
    requests: usize,
    /// Median time of a request, in milliseconds.
    median_ms: f64,
    /// 99th percentile of the time of a request, in milliseconds.
    p99_ms: f64,
}

impl Summary {
    fn to_text(&self) -> String {
        let Self {
            readings,
            accepted,
            duplicates,
            seconds,
            readings_per_second,
            requests,
            median_ms,
            p99_ms,
        } = self;
        format!(
            "{readings} readings: {accepted} accepted, {duplicates} repeats, in {seconds:.1} s ({readings_per_second:.0} \
             readings/s); {requests} requests, answered in {median_ms:.1} ms (median), {p99_ms:.1} ms (p99)\n"
        )
    }
}
