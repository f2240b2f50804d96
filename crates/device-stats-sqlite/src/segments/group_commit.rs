//! Segments on their way in, whether they were never rows or take the place of some: those that wait while others are
//! committed share the next transaction, and thereby its sync.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::GROUP_SEGMENTS_MAX;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Replaced, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::database::connections::Connections;
use crate::hot::{Hot, TimeAndId, View};
use crate::segments::replace;

type Outcome = Result<Replaced, StoreError>;

/// Segments that wait for their commit. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    connections: Connections,
    hot: Arc<Hot>,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(Arrival, oneshot::Sender<Outcome>)>,
    /// Whether somebody commits them.
    is_served: bool,
}

/// A segment of a device.
#[derive(Debug)]
struct Arrival {
    device: DeviceKey,
    segment: Segment,
    head: Box<Head>,
    /// The hot readings whose place it takes; none where it was never rows.
    sealed: Option<Vec<TimeAndId>>,
}

impl Arrival {
    fn take_in(&self, connection: &Connection, view: &View) -> Outcome {
        let Self { device, segment, head, sealed } = self;
        match sealed {
            None => replace::append_segment(connection, view, *device, segment, head),
            Some(sealed) => replace::seal(connection, view, *device, sealed, segment, head),
        }
    }
}

impl Arrivals {
    /// None yet.
    pub(crate) fn over(connections: &Connections, hot: &Arc<Hot>) -> Self {
        Self { connections: connections.clone(), hot: Arc::clone(hot), line: Arc::default() }
    }

    /// Adds a segment in whose span the device has no reading, or one in the place of exactly those hot readings. To be
    /// called inside of a runtime.
    pub(crate) async fn take_in(
        &self,
        device: DeviceKey,
        segment: Segment,
        sealed: Option<Vec<TimeAndId>>,
    ) -> Outcome {
        let head = replace::open(&segment)?;
        let (done, outcome) = oneshot::channel();
        let is_first = {
            let mut line = self.line();
            line.waiting.push_back((Arrival { device, segment, head, sealed }, done));
            !std::mem::replace(&mut line.is_served, true)
        };
        if is_first {
            tokio::spawn(self.clone().serve());
        }
        outcome.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the runtime is shutting down".into())))
    }

    /// Commits until none waits.
    async fn serve(self) {
        loop {
            let (group, waiting) = self.line().next_group();
            if group.is_empty() {
                return;
            }
            let hot = Arc::clone(&self.hot);
            let appended = self.connections.write(move |connection| {
                let view = hot.view(connection)?;
                // First: what is carried forward may be what is sealed.
                if group.iter().any(|arrival| arrival.sealed.is_some()) {
                    view.tidy(connection)?;
                }
                let take_in = |arrival: &Arrival| {
                    match arrival.take_in(connection, &view) {
                        // Noticed before anything is changed, and no fault of the others.
                        Err(error @ (StoreError::DeviceMissing | StoreError::Corrupt { .. })) => {
                            Ok(Err(error))
                        }
                        appended => appended.map(Ok),
                    }
                };
                group.iter().map(take_in).collect::<Result<Vec<Outcome>, StoreError>>()
            });
            match appended.await {
                Ok(outcomes) => {
                    // Nobody may be waiting any more.
                    {
                        for (done, own) in waiting.into_iter().zip(outcomes) {
                            let _ = done.send(own);
                        }
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for done in waiting {
                        let _ = done.send(Err(StoreError::of_many(&error)));
                    }
                }
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that is done under it can panic half-way.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Takes those that are next to be committed together; where there are none, nobody serves them any more.
    fn next_group(&mut self) -> (Vec<Arrival>, Vec<oneshot::Sender<Outcome>>) {
        // A view shows what was hot before the transaction; so of a device only one of them may seal.
        let mut sealed = HashSet::new();
        let fits = |(arrival, _): &&(Arrival, _)| arrival.sealed.is_none() || sealed.insert(arrival.device);
        let count = self.waiting.iter().take(GROUP_SEGMENTS_MAX).take_while(fits).count();
        self.is_served = count > 0;
        self.waiting.drain(..count).unzip()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use device_stats_domain::{Axes, DeviceId, NewDevice};
    use device_stats_segment::{Effort, Row};
    use device_stats_store::Store;
    use futures_util::future::join_all;

    use super::*;
    use crate::SqliteStore;

    /// The commits in a write-ahead log: the frames that say how large the database is after them (SQLite's file format,
    /// 4.1).
    fn commits(path: &Path) -> usize {
        let log = std::fs::read(path).unwrap();
        let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
        log[32..].chunks_exact(24 + page).filter(|frame| frame[4..8] != [0; 4]).count()
    }

    #[tokio::test]
    async fn segments_that_wait_together_share_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = SqliteStore::open(&path, true).unwrap();
        let device_id = DeviceId::new("d").unwrap();
        let device = store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap();
        let values = Axes { x: 1.0, y: 2.0, z: 3.0 };
        let segment = |us| Segment::encode(&[Row { time_us: us, id: us, values }], Effort::Fast).unwrap();
        let log = folder.path().join("a.db-wal");
        let before = commits(&log);
        // The one that serves them runs when all of them wait: the test has one thread.
        let segments: Vec<Segment> = (0..20).map(|n| segment(n % 19)).collect();
        let keys = (0..20).map(|n| if n == 7 { DeviceKey(99) } else { device.key });
        let appends = keys.zip(&segments).map(|(key, segment)| store.append_segment(key, segment));
        let outcomes = join_all(appends).await;
        assert_eq!(commits(&log) - before, 1);
        for (n, outcome) in outcomes.into_iter().enumerate() {
            match n {
                7 => assert!(matches!(outcome, Err(StoreError::DeviceMissing)), "{outcome:?}"),
                // Of the same time as the first.
                19 => assert_eq!(outcome.unwrap(), Replaced::Stale),
                _ => assert!(matches!(outcome, Ok(Replaced::Done(_))), "{outcome:?}"),
            }
        }
        assert_eq!(store.list_segments(device.key).await.unwrap().len(), 18);
    }
}
