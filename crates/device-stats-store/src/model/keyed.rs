//! Keyed requests of the model.

use device_stats_domain::Timestamp;

use super::state::{ModelReceipt, State};
use crate::{FinishedKeyedCall, KeyedCall, KeyedOutcome, KeyedReadings, StoreError, StoredReceipt};

impl State {
    /// Appends the readings of the new requests, all or none, and keeps their receipts.
    pub(super) fn append_keyed(
        &mut self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        self.receipts.retain(|_, receipt| now < receipt.kept_until);
        let call = KeyedCall::new(requests, |key| Ok(self.receipts.get(key).map(|receipt| receipt.stored)))?;
        let appended = self.append(&call.new_readings())?;
        let FinishedKeyedCall { outcomes, receipts } = call.finish(appended)?;
        for (request, receipt) in receipts {
            let stored = StoredReceipt { fingerprint: request.fingerprint, receipt };
            let receipt = ModelReceipt { stored, kept_until: request.kept_until };
            self.receipts.insert(request.key.clone(), receipt);
        }
        Ok(outcomes)
    }
}
