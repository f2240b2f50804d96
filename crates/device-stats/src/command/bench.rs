//! `device-stats bench`: how fast a server is.

mod synthetic_readings;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::progress::{Progress, per_second};
use super::retry_flags::Retrying;
use device_stats_client::Client;
use synthetic_readings::{Batches, device_id};

/// What is measured.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Post readings of devices that are registered for it (`bench-0`, `bench-1` ...), and tell how fast they were stored
    Load(Arguments),
}

/// What to post.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Readings in all
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    readings: u64,
    /// Devices among which they are spread
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    devices: u32,
    /// Readings of a request
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = RangedU64ValueParser::<u32>::new().range(1..=50_000))]
    batch: u32,
    /// Requests at once
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000))]
    connections: u32,
    #[command(flatten)]
    retrying: Retrying,
}

/// Posts made-up readings, and prints how fast they were stored. They bring their times, the last of which is now, so each run
/// adds to those before.
///
/// # Errors
/// Where there is no server, or it refuses. What was sent before stays.
pub(super) async fn load(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let client = Client::new(url, arguments.retrying.patience())?;
    let at_once = arguments.connections as usize;
    let ids = (0..arguments.devices).map(device_id);
    let registered = stream::iter(ids).map(|id| {
        let client = client.clone();
        async move { client.ensure_device(&id, None).await }
    });
    registered
        .buffer_unordered(at_once)
        .try_for_each(async |_| Ok(()))
        .await
        .context("the devices cannot be registered")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let progress = Progress::new();
    progress.expect_rows(arguments.readings);
    let started = Instant::now();
    let batches = Batches::until(now, arguments.readings, arguments.devices, arguments.batch);
    let mut answers = stream::iter(batches)
        .map(|body| {
            let client = client.clone();
            async move {
                let sent = Instant::now();
                let batch = client.append_batch("application/x-ndjson", body, None).await;
                batch.map(|batch| (batch, sent.elapsed())).map_err(|given_up| given_up.error)
            }
        })
        .buffer_unordered(at_once);
    let mut stored = Stored::default();
    let ended = loop {
        match answers.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok((batch, waited))) => {
                stored.accepted += batch.accepted;
                stored.repeats += batch.duplicates;
                stored.waited.push(waited);
                progress.advance(stored.readings(), stored.readings());
            }
        }
    };
    progress.finish();
    ended.with_context(|| format!("stopped after {} readings, which stay stored", stored.readings()))?;
    super::print(&stored.summary(started.elapsed().as_secs_f64()))
}

/// What was stored.
#[derive(Default)]
struct Stored {
    accepted: u64,
    repeats: u64,
    /// How long each answer took, sending again included.
    waited: Vec<Duration>,
}

impl Stored {
    fn readings(&self) -> u64 {
        self.accepted + self.repeats
    }

    fn summary(mut self, seconds: f64) -> String {
        self.waited.sort_unstable();
        let at = |percent: usize| {
            let place = (self.waited.len() * percent / 100).min(self.waited.len().saturating_sub(1));
            self.waited.get(place).map_or(0.0, |waited| 1e3 * waited.as_secs_f64())
        };
        let (readings, requests) = (self.readings(), self.waited.len());
        format!(
            "{readings} readings: {} accepted, {} repeats, in {seconds:.1} s ({:.0} readings/s); {requests} requests, answered \
             in {:.1} ms (median), {:.1} ms (p99)\n",
            self.accepted,
            self.repeats,
            per_second(readings, seconds),
            at(50),
            at(99),
        )
    }
}
