//! A cache of device keys, so that ingest does not look up the device of each reading.

use device_stats_domain::{DeviceId, DeviceKey, UserId};
use device_stats_store::{AccountStore, StoreError, Visibility};
use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::limits::{KNOWN_DEVICES_MAX, RIGHTS_CACHED_MAX};

/// The cached keys of devices that received readings.
///
/// Any node may have deleted the device of a cached key. Keys are never reused, so the store then reports the
/// device as missing, and the caller calls [`Self::forget`]. But an older copy of the database may give a key
/// again, so a key is used only until the store finds that such a copy has replaced the database. Any node
/// may also have changed the owner of a device, so a cached owner counts only for [`RIGHTS_CACHED_MAX`].
pub(crate) struct KnownDevices(Cache<DeviceId, KnownDevice>);

#[derive(Clone, Copy)]
struct KnownDevice {
    key: DeviceKey,
    owner: Option<UserId>,
    /// [`ReadingStore::restores`](device_stats_store::ReadingStore::restores) before the lookup.
    restores: u64,
    looked_up: Instant,
}

impl Default for KnownDevices {
    fn default() -> Self {
        Self(Cache::new(KNOWN_DEVICES_MAX))
    }
}

impl KnownDevices {
    /// Returns the keys of devices, in the order of `ids`; `None` for each device that is missing, or that is
    /// not visible. `restores` is
    /// [`ReadingStore::restores`](device_stats_store::ReadingStore::restores), read before this call.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn find_keys(
        &self,
        store: &(impl AccountStore + ?Sized),
        visible: Visibility,
        ids: &[DeviceId],
        restores: u64,
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        let mut keys: Vec<Option<DeviceKey>> = ids.iter().map(|id| self.get(id, visible, restores)).collect();
        let unknown = ids.iter().zip(&keys).filter(|(_, key)| key.is_none());
        let unknown: Vec<DeviceId> = unknown.map(|(id, _)| id.clone()).collect();
        if unknown.is_empty() {
            return Ok(keys);
        }
        let looked_up = Instant::now();
        let found = store.find_devices(visible, &unknown).await?;
        for (key, found) in keys.iter_mut().filter(|key| key.is_none()).zip(found) {
            *key = found.map(|device| {
                let (key, owner) = (device.key, device.user_id);
                self.0.insert(device.device_id, KnownDevice { key, owner, restores, looked_up });
                key
            });
        }
        Ok(keys)
    }

    /// Returns the key of a cached device that is visible. For a user, the owner must have been looked up
    /// within [`RIGHTS_CACHED_MAX`].
    fn get(&self, id: &DeviceId, visible: Visibility, restores: u64) -> Option<DeviceKey> {
        let known = self.0.get(id).filter(|known| known.restores == restores)?;
        let is_recent =
            || !matches!(visible, Visibility::User(_)) || known.looked_up.elapsed() < RIGHTS_CACHED_MAX;
        (visible.includes(known.key, known.owner) && is_recent()).then_some(known.key)
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
    use device_stats_domain::{Author, DeviceChange, Email, NewDevice, NewUser, Username};
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
        let find = async |store: &Model, restores| {
            known.find_keys(store, Visibility::All, &ids, restores).await.unwrap()
        };
        assert_eq!(find(&old, 0).await, [Some(old_key)]);
        assert_eq!(find(&new, 0).await, [Some(old_key)], "the key is cached");
        assert_eq!(find(&new, 1).await, [Some(new_key)]);
        assert_eq!(find(&old, 0).await, [Some(old_key)], "a late lookup");
        assert_eq!(find(&new, 1).await, [Some(new_key)]);
    }

    /// The cache found the key of any device for any caller.
    #[tokio::test(start_paused = true)]
    async fn a_cached_key_is_found_only_by_those_who_may_see_the_device() {
        let store = Model::default();
        let user = async |name: &str| {
            let email = Email::parse(&format!("{name}@example.com")).unwrap();
            store
                .create_user(&Author::SERVICE, NewUser { username: Username::new(name).unwrap(), email })
                .await
                .unwrap()
                .id
        };
        let (ann, bob) = (user("ann").await, user("bob").await);
        let new = NewDevice { user_id: Some(ann), ..NewDevice::new(DeviceId::new("d").unwrap()) };
        let device = store.create_device(&Author::SERVICE, new, None).await.unwrap();
        let known = KnownDevices::default();
        let ids = [device.device_id.clone()];
        let finds = async |visible| known.find_keys(&store, visible, &ids, 0).await.unwrap() != [None];
        let (anns, bobs) = (Visibility::User(ann), Visibility::User(bob));
        // The first round fills the cache.
        for _ in 0..2 {
            for (visible, is_found) in [
                (Visibility::All, true),
                (anns, true),
                (bobs, false),
                (Visibility::Device(device.key), true),
                (Visibility::Device(DeviceKey(99)), false),
            ] {
                assert_eq!(finds(visible).await, is_found, "{visible:?}");
            }
        }
        // Another node gives the device to another user.
        let change = DeviceChange { user_id: Some(Some(bob)), ..DeviceChange::default() };
        store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change).await.unwrap();
        assert!(finds(bobs).await);
        assert!(!finds(anns).await, "the lookup for the new owner has replaced the entry");
        let change = DeviceChange { user_id: Some(Some(ann)), ..DeviceChange::default() };
        store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change).await.unwrap();
        tokio::time::advance(RIGHTS_CACHED_MAX).await;
        assert!(!finds(bobs).await && finds(anns).await);
    }
}
