//! The hot readings in memory, as the journal tells: a view of them at the moment of a transaction.
//!
//! Each transaction first looks up to which entry its database has come, and reads those that memory has not seen. So it
//! makes no difference whether they were written by this process or by another one, or before a restart. What is in memory
//! remembers with which entry it came and went, so a transaction that began earlier goes on seeing what it saw.

mod by_time;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, StoreError};
use rusqlite::Connection;
use state::State;

use crate::journal::{self, Entry, Position};

/// Entries that one commit removes from the journal: more than it adds, which are at most one for each segment of a group
/// and one that carries readings forward. Not all there are, since each may be long.
const CUT_ENTRIES_MAX: Position = 64;

/// What tells a hot reading of a device from any other that was ever stored: a later one may have the same time, after
/// the first one was deleted with its device, but never the same id.
pub(crate) type TimeAndId = (i64, i64);

/// The hot readings of one database.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    memory: Mutex<Arc<Memory>>,
    /// Held by who reads the journal anew.
    anew: Mutex<()>,
}

/// What was read of the journal.
#[derive(Debug, Default)]
struct Memory {
    state: RwLock<State>,
    /// The views that are open, by the position at which memory was when each began: it may see what went later.
    views: Mutex<BTreeMap<Position, usize>>,
}

/// The hot readings at the moment of a transaction.
#[derive(Debug)]
pub(crate) struct View {
    memory: Arc<Memory>,
    begun: Position,
    position: Position,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under a lock can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hot {
    /// A view for the transaction that is open on the connection. It must be the first that is read there: what leaves
    /// memory is what no open view can see, and this one is open before the moment of a transaction that reads is fixed. One
    /// that writes has the only right to, so that nothing comes or goes meanwhile.
    pub(crate) fn view(&self, connection: &Connection) -> Result<View, StoreError> {
        let mut view = View::open(self.memory());
        let position = journal::last(connection)?;
        if view.reach(connection, position)? {
            return Ok(view);
        }
        // It has just begun, or another process has cut what memory had not seen. Once is enough for all who find that, but
        // for one whose moment is before that of the memory it finds now: of that it could not see what has gone since.
        let _anew = lock(&self.anew);
        view = View::open(self.memory());
        if view.reach(connection, position)? {
            return Ok(view);
        }
        let is_newest = view.begun < position;
        let before = journal::first(connection)?.map_or(position, |first| first - 1);
        let memory = Arc::new(Memory { state: RwLock::new(State::behind(before)), views: Mutex::default() });
        view = View::open(Arc::clone(&memory));
        if !view.reach(connection, position)? {
            return Err(StoreError::Broken("an entry of the journal is missing".into()));
        }
        if is_newest {
            *lock(&self.memory) = memory;
        }
        Ok(view)
    }

    fn memory(&self) -> Arc<Memory> {
        Arc::clone(&lock(&self.memory))
    }
}

impl Memory {
    /// Reads the entries up to a position; says whether all were there.
    fn catch_up(&self, connection: &Connection, position: Position) -> Result<bool, StoreError> {
        if self.read().position() >= position {
            return Ok(true);
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let known = state.position();
        journal::each_after(connection, known, |next, entry| {
            let is_next = next == state.position() + 1;
            if is_next {
                state.apply(next, entry);
            }
            is_next
        })?;
        let oldest = lock(&self.views).keys().next().copied();
        state.forget(oldest.unwrap_or(position));
        Ok(state.position() >= position)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    fn open(memory: Arc<Memory>) -> Self {
        let begun = {
            // Held, so that nothing is forgotten in between.
            let state = memory.read();
            *lock(&memory.views).entry(state.position()).or_default() += 1;
            state.position()
        };
        Self { memory, begun, position: begun }
    }

    /// Sees what was hot at a position; says whether it can.
    fn reach(&mut self, connection: &Connection, position: Position) -> Result<bool, StoreError> {
        self.position = position;
        Ok(self.begun <= position && self.memory.catch_up(connection, position)?)
    }

    /// The hot readings of a device inside the window.
    pub(crate) fn inside(&self, device: DeviceKey, window: Window) -> Vec<Row> {
        self.memory.read().rows(device, window, self.position).collect()
    }

    /// Whether a device has a hot reading inside the window.
    pub(crate) fn has_any(&self, device: DeviceKey, window: Window) -> bool {
        self.memory.read().rows(device, window, self.position).next().is_some()
    }

    /// The id of the hot reading of that time, if there is one.
    pub(crate) fn find(&self, device: DeviceKey, time_us: i64) -> Option<i64> {
        self.memory.read().find(device, time_us, self.position)
    }

    /// When the newest hot reading of a device inside the window was taken.
    pub(crate) fn newest_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        self.memory.read().rows(device, window, self.position).next_back().map(|row| row.time_us)
    }

    /// The `count` newest hot readings of a device inside the window, newest first.
    pub(crate) fn newest(&self, device: DeviceKey, window: Window, count: u64) -> Vec<Row> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.memory.read().rows(device, window, self.position).rev().take(count).collect()
    }

