//! A cache of device keys, so that ingest does not look up the device of each reading.

use device_stats_domain::{DeviceId, DeviceKey};
use device_stats_store::{Store, StoreError};
use quick_cache::sync::Cache;

use crate::limits::KNOWN_DEVICES_MAX;

/// The cached keys of devices that received readings.
///
/// Any node may have deleted the device of a cached key. Keys are never reused, so the store then reports the
/// device as missing, and the caller calls [`Self::forget`].
pub(crate) struct KnownDevices(Cache<DeviceId, DeviceKey>);

impl Default for KnownDevices {
    fn default() -> Self {
        Self(Cache::new(KNOWN_DEVICES_MAX))
    }
}

impl KnownDevices {
    /// Returns the keys of devices, in the order of `ids`; `None` for each missing device.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn find_keys(
        &self,
        store: &dyn Store,
        ids: &[DeviceId],
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        let mut keys: Vec<Option<DeviceKey>> = ids.iter().map(|id| self.0.get(id)).collect();
        let unknown = ids.iter().zip(&keys).filter(|(_, key)| key.is_none());
        let unknown: Vec<DeviceId> = unknown.map(|(id, _)| id.clone()).collect();
        if unknown.is_empty() {
            return Ok(keys);
        }
        let found = store.find_devices(&unknown).await?;
        for (key, found) in keys.iter_mut().filter(|key| key.is_none()).zip(found) {
            *key = found.map(|device| {
                self.0.insert(device.device_id, device.key);
                device.key
            });
        }
        Ok(keys)
    }

    /// Removes devices from the cache, so that the next lookup asks the store.
    pub(crate) fn forget<'i>(&self, ids: impl IntoIterator<Item = &'i DeviceId>) {
        for id in ids {
            self.0.remove(id);
        }
    }

    /// Removes all devices from the cache.
    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}
