//! Keyed requests: their readings are stored once, however often a client sends them.

use std::collections::HashMap;
use std::sync::Arc;

use device_stats_domain::{DeviceKey, IdempotencyKey, NewReading, ReadingId, Timestamp};

use crate::{Appended, StoreError};

/// Hash of the payload of a request.
pub type Fingerprint = [u8; 32];

/// The readings of a keyed request.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyedReadings {
    /// The key of the request.
    pub key: IdempotencyKey,
    /// Hash of the payload, which distinguishes a retry from another request with the same key.
    pub fingerprint: Fingerprint,
    /// Time at which the receipt expires.
    pub kept_until: Timestamp,
    /// The readings, which are stored together or not at all.
    pub readings: Arc<[NewReading]>,
}

/// Outcome of a keyed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedOutcome {
    /// The key is new; the outcome of each reading.
    New(Vec<Appended>),
    /// The request has been carried out before.
    Repeated(Receipt),
    /// The key belongs to a request with another payload. Nothing has been done.
    DifferentPayload,
}

/// Counts of the readings that a request stored, and the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Number of readings that the request stored.
    pub stored: u64,
    /// Number of readings that were repeats, conflicts included.
    pub repeats: u64,
    /// Number of repeats that were conflicts.
    pub conflicts: u64,
    /// The first of the stored readings, in the order of the request.
    pub first: Option<FirstStored>,
}

/// The first reading that a request stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstStored {
    /// Device of the reading.
    pub device: DeviceKey,
    /// Id of the reading.
    pub id: ReadingId,
    /// Time of the reading.
    pub time: Timestamp,
}

impl Receipt {
    /// Sums up the outcomes of readings, which are in the same order.
    pub fn from_outcomes(readings: &[NewReading], outcomes: &[Appended]) -> Self {
        let mut receipt = Self::default();
        for (new, appended) in readings.iter().zip(outcomes) {
            match *appended {
                Appended::Repeat => receipt.repeats += 1,
                Appended::Conflict => {
                    receipt.repeats += 1;
                    receipt.conflicts += 1;
                }
                Appended::Stored(time) => {
                    receipt.stored += 1;
                    receipt.first.get_or_insert(FirstStored { device: new.device, id: new.id, time });
                }
            }
        }
        receipt
    }
}

/// A receipt as a store keeps it under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Hash of the payload of the request.
    pub fingerprint: Fingerprint,
    /// The receipt of the request.
    pub receipt: Receipt,
}

impl StoredReceipt {
    /// Returns the outcome of a later request with the same key.
    fn answer(&self, request: &KeyedReadings) -> KeyedOutcome {
        if self.fingerprint == request.fingerprint {
            KeyedOutcome::Repeated(self.receipt)
        } else {
            KeyedOutcome::DifferentPayload
        }
    }
}

/// The requests of one call of [`append_keyed`](crate::ReadingStore::append_keyed), split by whether their
/// keys are known.
#[derive(Debug)]
pub struct KeyedCall<'r> {
    requests: Vec<(&'r KeyedReadings, KeyState)>,
}

/// State of the key of a request.
#[derive(Debug)]
enum KeyState {
    /// The key is new: the readings of the request are appended.
    New,
    /// The store keeps a receipt under the key.
    Stored(StoredReceipt),
    /// An earlier request of the call, at this position among the new ones, has the same key.
    InCall(usize),
}

/// Outcomes of a call, and the receipts to keep.
#[derive(Debug)]
pub struct FinishedKeyedCall<'r> {
    /// Outcome of each request, in the order of the call.
    pub outcomes: Vec<KeyedOutcome>,
    /// Receipts of the new requests, in the order of the call. No two have the same key.
    pub receipts: Vec<(&'r KeyedReadings, Receipt)>,
}

impl<'r> KeyedCall<'r> {
    /// Looks up the key of each request with `find`, which ignores expired receipts.
    ///
    /// # Errors
    /// The errors of `find`.
    pub fn new(
        requests: &'r [KeyedReadings],
        mut find: impl FnMut(&IdempotencyKey) -> Result<Option<StoredReceipt>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut new = HashMap::with_capacity(requests.len());
        let requests = requests.iter().map(|request| {
            let known = match (new.get(&request.key).copied(), find(&request.key)?) {
                (Some(position), _) => KeyState::InCall(position),
                (None, Some(stored)) => KeyState::Stored(stored),
                (None, None) => {
                    new.insert(&request.key, new.len());
                    KeyState::New
                }
            };
            Ok((request, known))
        });
        Ok(Self { requests: requests.collect::<Result<_, StoreError>>()? })
    }

    /// Returns the readings of the new requests.
    pub fn new_readings(&self) -> Vec<NewReading> {
        let new = self.requests.iter().filter(|(_, known)| matches!(known, KeyState::New));
        new.flat_map(|(request, _)| request.readings.iter().copied()).collect()
    }

    /// Splits the outcomes of [`Self::new_readings`] among the requests.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the number of outcomes differs from the number of new readings.
    pub fn finish(self, appended: Vec<Appended>) -> Result<FinishedKeyedCall<'r>, StoreError> {
        let miscounted = || StoreError::Broken("an append returned too few or too many outcomes".into());
        let mut appended = appended.into_iter();
        let mut receipts: Vec<(&KeyedReadings, Receipt)> = Vec::new();
        let mut outcomes = Vec::with_capacity(self.requests.len());
        for (request, known) in self.requests {
            outcomes.push(match known {
                KeyState::New => {
                    let own: Vec<Appended> = appended.by_ref().take(request.readings.len()).collect();
                    if own.len() != request.readings.len() {
                        return Err(miscounted());
                    }
                    receipts.push((request, Receipt::from_outcomes(&request.readings, &own)));
                    KeyedOutcome::New(own)
                }
                KeyState::Stored(stored) => stored.answer(request),
                KeyState::InCall(position) => {
                    let (first, receipt) = *receipts.get(position).ok_or_else(miscounted)?;
                    StoredReceipt { fingerprint: first.fingerprint, receipt }.answer(request)
                }
            });
        }
        match appended.next() {
            Some(_) => Err(miscounted()),
            None => Ok(FinishedKeyedCall { outcomes, receipts }),
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Axes, Finite, ReadingTime};

    use super::*;

    #[test]
    fn an_append_that_reports_on_too_few_or_too_many_readings_is_broken() {
        let reading = NewReading {
            device: DeviceKey(1),
            id: ReadingId(1),
            time: ReadingTime::Given(Timestamp::MAX),
            values: Axes { x: 0.0, y: 0.0, z: 0.0 }.map(|number| Finite::new(number).unwrap()),
        };
        let request = KeyedReadings {
            key: IdempotencyKey::new("k").unwrap(),
            fingerprint: [1; 32],
            kept_until: Timestamp::MAX,
            readings: Arc::new([reading; 2]),
        };
        let requests = [request];
        let finish = |appended: Vec<Appended>| {
            KeyedCall::new(&requests, |_| Ok(None))
                .unwrap()
                .finish(appended)
                .map(|finished| finished.outcomes)
        };
        let both = vec![Appended::Stored(Timestamp::MAX), Appended::Repeat];
        assert_eq!(finish(both.clone()).unwrap(), [KeyedOutcome::New(both)]);
        for count in [0, 1, 3] {
            assert!(matches!(finish(vec![Appended::Repeat; count]), Err(StoreError::Broken(_))), "{count}");
        }
    }
}
