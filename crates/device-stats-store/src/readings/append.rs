//! The order in which a store appends the readings of a call, and the outcome of each.

use device_stats_domain::{NewReading, ReadingTime, Timestamp};

use crate::StoreError;

/// Outcome of appending a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The reading has been stored, at this time.
    Stored(Timestamp),
    /// The device already has a reading at this time, which stays as it is.
    Repeat,
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
        client_timed.dedup_by_key(|new| (new.reading.device, new.time));
        server_timed.sort_unstable_by_key(|new| (new.reading.device, new.index));
        Self { client_timed, server_timed }
    }
}

/// Returns the outcome of each reading of a call of `count` readings: stored if it is in `stored`, else a
/// repeat.
///
/// # Errors
/// [`StoreError::Broken`] if a stored reading has no position in the call.
pub fn outcomes<'r>(
    count: usize,
    stored: impl IntoIterator<Item = OrderedReading<'r>>,
) -> Result<Vec<Appended>, StoreError> {
    let mut outcomes = vec![Appended::Repeat; count];
    for OrderedReading { index, time, .. } in stored {
        let outcome = outcomes.get_mut(index);
        let outcome =
            outcome.ok_or_else(|| StoreError::Broken("a stored reading is not of its call".into()))?;
        *outcome = Appended::Stored(time);
    }
    Ok(outcomes)
}
