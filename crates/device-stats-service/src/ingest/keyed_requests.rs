//! Requests that clients name by a key: which ones are under way, and what tells their payloads apart.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use device_stats_domain::{Axes, DeviceId, Finite, IdempotencyKey, Timestamp};
use device_stats_store::Fingerprint;
use sha2::{Digest, Sha256};

use crate::ServiceError;
use crate::ingest::clock::Clock;
use device_stats_domain::Measurement;

/// The keys of the requests that are under way on this node. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    under_way: Arc<Mutex<HashSet<IdempotencyKey>>>,
    kept_for: Duration,
}

/// The right to do the request of a key. Nobody else does it on this node before this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) key: IdempotencyKey,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) now: Timestamp,
    pub(crate) kept_until: Timestamp,
    keys: Keys,
}

impl Keys {
    /// None is under way; of those that are done, the receipt is kept for that long.
    pub(crate) fn kept_for(kept_for: Duration) -> Self {
        Self { under_way: Arc::default(), kept_for }
    }

    /// Claims a key.
    ///
    /// # Errors
    /// [`ServiceError::UnderWay`].
    pub(crate) fn claim(
        &self,
        key: &IdempotencyKey,
        fingerprint: Fingerprint,
        clock: &Clock,
    ) -> Result<Claim, ServiceError> {
        if !self.lock().insert(key.clone()) {
            return Err(ServiceError::UnderWay);
        }
        let now = clock.now();
        let kept_for = i64::try_from(self.kept_for.as_micros()).unwrap_or(i64::MAX);
        let kept_until = Timestamp::from_micros(now.micros().saturating_add(kept_for));
        let kept_until = kept_until.unwrap_or(Timestamp::MAX);
        Ok(Claim { key: key.clone(), fingerprint, now, kept_until, keys: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<IdempotencyKey>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

/// What a request asks for, as its fingerprint tells it from others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'d> {
    /// To store one reading of a device, and to answer with it.
    Reading(&'d DeviceId),
    /// To store many of a device.
    Batch(&'d DeviceId),
    /// To store many of any devices.
    MixedBatch,
}

/// The fingerprint of readings. It is of what they say, however they are written.
pub(crate) fn fingerprint<'m>(
    asked: Asked<'_>,
    readings: impl IntoIterator<Item = (&'m DeviceId, &'m Measurement)>,
) -> Fingerprint {
    let mut hash = Sha256::new();
    // Texts end with a byte that no UTF-8 has.
    let mut of_device = |kind: u8, device: &str| {
        hash.update([kind]);
        hash.update(device);
        hash.update([0xff]);
    };
    match asked {
        Asked::Reading(device) => of_device(1, device.as_str()),
        Asked::Batch(device) => of_device(2, device.as_str()),
        Asked::MixedBatch => of_device(3, ""),
    }
    for (device, Measurement { time, values }) in readings {
        hash.update(device.as_str());
        hash.update([0xff]);
        // No time is as early as that.
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

    type Sent = Vec<(DeviceId, Measurement)>;

    fn sent() -> impl Strategy<Value = Sent> {
        let device = prop::sample::select(vec!["a", "b", "ab"]).prop_map(|id| DeviceId::new(id).unwrap());
        let time = prop::option::of((0..3_i64).prop_map(|us| Timestamp::from_micros(us).unwrap()));
        let number = || (0..3_i32).prop_map(|number| Finite::new(number.into()).unwrap());
        let values = (number(), number(), number()).prop_map(|(x, y, z)| Axes { x, y, z });
        let measurement = (time, values).prop_map(|(time, values)| Measurement { time, values });
        prop::collection::vec((device, measurement), 0..4)
    }

    fn of(asked: Asked<'_>, sent: &Sent) -> Fingerprint {
        fingerprint(asked, sent.iter().map(|(device, measurement)| (device, measurement)))
    }

    proptest! {
        #[test]
        fn equal_payloads_and_no_others_have_equal_fingerprints(one in sent(), other in sent()) {
            let (a, b) = (DeviceId::new("a").unwrap(), DeviceId::new("b").unwrap());
            for asked in [Asked::Reading(&a), Asked::Batch(&a), Asked::MixedBatch] {
                prop_assert_eq!(of(asked, &one) == of(asked, &other), one == other);
                prop_assert_eq!(of(asked, &one), of(asked, &one.clone()));
            }
            prop_assert_ne!(of(Asked::Batch(&a), &one), of(Asked::Reading(&a), &one));
            prop_assert_ne!(of(Asked::Batch(&a), &one), of(Asked::Batch(&b), &one));
            prop_assert_ne!(of(Asked::Batch(&a), &one), of(Asked::MixedBatch, &one));
        }
    }

    #[test]
    fn a_key_is_under_way_until_its_claim_is_dropped() {
        let keys = Keys::kept_for(Duration::from_mins(1));
        let (one, other) = (IdempotencyKey::new("1").unwrap(), IdempotencyKey::new("2").unwrap());
        let claim = |key| keys.claim(key, [0; 32], &Clock::default());
        let first = claim(&one).unwrap();
        assert_eq!(first.kept_until.micros() - first.now.micros(), 60_000_000);
        assert!(matches!(claim(&one), Err(ServiceError::UnderWay)));
        claim(&other).unwrap();
        drop(first);
        claim(&one).unwrap();
    }
}