    /// The `count` earliest hot readings of a device.
    pub(crate) fn earliest(&self, device: DeviceKey, count: u32) -> Vec<Row> {
        self.memory.read().rows(device, Window::ALL, self.position).take(count as usize).collect()
    }

    /// All devices that have hot readings, by ascending key.
    pub(crate) fn list(&self) -> Vec<HotDevice> {
        self.memory.read().devices(self.position)
    }

    /// Whether all these are hot.
    pub(crate) fn has_all(&self, device: DeviceKey, wanted: &[TimeAndId]) -> bool {
        let state = self.memory.read();
        wanted.iter().all(|(time_us, id)| state.find(device, *time_us, self.position) == Some(*id))
    }

    /// Removes entries that nothing is hot for any more from the journal, and lets readings that have been hot for long
    /// not hold many others there. To be called in a transaction that writes.
    pub(crate) fn tidy(&self, connection: &Connection) -> Result<(), StoreError> {
        let (first_needed, carried) = {
            let state = self.memory.read();
            (state.first_needed(), state.to_carry())
        };
        if let Some(first) = journal::first(connection)?.filter(|first| *first < first_needed) {
            journal::cut(connection, first_needed.min(first + CUT_ENTRIES_MAX))?;
        }
        if carried.is_empty() { Ok(()) } else { journal::write(connection, &Entry::Carried(carried)) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut views = lock(&self.memory.views);
        if let Some(count) = views.get_mut(&self.begun) {
            *count -= 1;
            if *count == 0 {
                views.remove(&self.begun);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::Axes;

    use super::*;
    use crate::SqliteStore;
    use crate::database::uri;

    /// Another thread had read the journal anew meanwhile, after what was hot at the moment of this transaction had been
    /// sealed and cut from it: the readings would have been in neither.
    #[test]
    fn a_moment_before_that_of_memory_is_seen_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(SqliteStore::open(&path, true).unwrap());
        let connect = || Connection::open(uri::uri(&path, "rw")).unwrap();
        let (mut early, late) = (connect(), connect());
        let device = DeviceKey(1);
        let row = Row { time_us: 7, id: 1, values: Axes { x: 1.0, y: 2.0, z: 3.0 } };
        journal::write(&late, &Entry::Appended(vec![(device, row)])).unwrap();
        let early = early.transaction().unwrap();
        assert_eq!(journal::last(&early).unwrap(), 1);
        journal::write(&late, &Entry::Sealed(device, vec![7])).unwrap();
        journal::cut(&late, 2).unwrap();

        let hot = Hot::default();
        assert_eq!(hot.view(&late).unwrap().list(), []);
        assert_eq!(hot.view(&early).unwrap().inside(device, Window::ALL), [row]);
        // What it had to read for itself is not what others see.
        assert_eq!(hot.view(&late).unwrap().list(), []);
    }
}
