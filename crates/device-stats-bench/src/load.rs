//! Fills a store: a user, devices, and their readings as segments, written on all cores.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use device_stats_domain::{DeviceId, DeviceKey, Email, NewDevice, NewUser, UserId, Username};
use device_stats_segment::{Effort, Segment};
use device_stats_store::{Replaced, Retry, Store};
use serde::Serialize;
use tokio::runtime::{Handle, Runtime};

use crate::database;
use crate::manifest::{DeviceReadings, Manifest};

/// Readings of a segment; the last one of a device has the rest.
pub(crate) const SEGMENT_READINGS: u32 = 262_144;

/// What has been loaded.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Loaded {
    /// The user whom the devices belong to.
    user_id: i64,
    readings: u64,
    segments: u64,
    /// Heads and blocks together, as they were handed to the store.
    segment_bytes: u64,
    /// Reading the files, writing the segments and committing them, on all cores.
    seconds: f64,
}

/// One segment to be made.
struct Job<'m> {
    device: DeviceKey,
    readings: &'m DeviceReadings,
    from: u64,
    count: u32,
    first_id: i64,
}

/// Loads what a manifest names into a database.
///
/// # Errors
/// Those of the files and of the store; one is that a device has readings already.
pub(crate) fn load(database: &str, manifest: &Path) -> anyhow::Result<Loaded> {
    let manifest = Manifest::read(manifest)?;
    let runtime = Runtime::new().context("the runtime cannot start")?;
    // The connections of a store must be closed inside a runtime.
    let _inside = runtime.enter();
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
            .map(joined)
            .try_fold(Loaded::default(), |sum, part| part.map(|part| sum.with(&part)))
    })?;
    loaded.user_id = user.0;
    loaded.seconds = start.elapsed().as_secs_f64();
    Ok(loaded)
}

impl Loaded {
    fn with(self, other: &Self) -> Self {
        Self {
            readings: self.readings + other.readings,
            segments: self.segments + other.segments,
            segment_bytes: self.segment_bytes + other.segment_bytes,
            ..self
        }
    }
}

fn joined(worker: ScopedJoinHandle<'_, anyhow::Result<Loaded>>) -> anyhow::Result<Loaded> {
    worker.join().map_err(|_| anyhow!("a thread that writes segments has panicked"))?
}

async fn create_user(store: &dyn Store) -> anyhow::Result<UserId> {
    let user = NewUser { username: Username::new("bench")?, email: Email::parse("bench@example.com")? };
    Ok(store.create_user(user).await?.id)
}

/// Registers the devices and divides their readings.
async fn plan<'m>(store: &dyn Store, user: UserId, manifest: &'m Manifest) -> anyhow::Result<Vec<Job<'m>>> {
    let mut jobs = Vec::new();
    for readings in &manifest.devices {
        let device_id = DeviceId::new(readings.device_id.as_str())?;
        let user_id = readings.owned.then_some(user);
        let device = store.create_device(NewDevice { device_id, name: None, user_id }).await?.key;
        let mut from = 0;
        while from < readings.readings {
            let count = SEGMENT_READINGS.min(u32::try_from(readings.readings - from).unwrap_or(u32::MAX));
            let first_id = store.reserve_reading_ids(count).await?.start;
            jobs.push(Job { device, readings, from, count, first_id });
            from += u64::from(count);
        }
    }
    Ok(jobs)
}

/// Makes and appends the segments that no other thread has begun.
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
            // The others need not go on.
            next.store(jobs.len(), Ordering::Relaxed);
        })?;
        loaded.readings += u64::from(job.count);
        loaded.segments += 1;
        loaded.segment_bytes += bytes;
    }
    Ok(loaded)
}

/// Returns the bytes of the segment.
fn append(runtime: &Handle, store: &dyn Store, manifest: &Manifest, job: &Job<'_>) -> anyhow::Result<u64> {
    let rows = manifest.rows(job.readings, job.from, usize::try_from(job.count)?, job.first_id)?;
    let segment = Segment::encode(&rows, Effort::Small)?;
    loop {
        match runtime.block_on(store.append_segment(job.device, &segment)) {
            Ok(Replaced::Done(_)) => return Ok(u64::try_from(bytes(&segment))?),
            Ok(Replaced::Stale) => {
                bail!("device {} has readings of that time already", job.readings.device_id)
            }
            // One thread writes at a time, and others may have longer to write than a call waits.
            Err(error) if error.retry() == Retry::Safe => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The bytes of a segment: its head and its blocks.
pub(crate) fn bytes(segment: &Segment) -> usize {
    segment.head.len() + segment.blocks.iter().map(Vec::len).sum::<usize>()
}
