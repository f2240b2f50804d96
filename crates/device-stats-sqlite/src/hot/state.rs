//! What the entries of the journal say together, entry by entry.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::HotDevice;

use super::by_time::ByTime;
use crate::journal::{Entry, Position};

/// Readings in the journal, beside those that are hot, from which on the oldest hot ones are carried forward.
const IDLE_READINGS: u64 = 1024 * 1024;
/// About how many readings are carried forward by one commit.
const CARRIED_READINGS: u64 = 16 * 1024;
/// How many times as many readings as are hot may lie in the journal beside those.
const IDLE_RATIO: u64 = 4;

/// The hot readings up to an entry, and for a while what was hot before.
#[derive(Debug, Default)]
pub(super) struct State {
    position: Position,
    devices: HashMap<DeviceKey, Readings>,
    /// The entries for which readings are hot.
    entries: BTreeMap<Position, Holding>,
    /// How many readings have come with all entries.
    arrived: u64,
    /// How many readings are hot.
    live: u64,
    /// What went, in this order: to be forgotten once nobody can see it.
    gone: VecDeque<(Position, DeviceKey, Vec<i64>)>,
}

/// The readings of a device.
#[derive(Debug, Default)]
struct Readings {
    by_time: ByTime<Reading>,
    /// How many of them are hot.
    live: u64,
}

/// A reading that is hot, or was.
#[derive(Clone, Copy, Debug)]
struct Reading {
    id: i64,
    values: Axes<f64>,
    /// The entry with which it came, and the one with which it went.
    came: Position,
    went: Position,
    /// The entry it is hot for.
    holder: Position,
}

/// What an entry keeps hot.
#[derive(Clone, Copy, Debug)]
struct Holding {
    live: u64,
    /// How many readings had come before this entry.
    arrived_before: u64,
}

impl Reading {
    fn is_visible_at(&self, position: Position) -> bool {
        self.came <= position && position < self.went
    }
}

impl State {
    /// The last entry that was applied.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Of a journal that begins behind a position.
    pub(super) fn behind(position: Position) -> Self {
        Self { position, ..Self::default() }
    }

    /// Applies the next entry.
    pub(super) fn apply(&mut self, position: Position, entry: Entry) {
        self.position = position;
        match entry {
            Entry::Appended(readings) => {
                for (device, row) in readings {
                    self.add(position, device, row);
                }
            }
            Entry::Sealed(device, times) => self.remove(position, device, times),
            Entry::Deleted(devices) => {
                for device in devices {
                    let times = self.devices.get(&device).map(|readings| {
                        let live =
                            readings.by_time.iter().filter(|(_, reading)| reading.went == Position::MAX);
                        live.map(|(time_us, _)| time_us).collect()
                    });
                    self.remove(position, device, times.unwrap_or_default());
                }
            }
            Entry::Carried(readings) => {
                for (device, row) in readings {
                    self.carry(position, device, row);
                }
            }
        }
    }

    fn add(&mut self, position: Position, device: DeviceKey, row: Row) {
        let Row { time_us, id, values } = row;
        let reading = Reading { id, values, came: position, went: Position::MAX, holder: position };
        let readings = self.devices.entry(device).or_default();
        readings.by_time.insert(time_us, reading);
        readings.live += 1;
        self.live += 1;
        self.hold(position);
        self.arrived += 1;
    }

    /// Where the entry with which the reading came has been cut, this one is the first that tells of it.
    fn carry(&mut self, position: Position, device: DeviceKey, row: Row) {
        let readings = self.devices.get_mut(&device);
        match readings.and_then(|readings| readings.by_time.get_mut(row.time_us)) {
            Some(reading) if reading.went == Position::MAX => {
                let before = std::mem::replace(&mut reading.holder, position);
                self.release(before);
                self.hold(position);
                self.arrived += 1;
            }
            Some(_) => {}
            None => self.add(position, device, row),
        }
    }

