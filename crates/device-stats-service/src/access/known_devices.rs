//! A cache of device keys, so that ingest does not look up the device of each reading.

use device_stats_domain::{DeviceId, DeviceKey};
use device_stats_store::{AccountStore, StoreError};
use quick_cache::sync::Cache;

use crate::limits::KNOWN_DEVICES_MAX;

/// The cached keys of devices that received readings.
///
/// Any node may have deleted the device of a cached key. Keys are never reused, so the store then reports the
/// device as missing, and the caller calls [`Self::forget`]. But an older copy of the database may give a key
/// again, so a key is used only until the store finds that such a copy has replaced the database.
pub(crate) struct KnownDevices(Cache<DeviceId, KnownDevice>);

#[derive(Clone, Copy)]
struct KnownDevice {
    key: DeviceKey,
    /// [`ReadingStore::restores`](device_stats_store::ReadingStore::restores) before the lookup of the key.
    restores: u64,
}

impl Default for KnownDevices {
    fn default() -> Self {
        Self(Cache::new(KNOWN_DEVICES_MAX))
    }
}

impl KnownDevices {
    /// Returns the keys of devices, in the order of `ids`; `None` for each missing device. `restores` is
    /// [`ReadingStore::restores`](device_stats_store::ReadingStore::restores), read before this call.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn find_keys(
        &self,
        store: &(impl AccountStore + ?Sized),
        ids: &[DeviceId],
        restores: u64,
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        let known = |id| self.0.get(id).filter(|known| known.restores == restores).map(|known| known.key);
        let mut keys: Vec<Option<DeviceKey>> = ids.iter().map(known).collect();
        let unknown = ids.iter().zip(&keys).filter(|(_, key)| key.is_none());
        let unknown: Vec<DeviceId> = unknown.map(|(id, _)| id.clone()).collect();
        if unknown.is_empty() {
            return Ok(keys);
        }
        let found = store.find_devices(&unknown).await?;
        for (key, found) in keys.iter_mut().filter(|key| key.is_none()).zip(found) {
            *key = found.map(|device| {
                self.0.insert(device.device_id, KnownDevice { key: device.key, restores });
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
}

#[cfg(test)]
mod tests {
    use device_stats_store::Model;

    use super::*;
    use crate::testing::create_device;

    /// A lookup that began before the store found the restore may end, and cache its keys, afterwards.
    #[tokio::test]
    async fn keys_are_looked_up_again_after_a_restore() {
        let (old, new) = (Model::default(), Model::default());
        create_device(&new, "other").await;
        let ids = ["d"].map(|id| DeviceId::new(id).unwrap());
        let (old_key, new_key) = (create_device(&old, "d").await, create_device(&new, "d").await);
        assert_ne!(old_key, new_key);
        let known = KnownDevices::default();
        let find = async |store: &Model, restores| known.find_keys(store, &ids, restores).await.unwrap();
        assert_eq!(find(&old, 0).await, [Some(old_key)]);
        assert_eq!(find(&new, 0).await, [Some(old_key)], "the key is cached");
        assert_eq!(find(&new, 1).await, [Some(new_key)]);
        assert_eq!(find(&old, 0).await, [Some(old_key)], "a late lookup");
        assert_eq!(find(&new, 1).await, [Some(new_key)]);
    }
}
