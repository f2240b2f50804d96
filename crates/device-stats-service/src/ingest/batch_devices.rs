//! The devices of a batch: each device once, although many readings name it.

use std::collections::HashMap;
use std::sync::Arc;

use device_stats_domain::{DeviceId, Measurement};

use crate::access::IngestKey;

/// The distinct devices of a batch.
pub(super) struct BatchDevices {
    /// Each device once, in the order of its first reading.
    ids: Vec<DeviceId>,
    /// Position in `ids` of the device of each reading.
    positions: Vec<u32>,
}

impl BatchDevices {
    /// Finds the devices of a batch.
    pub(super) fn new(batch: &[(DeviceId, Measurement)]) -> Self {
        let (mut ids, mut positions) = (Vec::new(), Vec::with_capacity(batch.len()));
        let mut found: HashMap<&DeviceId, u32> = HashMap::new();
        let mut last = None;
        for (id, _) in batch {
            let position = match last {
                // Often, several readings of a device follow each other.
                Some((last, position)) if last == id => position,
                _ => *found.entry(id).or_insert_with(|| {
                    ids.push(id.clone());
                    // A batch never has as many readings.
                    u32::try_from(ids.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            positions.push(position);
            last = Some((id, position));
        }
        Self { ids, positions }
    }

    /// Returns each device once.
    pub(super) fn ids(&self) -> &[DeviceId] {
        &self.ids
    }

    /// Memory held, in bytes, with the keys of the devices.
    pub(super) fn held_bytes(&self) -> usize {
        let keys = self.ids.len() * size_of::<Option<IngestKey>>();
        self.ids.capacity() * size_of::<DeviceId>() + self.positions.capacity() * size_of::<u32>() + keys
    }

    /// Returns the number of readings whose device has no key.
    pub(super) fn count_unknown(&self, keys: &[Option<IngestKey>]) -> usize {
        self.keys(keys).filter(Option::is_none).count()
    }

    /// Returns the index and device of each reading whose device has no key.
    pub(super) fn unknown(&self, keys: &[Option<IngestKey>]) -> Vec<(usize, DeviceId)> {
        let rows = self.positions.iter().zip(self.keys(keys)).enumerate();
        let unknown = rows.filter(|(_, (_, key))| key.is_none());
        unknown
            .filter_map(|(row, (position, _))| Some((row, self.ids.get(*position as usize)?.clone())))
            .collect()
    }

    /// Returns the key of the device of each reading.
    fn keys<'k>(
        &self,
        keys: &'k [Option<IngestKey>],
    ) -> impl Iterator<Item = Option<IngestKey>> + use<'_, 'k> {
        self.positions.iter().map(|position| keys.get(*position as usize).copied().flatten())
    }
}

/// The readings of a batch whose devices exist.
#[derive(Clone)]
pub(super) struct KnownRows {
    pub(super) batch: Arc<Vec<(DeviceId, Measurement)>>,
    pub(super) devices: Arc<BatchDevices>,
    /// The key of each device of `devices`.
    pub(super) keys: Arc<Vec<Option<IngestKey>>>,
}

impl KnownRows {
    /// Returns the readings with the keys of their devices.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IngestKey, &(DeviceId, Measurement))> {
        self.devices.keys(&self.keys).zip(self.batch.iter()).filter_map(|(key, row)| Some((key?, row)))
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Axes, DeviceKey, Finite};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_reading_keeps_its_device(
            names in prop::collection::vec("[a-d]", 0..30),
            known in prop::collection::vec(any::<bool>(), 4),
        ) {
            let number = Finite::new(0.0).unwrap();
            let measured = Measurement { time: None, values: Axes { x: number, y: number, z: number } };
            let batch: Vec<_> = names.iter().map(|name| (DeviceId::new(name.as_str()).unwrap(), measured)).collect();
            let devices = Arc::new(BatchDevices::new(&batch));
            let key = |id: &DeviceId| {
                let number = usize::from(id.as_str().as_bytes()[0] - b'a');
                let key = DeviceKey(i64::try_from(number).unwrap());
                known[number].then_some(IngestKey::without_lookup(key))
            };
            let keys: Vec<_> = devices.ids().iter().map(key).collect();
            let mut distinct = devices.ids().to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), devices.ids().len());
            let unknown: Vec<_> = (0..).zip(&batch).filter(|(_, (id, _))| key(id).is_none())
                .map(|(row, (id, _))| (row, id.clone())).collect();
            prop_assert_eq!(devices.count_unknown(&keys), unknown.len());
            prop_assert_eq!(devices.unknown(&keys), unknown);
            let expected: Vec<_> = batch.iter().filter_map(|(id, _)| Some((key(id)?, id.clone()))).collect();
            let rows = KnownRows { batch: Arc::new(batch), devices, keys: Arc::new(keys) };
            prop_assert_eq!(rows.iter().map(|(key, (id, _))| (key, id.clone())).collect::<Vec<_>>(), expected);
        }
    }
}