    fn remove(&mut self, position: Position, device: DeviceKey, mut times: Vec<i64>) {
        times.sort_unstable();
        let Some(readings) = self.devices.get_mut(&device) else { return };
        let mut released = Vec::with_capacity(times.len());
        for time_us in &times {
            if let Some(reading) = readings.by_time.get_mut(*time_us)
                && reading.went == Position::MAX
            {
                reading.went = position;
                released.push(reading.holder);
            }
        }
        readings.live -= released.len() as u64;
        self.live -= released.len() as u64;
        self.gone.push_back((position, device, times));
        for holder in released {
            self.release(holder);
        }
    }

    fn hold(&mut self, position: Position) {
        let arrived_before = self.arrived;
        self.entries.entry(position).or_insert(Holding { live: 0, arrived_before }).live += 1;
    }

    fn release(&mut self, position: Position) {
        if let Some(holding) = self.entries.get_mut(&position) {
            holding.live -= 1;
            if holding.live == 0 {
                self.entries.remove(&position);
            }
        }
    }

    /// Forgets what nobody sees who sees everything that went behind a position.
    pub(super) fn forget(&mut self, position: Position) {
        while let Some((_, device, times)) = self.gone.pop_front_if(|(went, ..)| *went <= position) {
            let Some(readings) = self.devices.get_mut(&device) else { continue };
            readings.by_time.remove(&times, |reading| reading.went <= position);
            if readings.by_time.is_empty() {
                self.devices.remove(&device);
            }
        }
    }

    /// The readings of a device inside the window that were hot at a position, by ascending time.
    pub(super) fn rows(
        &self,
        device: DeviceKey,
        window: Window,
        position: Position,
    ) -> impl DoubleEndedIterator<Item = Row> {
        let Window { from_us, until_us } = window;
        let readings = self.devices.get(&device).filter(|_| from_us < until_us);
        let inside = readings.into_iter().flat_map(move |readings| readings.by_time.range(from_us, until_us));
        inside.filter(move |(_, reading)| reading.is_visible_at(position)).map(|(time_us, reading)| Row {
            time_us,
            id: reading.id,
            values: reading.values,
        })
    }

    /// The id of the reading of that time that was hot at a position.
    pub(super) fn find(&self, device: DeviceKey, time_us: i64, position: Position) -> Option<i64> {
        let reading = self.devices.get(&device)?.by_time.get(time_us)?;
        reading.is_visible_at(position).then_some(reading.id)
    }

    /// The devices that had hot readings at a position, by ascending key.
    pub(super) fn devices(&self, position: Position) -> Vec<HotDevice> {
        let count = |readings: &Readings| {
            if position >= self.position {
                return readings.live;
            }
            readings.by_time.iter().filter(|(_, reading)| reading.is_visible_at(position)).count() as u64
        };
        let devices = self.devices.iter();
        let devices =
            devices.map(|(device, readings)| HotDevice { device: *device, readings: count(readings) });
        let mut devices: Vec<HotDevice> = devices.filter(|hot| hot.readings > 0).collect();
        devices.sort_unstable_by_key(|hot| hot.device);
        devices
    }

    /// The first entry of the journal for which a reading is hot, or the one that will be written next.
    pub(super) fn first_needed(&self) -> Position {
        self.entries.first_key_value().map_or(self.position + 1, |(position, _)| *position)
    }

    /// What is hot for the oldest entries, where these hold many others in the journal.
    pub(super) fn to_carry(&self) -> Vec<(DeviceKey, Row)> {
        let Some((_, oldest)) = self.entries.first_key_value() else { return Vec::new() };
        let idle = (self.arrived - oldest.arrived_before).saturating_sub(self.live);
        if idle <= IDLE_READINGS.max(IDLE_RATIO * self.live) {
            return Vec::new();
        }
        let mut held = 0;
        let oldest = self.entries.iter().take_while(|(_, holding)| {
            held += holding.live;
            held - holding.live < CARRIED_READINGS
        });
        self.held_up_to(oldest.last().map_or(0, |(position, _)| *position))
    }

    /// The readings that are hot for the entries up to that one.
    fn held_up_to(&self, position: Position) -> Vec<(DeviceKey, Row)> {
        let mut held = Vec::new();
        for (device, readings) in &self.devices {
            for (time_us, Reading { id, values, went, holder, .. }) in readings.by_time.iter() {
                if *went == Position::MAX && *holder <= position {
                    held.push((*device, Row { time_us, id: *id, values: *values }));
                }
            }
        }
        held
    }
}
