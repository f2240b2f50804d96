//! Keyed requests of the model.

use std::collections::BTreeSet;

use device_stats_domain::{NewReading, Timestamp};

use super::state::{ModelReceipt, State};
use crate::{Appended, FirstStored, KeyedOutcome, KeyedReadings, Receipt, StoreError, StoredReceipt};

impl State {
    /// Appends the readings of the new requests, all or none. Then answers one request after the other, and
    /// keeps the receipt of each new one before the next. Uses nothing of [`KeyedCall`](crate::KeyedCall), so
    /// the walk also tests that.
    pub(super) fn append_keyed(
        &mut self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        self.receipts.retain(|_, receipt| now < receipt.kept_until);
        let mut new = BTreeSet::new();
        let new = requests
            .iter()
            .filter(|request| !self.receipts.contains_key(&request.key) && new.insert(&request.key));
        let readings: Vec<NewReading> = new.flat_map(|request| request.readings.iter().copied()).collect();
        let mut appended = self.append(&readings)?.into_iter();
        Ok(requests.iter().map(|request| self.answer(request, &mut appended)).collect())
    }

    /// Answers a request. If it is new, takes its outcomes from the front of `appended`.
    fn answer(
        &mut self,
        request: &KeyedReadings,
        appended: &mut impl Iterator<Item = Appended>,
    ) -> KeyedOutcome {
        let KeyedReadings { ref key, fingerprint, kept_until, ref readings } = *request;
        if let Some(ModelReceipt { stored, .. }) = self.receipts.get(key) {
            return if stored.fingerprint == fingerprint {
                KeyedOutcome::Repeated(stored.receipt)
            } else {
                KeyedOutcome::DifferentPayload
            };
        }
        let outcomes: Vec<Appended> = appended.take(readings.len()).collect();
        let stored = || {
            readings.iter().zip(&outcomes).filter_map(|(new, outcome)| match *outcome {
                Appended::Stored(time) => Some(FirstStored { device: new.device, id: new.id, time }),
                Appended::Repeat | Appended::Conflict => None,
            })
        };
        let count = stored().count() as u64;
        let repeats = readings.len() as u64 - count;
        let conflicts = outcomes.iter().filter(|outcome| **outcome == Appended::Conflict).count() as u64;
        let receipt = Receipt { stored: count, repeats, conflicts, first: stored().next() };
        let stored = StoredReceipt { fingerprint, receipt };
        self.receipts.insert(key.clone(), ModelReceipt { stored, kept_until });
        KeyedOutcome::New(outcomes)
    }
}
