//! The order in which a store appends the readings of a call, and the outcome of each.

use std::collections::HashMap;

use device_stats_domain::{Axes, DeviceKey, Finite, NewReading, ReadingTime, Timestamp};

use crate::StoreError;

/// Outcome of appending a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The reading has been stored, at this time.
    Stored(Timestamp),
    /// The device already has a reading with this time and these values.
    Repeat,
    /// The device already has a reading with this time and other values. That reading does not change. A
    /// conflict is also a repeat.
    Conflict,
}

impl Appended {
    /// Returns the outcome of a reading whose device already has a reading with its time. Compares the values
    /// bit by bit.
    pub fn repeat(new: &NewReading, stored: Axes<f64>) -> Self {
        let is_equal = new.values.map(|number| number.get().to_bits()) == stored.map(f64::to_bits);
        if is_equal { Self::Repeat } else { Self::Conflict }
    }
}

/// A reading with its position in the call.
#[derive(Clone, Copy, Debug)]
pub struct OrderedReading<'r> {
    /// Position of the reading in the call.
    pub index: usize,
    /// The reading.
    pub reading: &'r NewReading,
    /// Time of a client-timed reading; for a server-timed one the server's clock, until its time is picked.
    pub time: Timestamp,
}

impl OrderedReading<'_> {
    /// Returns whether the server picks the time of the reading.
    pub fn is_server_timed(&self) -> bool {
        matches!(self.reading.time, ReadingTime::Picked(_))
    }
}

/// The readings of one call in the order in which a store inserts them: client-timed ones first. All calls
/// use the same order, so no two calls wait for each other.
#[derive(Debug)]
pub struct AppendOrder<'r> {
    /// Client-timed readings by device and time. Of several readings with the same device and time, only the
    /// first of the call.
    pub client_timed: Vec<OrderedReading<'r>>,
    /// The other client-timed readings. An earlier reading of the call has the same device and time.
    pub repeated: Vec<OrderedReading<'r>>,
    /// Server-timed readings by device, then in the order of the call.
    pub server_timed: Vec<OrderedReading<'r>>,
}

impl<'r> AppendOrder<'r> {
    /// Sorts the readings of a call.
    pub fn new(readings: &'r [NewReading]) -> Self {
        let mut client_timed = Vec::with_capacity(readings.len());
        let mut server_timed = Vec::new();
        for (index, reading) in readings.iter().enumerate() {
            match reading.time {
                ReadingTime::Given(time) => client_timed.push(OrderedReading { index, reading, time }),
                ReadingTime::Picked(time) => server_timed.push(OrderedReading { index, reading, time }),
            }
        }
        client_timed.sort_unstable_by_key(|new| (new.reading.device, new.time, new.index));
        let mut repeated = Vec::new();
        client_timed.dedup_by(|new: &mut OrderedReading<'_>, first| {
            let is_repeated = (new.reading.device, new.time) == (first.reading.device, first.time);
            if is_repeated {
                repeated.push(*new);
            }
            is_repeated
        });
        server_timed.sort_unstable_by_key(|new| (new.reading.device, new.index));
        Self { client_timed, repeated, server_timed }
    }
}

/// The readings that a call has stored, and the readings that already existed.
#[derive(Debug, Default)]
pub struct AppendResult<'r> {
    /// The stored readings, with their times.
    pub stored: Vec<OrderedReading<'r>>,
    /// The readings of [`AppendOrder::client_timed`] that were not stored, each with the values of the stored
    /// reading with the same device and time.
    pub existing: Vec<(OrderedReading<'r>, Axes<f64>)>,
}

impl AppendResult<'_> {
    /// Returns the outcome of each reading of a call of `count` readings. `repeated` are those of
    /// [`AppendOrder::repeated`].
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the readings are not those of the call.
    pub fn outcomes(
        &self,
        count: usize,
        repeated: &[OrderedReading<'_>],
    ) -> Result<Vec<Appended>, StoreError> {
        let mut outcomes = vec![None; count];
        let mut set = |index: usize, outcome| {
            let place = outcomes.get_mut(index);
            place.map(|place| *place = Some(outcome)).ok_or_else(|| broken("a reading is not of its call"))
        };
        for OrderedReading { index, time, .. } in &self.stored {
            set(*index, Appended::Stored(*time))?;
        }
        for (OrderedReading { index, reading, .. }, values) in &self.existing {
            set(*index, Appended::repeat(reading, *values))?;
        }
        if !repeated.is_empty() {
            let values = self.values_by_time();
            for OrderedReading { index, reading, time } in repeated {
                let first = values.get(&(reading.device, *time));
                let first = first.ok_or_else(|| broken("the first of equal readings has no outcome"))?;
                set(*index, Appended::repeat(reading, *first))?;
            }
        }
        let outcomes = outcomes.into_iter().collect::<Option<Vec<_>>>();
        outcomes.ok_or_else(|| broken("a reading has no outcome"))
    }

    /// Returns the values that the devices have after the call, by device and time.
    fn values_by_time(&self) -> HashMap<(DeviceKey, Timestamp), Axes<f64>> {
        let stored = self.stored.iter().map(|new| (new, new.reading.values.map(Finite::get)));
        let existing = self.existing.iter().map(|(new, values)| (new, *values));
        stored.chain(existing).map(|(new, values)| ((new.reading.device, new.time), values)).collect()
    }
}

fn broken(reason: &'static str) -> StoreError {
    StoreError::Broken(reason.into())
}
