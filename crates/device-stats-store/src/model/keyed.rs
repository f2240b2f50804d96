//! Requests of the model that have keys.

use device_stats_domain::{NewReading, Timestamp};

use super::state::State;
use crate::{Fingerprint, KeyedReadings, Once, Receipt, StoreError};

/// What is kept of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    fingerprint: Fingerprint,
    until: Timestamp,
    receipt: Receipt,
}

impl State {
    /// Appends the readings of those requests whose keys are not known, all or none.
    pub(super) fn append_once(
        &mut self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<Once>, StoreError> {
        self.kept.retain(|_, kept| now < kept.until);
        let is_new = |request: &&KeyedReadings| !self.kept.contains_key(&request.key);
        let new: Vec<NewReading> =
            requests.iter().filter(is_new).flat_map(|request| request.readings.iter().copied()).collect();
        let mut outcome = self.append(&new)?.into_iter();
        let done = requests.iter().map(|request| match self.kept.get(&request.key) {
            Some(kept) if kept.fingerprint == request.fingerprint => Once::Before(kept.receipt),
            Some(_) => Once::OtherPayload,
            None => {
                let own: Vec<_> = outcome.by_ref().take(request.readings.len()).collect();
                let KeyedReadings { key, fingerprint, kept_until, readings } = request;
                let receipt = Receipt::of(readings, &own);
                let kept = Kept { fingerprint: *fingerprint, until: *kept_until, receipt };
                self.kept.insert(key.clone(), kept);
                Once::Now(own)
            }
        });
        Ok(done.collect())
    }
}
