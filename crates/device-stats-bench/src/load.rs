//! Fills a store with a user, devices, and their readings as segments. All cores encode.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use device_stats_domain::{Author, DeviceId, DeviceKey, Email, NewDevice, NewUser, UserId, Username};
use device_stats_segment::{Effort, Segment};
use device_stats_service::limits::SEGMENT_READINGS;
use device_stats_store::{Replaced, Retry, Store};
use serde::Serialize;
use tokio::runtime::{Handle, Runtime};
use tokio::time::sleep;

use crate::database;
use crate::manifest::{DeviceReadings, Manifest};

/// Pause before a failed append is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Maximum time for which a failed append is tried again.
const RETRIES_TIMEOUT: Duration = Duration::from_mins(5);

/// The loaded readings.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Loaded {
    /// Owner of the devices.
    user_id: i64,
    readings: u64,
    segments: u64,
    /// Size of all heads and blocks.
    segment_bytes: u64,
    /// Time to read the files and to encode and commit the segments.
    seconds: f64,
}

/// A segment to encode.
struct Job<'m> {
    device: DeviceKey,
    readings: &'m DeviceReadings,
    from: u64,
    count: u32,
    first_id: i64,
}

/// Loads the readings of a manifest into a database.
///
/// # Errors
/// If a file cannot be read, the store fails, or a device already has readings.
pub(crate) fn load(database: &str, manifest: &Path) -> anyhow::Result<Loaded> {
    let manifest = Manifest::read(manifest)?;
    let runtime = Runtime::new().context("the runtime cannot start")?;
    // When a store is dropped, it closes its connections, which needs a runtime.
    let _guard = runtime.enter();
    let store = runtime.block_on(database::open(database))?;
    let user = runtime.block_on(create_user(store.as_ref()))?;
    let jobs = runtime.block_on(plan(store.as_ref(), user, &manifest))?;

    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let work = || append_all(runtime.handle(), store.as_ref(), &manifest, &jobs, &next);
    let mut loaded = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(join)
            .try_fold(Loaded::default(), |total, loaded| loaded.map(|loaded| total.plus(&loaded)))
    })?;
    loaded.user_id = user.0;
    loaded.seconds = start.elapsed().as_secs_f64();
    Ok(loaded)
}

impl Loaded {
    fn plus(self, other: &Self) -> Self {
        Self {
            readings: self.readings + other.readings,
            segments: self.segments + other.segments,
            segment_bytes: self.segment_bytes + other.segment_bytes,
            ..self
        }
    }
}

fn join(worker: ScopedJoinHandle<'_, anyhow::Result<Loaded>>) -> anyhow::Result<Loaded> {
    worker.join().map_err(|_| anyhow!("a thread that encodes segments has panicked"))?
}

async fn create_user(store: &dyn Store) -> anyhow::Result<UserId> {
    let user = NewUser { username: Username::new("bench")?, email: Email::parse("bench@example.com")? };
    Ok(store.create_user(&Author::SERVICE, user).await?.id)
}

/// Registers the devices and divides their readings into segments.
async fn plan<'m>(store: &dyn Store, user: UserId, manifest: &'m Manifest) -> anyhow::Result<Vec<Job<'m>>> {
    let mut jobs = Vec::new();
    for readings in &manifest.devices {
        let device_id = DeviceId::new(readings.device_id.as_str())?;
        let user_id = readings.owned.then_some(user);
        let device = store
            .create_device(&Author::SERVICE, NewDevice { user_id, ..NewDevice::new(device_id) }, None)
            .await?
            .key;
        let mut from = 0;
        while from < readings.readings {
            // The last segment of a device has the remainder.
            let count = u32::try_from(u64::from(SEGMENT_READINGS).min(readings.readings - from))?;
            let first_id = store.reserve_reading_ids(count).await?.start;
            jobs.push(Job { device, readings, from, count, first_id });
            from += u64::from(count);
        }
    }
    Ok(jobs)
}

/// Encodes and appends segments that no other thread has taken.
fn append_all(
    runtime: &Handle,
    store: &dyn Store,
    manifest: &Manifest,
    jobs: &[Job<'_>],
    next: &AtomicUsize,
) -> anyhow::Result<Loaded> {
    let mut loaded = Loaded::default();
    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
        let bytes = append(runtime, store, manifest, job).inspect_err(|_| {
            // Stops the other threads.
            next.store(jobs.len(), Ordering::Relaxed);
        })?;
        loaded.readings += u64::from(job.count);
        loaded.segments += 1;
        loaded.segment_bytes += bytes;
    }
    Ok(loaded)
}

/// Encodes and appends a segment, and returns its size in bytes.
fn append(runtime: &Handle, store: &dyn Store, manifest: &Manifest, job: &Job<'_>) -> anyhow::Result<u64> {
    let rows = manifest.rows(job.readings, job.from, usize::try_from(job.count)?, job.first_id)?;
    let segment = Segment::encode(&rows, Effort::Small)?;
    let start = Instant::now();
    loop {
        match runtime.block_on(store.append_segment(job.device, &segment)) {
            Ok(Replaced::Done(_)) => return Ok(u64::try_from(segment_bytes(&segment))?),
            Ok(Replaced::Stale) => {
                bail!("device {} already has readings in this period", job.readings.device_id)
            }
            // Threads write one at a time, so a call may time out while it waits for the others.
            Err(error) if error.retry() == Retry::Safe && start.elapsed() < RETRIES_TIMEOUT => {
                runtime.block_on(sleep(RETRY_PAUSE));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the size of a segment in bytes: its head and its blocks.
pub(crate) fn segment_bytes(segment: &Segment) -> usize {
    segment.head.len() + segment.blocks.iter().map(Vec::len).sum::<usize>()
}
