//! The hot readings in memory, as the journal tells: a view of them at the moment of a transaction.
//!
//! Each transaction first looks up to which entry its database has come, and reads those that memory has not seen. So it
//! makes no difference whether they were written by this process or by another one, or before a restart. What is in memory
//! remembers with which entry it came and went, so a transaction that began earlier goes on seeing what it saw.

mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, StoreError};
use rusqlite::Connection;
use state::State;

use crate::journal::{self, Entry, Position};

/// Entries whose readings are carried forward by one commit.
const CARRIED_ENTRIES_MAX: usize = 64;

/// What tells a hot reading of a device from any other that was ever stored: a later one may have the same time, after
/// the first one was deleted with its device, but never the same id.
pub(crate) type TimeAndId = (i64, i64);

/// The hot readings of one database.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    memory: Mutex<Arc<Memory>>,
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
    /// memory is what no open view can see, and this one is open before the moment of the transaction is fixed.
    pub(crate) fn view(&self, connection: &Connection) -> Result<View, StoreError> {
        let memory = Arc::clone(&lock(&self.memory));
        let mut view = View::open(memory);
        view.position = journal::last(connection)?;
        if view.memory.catch_up(connection, view.position)? {
            return Ok(view);
        }
        // Another process has cut what memory had not seen.
        let anew = Memory::default();
        let before = journal::first(connection)?.map_or(view.position, |first| first - 1);
        anew.state.write().unwrap_or_else(PoisonError::into_inner).begin_behind(before);
        let anew = Arc::new(anew);
        let position = std::mem::replace(&mut view, View::open(Arc::clone(&anew))).position;
        view.position = position;
        if !anew.catch_up(connection, position)? {
            return Err(StoreError::Broken("an entry of the journal is missing".into()));
        }
        *lock(&self.memory) = anew;
        Ok(view)
    }
}

impl Memory {
    /// Reads the entries up to a position; says whether all were there.
    fn catch_up(&self, connection: &Connection, position: Position) -> Result<bool, StoreError> {
        if self.read().position() >= position {
            return Ok(true);
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_complete = true;
        journal::each_after(connection, state.position(), |position, entry| {
            is_complete &= position == state.position() + 1;
            if is_complete {
                state.apply(position, entry);
            }
            Ok(())
        })?;
        let oldest = lock(&self.views).keys().next().copied();
        state.forget(oldest.unwrap_or(position));
        Ok(is_complete && state.position() >= position)
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
        let first_needed = self.memory.read().first_needed();
        if journal::first(connection)?.is_some_and(|first| first < first_needed) {
            journal::cut(connection, first_needed)?;
        }
        let mut carried = Vec::new();
        for position in self.memory.read().to_carry(CARRIED_ENTRIES_MAX) {
            if let Entry::Appended(readings) | Entry::Carried(readings) = journal::at(connection, position)? {
                let state = self.memory.read();
                carried.extend(
                    readings
                        .into_iter()
                        .filter(|(device, row)| state.is_hot_for(*device, row.time_us, position)),
                );
            }
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
