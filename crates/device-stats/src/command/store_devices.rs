//! The devices that `seal` and `verify` are asked to look at, directly in the database.

use std::sync::Arc;

use anyhow::{Context, bail};
use device_stats_domain::{Device, DeviceId, Page};
use device_stats_store::{Store, StoreError};

use crate::database;
use crate::settings::{Migrate, Settings};

/// A store, and devices of it.
pub(super) struct Chosen {
    pub(super) store: Arc<dyn Store>,
    pub(super) devices: Vec<Device>,
}

/// Opens the database, which must have the schema of this binary, and finds the device, or all where none is named.
///
/// # Errors
/// Where the database cannot be used, or there is no such device.
pub(super) async fn devices(settings: &Settings, device_id: Option<&str>) -> anyhow::Result<Chosen> {
    // A command that looks after readings neither changes the schema nor creates a database.
    let store = database::open(&Settings { migrate: Migrate::ByCommand, ..settings.clone() }).await?;
    let devices = match device_id {
        None => all_devices(store.as_ref()).await.context("the devices cannot be listed")?,
        Some(text) => {
            let known = match DeviceId::new(text) {
                Ok(id) => store.find_devices(&[id]).await?.into_iter().flatten().collect(),
                Err(_) => Vec::new(),
            };
            if known.is_empty() {
                bail!("there is no device {text:?}");
            }
            known
        }
    };
    Ok(Chosen { store, devices })
}

/// All devices by ascending key. Each page begins with the last device of the one before; where it does not, one was
/// deleted meanwhile, and another may have been passed over: then it starts anew.
async fn all_devices(store: &dyn Store) -> Result<Vec<Device>, StoreError> {
    let mut all: Vec<Device> = Vec::new();
    loop {
        let skip = i64::try_from(all.len().saturating_sub(1)).unwrap_or(i64::MAX);
        let mut page = store.list_devices(Page { skip, ..Page::LARGEST }).await?.into_iter();
        if let Some(last) = all.last()
            && page.next().is_none_or(|first| first.key != last.key)
        {
            all.clear();
            continue;
        }
        let before = all.len();
        all.extend(page);
        if all.len() == before {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::NewDevice;
    use device_stats_store::{AccountStore, Model};

    use super::*;

    #[tokio::test]
    async fn every_device_is_found_once() {
        for count in [0, 1, 2, 99, 100, 101, 199, 200, 350] {
            let store = Model::default();
            for n in 0..count {
                let device_id = DeviceId::new(format!("d{n}")).unwrap();
                store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap();
            }
            let keys = all_devices(&store).await.unwrap().into_iter().map(|device| device.key.0);
            assert_eq!(keys.collect::<Vec<_>>(), (1..=count).collect::<Vec<_>>());
        }
    }
}
