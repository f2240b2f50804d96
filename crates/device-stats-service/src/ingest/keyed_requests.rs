//! Keyed requests: the keys in progress on this node, and the fingerprints of payloads.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use device_stats_domain::{Axes, DeviceId, Finite, IdempotencyKey, Identity, Measurement, Timestamp};
use device_stats_store::Fingerprint;
use sha2::{Digest, Sha256};

use super::clock::Clock;
use crate::access::principal::own_key;
use crate::error::ServiceError;

/// The keys of the requests in progress on this node.
#[derive(Debug)]
pub(crate) struct KeyedRequests {
    in_progress: Mutex<HashSet<IdempotencyKey>>,
    receipts_kept_for: Duration,
}

/// The key of a request, with the fingerprint of its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestKey<'k> {
    pub(crate) key: &'k IdempotencyKey,
    /// The identity of the principal to which the key belongs.
    pub(crate) owner: Identity,
    pub(crate) fingerprint: Fingerprint,
}

/// The exclusive right of a request to its key on this node. Dropping the claim releases the key.
#[derive(Debug)]
pub(crate) struct KeyClaim {
    /// The key, as the key of its principal.
    pub(crate) key: IdempotencyKey,
    pub(crate) fingerprint: Fingerprint,
    /// Time of the claim.
    pub(crate) now: Timestamp,
    /// Time at which the receipt expires.
    pub(crate) kept_until: Timestamp,
    requests: Arc<KeyedRequests>,
}

impl KeyedRequests {
    /// Creates an empty set of keys. Receipts expire `receipts_kept_for` after the claim.
    pub(crate) fn new(receipts_kept_for: Duration) -> Self {
        Self { in_progress: Mutex::default(), receipts_kept_for }
    }

    /// Claims a key.
    ///
    /// # Errors
    /// [`ServiceError::RequestInProgress`].
    pub(crate) fn claim(
        self: &Arc<Self>,
        RequestKey { key, owner, fingerprint }: RequestKey<'_>,
        clock: &Clock,
    ) -> Result<KeyClaim, ServiceError> {
        let key = own_key(owner, key);
        if !self.lock().insert(key.clone()) {
            return Err(ServiceError::RequestInProgress);
        }
        let now = clock.now();
        let kept_for_us = i64::try_from(self.receipts_kept_for.as_micros()).unwrap_or(i64::MAX);
        let kept_until = Timestamp::from_micros(now.micros().saturating_add(kept_for_us));
        let kept_until = kept_until.unwrap_or(Timestamp::MAX);
        Ok(KeyClaim { key, fingerprint, now, kept_until, requests: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<IdempotencyKey>> {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyClaim {
    fn drop(&mut self) {
        self.requests.lock().remove(&self.key);
    }
}

/// Kind of a keyed request. The fingerprints of two kinds differ, even with the same readings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestKind<'d> {
    /// One reading of a device, returned as stored.
    Reading(&'d DeviceId),
    /// A batch of readings of one device.
    Batch(&'d DeviceId),
    /// A batch of readings of several devices.
    MixedBatch,
}

/// Computes the fingerprint of a payload. It depends on the values of the readings, not on their notation in
/// the request.
pub(crate) fn fingerprint<'m>(
    kind: RequestKind<'_>,
    readings: impl IntoIterator<Item = (&'m DeviceId, &'m Measurement)>,
) -> Fingerprint {
    /// Marks the end of a text. UTF-8 never contains this byte.
    const TEXT_END: [u8; 1] = [0xff];
    let mut hash = Sha256::new();
    let (kind, device) = match kind {
        RequestKind::Reading(device) => (1, device.as_str()),
        RequestKind::Batch(device) => (2, device.as_str()),
        RequestKind::MixedBatch => (3, ""),
    };
    hash.update([kind]);
    hash.update(device);
    hash.update(TEXT_END);
    for (device, Measurement { time, values }) in readings {
        hash.update(device.as_str());
        hash.update(TEXT_END);
        // i64::MIN means "no time": it is before the earliest valid time.
        hash.update(time.map_or(i64::MIN, Timestamp::micros).to_le_bytes());
        let Axes { x, y, z } = values.map(|value: Finite| value.get().to_bits());
        for bits in [x, y, z] {
            hash.update(bits.to_le_bytes());
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Payload = Vec<(DeviceId, Measurement)>;

    fn payload() -> impl Strategy<Value = Payload> {
        let device = prop::sample::select(vec!["a", "b", "ab"]).prop_map(|id| DeviceId::new(id).unwrap());
        let time = prop::option::of((0..3_i64).prop_map(|us| Timestamp::from_micros(us).unwrap()));
        let number = || (0..3_i32).prop_map(|number| Finite::new(number.into()).unwrap());
        let values = (number(), number(), number()).prop_map(|(x, y, z)| Axes { x, y, z });
        let measurement = (time, values).prop_map(|(time, values)| Measurement { time, values });
        prop::collection::vec((device, measurement), 0..4)
    }

    fn hashed(kind: RequestKind<'_>, payload: &Payload) -> Fingerprint {
        fingerprint(kind, payload.iter().map(|(device, measurement)| (device, measurement)))
    }

    proptest! {
        #[test]
        fn only_equal_payloads_have_equal_fingerprints(one in payload(), other in payload()) {
            let (a, b) = (DeviceId::new("a").unwrap(), DeviceId::new("b").unwrap());
            for kind in [RequestKind::Reading(&a), RequestKind::Batch(&a), RequestKind::MixedBatch] {
                prop_assert_eq!(hashed(kind, &one) == hashed(kind, &other), one == other);
                prop_assert_eq!(hashed(kind, &one), hashed(kind, &one.clone()));
            }
            prop_assert_ne!(hashed(RequestKind::Batch(&a), &one), hashed(RequestKind::Reading(&a), &one));
            prop_assert_ne!(hashed(RequestKind::Batch(&a), &one), hashed(RequestKind::Batch(&b), &one));
            prop_assert_ne!(hashed(RequestKind::Batch(&a), &one), hashed(RequestKind::MixedBatch, &one));
        }
    }

    #[test]
    fn a_key_is_in_progress_until_its_claim_is_dropped() {
        let requests = Arc::new(KeyedRequests::new(Duration::from_mins(1)));
        let (one, other) = (IdempotencyKey::new("1").unwrap(), IdempotencyKey::new("2").unwrap());
        let claim = |key| {
            requests.claim(
                RequestKey { key, owner: Identity::Administrator, fingerprint: [0; 32] },
                &Clock::default(),
            )
        };
        let first = claim(&one).unwrap();
        assert_eq!(first.kept_until.micros() - first.now.micros(), 60_000_000);
        assert!(matches!(claim(&one), Err(ServiceError::RequestInProgress)));
        claim(&other).unwrap();
        drop(first);
        claim(&one).unwrap();
    }
}
