//! Group commit of segments: segments that arrive during a commit share the next transaction and its sync.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Replaced, Retry, SealedRows, StoreError, open_head};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::database::connections::Connections;
use crate::hot::{HotReadings, HotView};
use crate::limits::GROUP_SEGMENTS_MAX;
use crate::segments::replace;

type Outcome = Result<Replaced, StoreError>;

/// Segments that wait for their commit. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct SegmentQueue {
    connections: Connections,
    hot: Arc<HotReadings>,
    lane: Arc<Mutex<Lane>>,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<(WaitingSegment, oneshot::Sender<Outcome>)>,
    /// Whether a task commits the lane.
    has_writer: bool,
}

/// A segment that waits for its commit.
#[derive(Debug)]
struct WaitingSegment {
    device: DeviceKey,
    head: Box<Head>,
    source: Source,
}

/// The readings of a segment.
#[derive(Debug)]
enum Source {
    /// Hot readings, which the segment replaces.
    Hot(SealedRows),
    /// New readings.
    New(Segment),
}

impl WaitingSegment {
    fn is_seal(&self) -> bool {
        matches!(self.source, Source::Hot(_))
    }

    fn store(&self, connection: &Connection, hot: &HotView) -> Outcome {
        match &self.source {
            Source::Hot(sealed) => replace::seal(connection, hot, self.device, sealed, &self.head),
            Source::New(segment) => replace::append(connection, hot, self.device, segment, &self.head),
        }
    }
}

impl SegmentQueue {
    pub(crate) fn new(connections: &Connections, hot: &Arc<HotReadings>) -> Self {
        Self { connections: connections.clone(), hot: Arc::clone(hot), lane: Arc::default() }
    }

    /// Replaces hot readings of a device by their segment.
    pub(crate) async fn seal(&self, device: DeviceKey, sealed: &SealedRows) -> Outcome {
        let head = Box::new(open_head(sealed.segment())?);
        self.commit(WaitingSegment { device, head, source: Source::Hot(sealed.clone()) }).await
    }

    /// Adds a segment of new readings of a device.
    pub(crate) async fn append(&self, device: DeviceKey, segment: &Segment) -> Outcome {
        let head = Box::new(open_head(segment)?);
        self.commit(WaitingSegment { device, head, source: Source::New(segment.clone()) }).await
    }

    /// Waits for the commit of a segment. Call it inside a runtime.
    async fn commit(&self, segment: WaitingSegment) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let needs_writer = {
            let mut lane = self.lane();
            lane.waiting.push_back((segment, done));
            !std::mem::replace(&mut lane.has_writer, true)
        };
        if needs_writer {
            tokio::spawn(self.clone().write());
        }
        outcome.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the runtime is shutting down".into())))
    }

    /// Commits groups until no segment waits.
    async fn write(self) {
        loop {
            let (group, callers) = self.lane().next_group();
            if group.is_empty() {
                return;
            }
            // A caller that has given up ignores its outcome.
            for (done, outcome) in callers.into_iter().zip(self.store(group).await) {
                let _ = done.send(outcome);
            }
        }
    }

    /// Stores a group in one transaction, and returns the outcome of each segment. If the group fails because
    /// of one segment, each segment is stored in a transaction of its own, so that the others succeed.
    async fn store(&self, group: Vec<WaitingSegment>) -> Vec<Outcome> {
        let group: Vec<Arc<WaitingSegment>> = group.into_iter().map(Arc::new).collect();
        match self.store_together(group.clone()).await {
            Ok(outcomes) => outcomes,
            Err(error) if error.retry() == Retry::Pointless && group.len() > 1 => {
                let mut outcomes = Vec::with_capacity(group.len());
                for segment in group {
                    let alone = self.store_together(vec![segment]).await;
                    let no_outcome = || Err(StoreError::Broken("a segment has no outcome".into()));
                    outcomes.push(alone.and_then(|mut outcomes| outcomes.pop().unwrap_or_else(no_outcome)));
                }
                outcomes
            }
            Err(error) => {
                let error = Arc::new(error);
                group.iter().map(|_| Err(StoreError::from_shared(&error))).collect()
            }
        }
    }

    async fn store_together(&self, group: Vec<Arc<WaitingSegment>>) -> Result<Vec<Outcome>, StoreError> {
        let hot = Arc::clone(&self.hot);
        self.connections.write(move |connection| store_group(connection, &hot, &group)).await
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        // No code under this lock can panic halfway through a change.
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores a group in one transaction, and returns the outcome of each segment.
fn store_group(
    connection: &Connection,
    hot: &HotReadings,
    group: &[Arc<WaitingSegment>],
) -> Result<Vec<Outcome>, StoreError> {
    let view = hot.view(connection)?;
    // Tidy before the seals, because they may seal readings that `tidy` carries forward.
    if group.iter().any(|segment| segment.is_seal()) {
        view.tidy(connection)?;
    }
    let store = |segment: &Arc<WaitingSegment>| match segment.store(connection, &view) {
        // These errors occur before any change, and concern only this segment.
        Err(
            error @ (StoreError::DeviceMissing
            | StoreError::Corrupt { .. }
            | StoreError::HotReadingsDamaged { .. }),
        ) => Ok(Err(error)),
        outcome => outcome.map(Ok),
    };
    group.iter().map(store).collect()
}

impl Lane {
    /// Takes the next group out of the lane. If no segment waits, the group is empty and the lane has no
    /// writer any more.
    fn next_group(&mut self) -> (Vec<WaitingSegment>, Vec<oneshot::Sender<Outcome>>) {
        // The view of a group shows the hot readings before its transaction, so a group has at most one seal
        // of each device.
        let mut sealed = HashSet::new();
        let fits = |(segment, _): &&(WaitingSegment, _)| !segment.is_seal() || sealed.insert(segment.device);
        let count = self.waiting.iter().take(GROUP_SEGMENTS_MAX).take_while(fits).count();
        self.has_writer = count > 0;
        self.waiting.drain(..count).unzip()
    }
}
