//! The store and its devices, for `seal` and `verify`, which work directly in the database.

use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::Context;
use device_stats_domain::{Device, DeviceId, ListPage};
use device_stats_service::limits::SEAL_DEVICES_MAX;
use device_stats_store::{Store, StoreError, Visibility};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt};

use super::not_found::NotFound;
use crate::database;
use crate::settings::{Migrate, Settings};

/// A store and some of its devices.
pub(super) struct StoreDevices {
    pub(super) store: Arc<dyn Store>,
    pub(super) devices: Vec<Device>,
}

impl StoreDevices {
    /// Opens the database and finds one device, or all devices. The database must have the schema of this
    /// binary.
    ///
    /// # Errors
    /// If the database cannot be used, or the device does not exist.
    pub(super) async fn open(settings: &Settings, device_id: Option<&str>) -> anyhow::Result<Self> {
        // A maintenance command neither changes the schema nor creates a database.
        let store = database::open(&Settings { migrate: Migrate::ByCommand, ..settings.clone() }).await?;
        let devices = match device_id {
            None => list_all_devices(store.as_ref()).await.context("the devices cannot be listed")?,
            Some(text) => {
                let found = match DeviceId::new(text) {
                    Ok(id) => {
                        store.find_devices(Visibility::All, &[id]).await?.into_iter().flatten().collect()
                    }
                    Err(_) => Vec::new(),
                };
                if found.is_empty() {
                    return Err(NotFound::Device(text.to_owned()).into());
                }
                found
            }
        };
        Ok(Self { store, devices })
    }
}

/// Number of devices that a command works on concurrently.
pub(super) fn parallelism() -> usize {
    available_parallelism().map_or(1, usize::from).min(SEAL_DEVICES_MAX)
}

/// Runs work on each device, several devices concurrently. The results are in no particular order.
pub(super) fn for_each_device<T, F: Future<Output = T>>(
    devices: Vec<Device>,
    work: impl Fn(Device) -> F,
) -> impl Stream<Item = T> {
    stream::iter(devices.into_iter().map(work)).buffer_unordered(parallelism())
}

/// Lists all devices by ascending key. Each page must start with the last device of the previous page.
/// Otherwise, a device was deleted in the meantime and another device may be missing, so the list starts
/// again.
async fn list_all_devices(store: &dyn Store) -> Result<Vec<Device>, StoreError> {
    let mut all: Vec<Device> = Vec::new();
    loop {
        let skip = i64::try_from(all.len().saturating_sub(1)).unwrap_or(i64::MAX);
        let mut page =
            store.list_devices(Visibility::All, ListPage { skip, ..ListPage::LARGEST }).await?.into_iter();
        if let Some(last) = all.last()
            && page.next().is_none_or(|first| first.key != last.key)
        {
            all.clear();
            continue;
        }
        let count = all.len();
        all.extend(page);
        if all.len() == count {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Author, NewDevice};
    use device_stats_store::{AccountStore, Model};

    use super::*;

    #[tokio::test]
    async fn each_device_is_listed_once() {
        for count in [0, 1, 2, 99, 100, 101, 199, 200, 350] {
            let store = Model::default();
            for n in 0..count {
                let device_id = DeviceId::new(format!("d{n}")).unwrap();
                store.create_device(&Author::SERVICE, NewDevice::new(device_id), None).await.unwrap();
            }
            let keys = list_all_devices(&store).await.unwrap().into_iter().map(|device| device.key.0);
            assert_eq!(keys.collect::<Vec<_>>(), (1..=count).collect::<Vec<_>>());
        }
    }
}
