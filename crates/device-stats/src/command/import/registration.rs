//! Registration of missing devices and of their owner, when their first readings are about to be sent.

use std::collections::HashSet;

use anyhow::Context;
use device_stats_client::{Client, ClientError, Registration, UserChoice};
use device_stats_domain::DeviceId;
use futures_util::{StreamExt, stream};

use crate::command::not_found::NotFound;
use crate::limits::IMPORT_REGISTRATIONS_MAX;

/// The owner of new devices, as the command line names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    /// Name or id of the user; `None` means no owner.
    pub(super) user: Option<String>,
    /// Email address for the registration of a missing user.
    pub(super) email: Option<String>,
}

/// The devices that exist on the server.
pub(super) struct Devices {
    owner: Owner,
    /// Id of the owner, once it has been found; always `None` without an owner.
    owner_id: Option<i64>,
    known: HashSet<DeviceId>,
    registered: usize,
}

impl Devices {
    pub(super) fn new(owner: Owner) -> Self {
        Self { owner, owner_id: None, known: HashSet::new(), registered: 0 }
    }

    /// Returns the number of devices with readings.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Returns the number of devices that have been registered.
    pub(super) fn registered(&self) -> usize {
        self.registered
    }

    /// Registers each of these devices that is missing, several at once.
    ///
    /// # Errors
    /// If the owner does not exist, or a device cannot be registered. The other devices may be registered.
    pub(super) async fn ensure(&mut self, client: &Client, devices: Vec<DeviceId>) -> anyhow::Result<()> {
        let missing: Vec<DeviceId> =
            devices.into_iter().filter(|device| !self.known.contains(device)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let owner = self.find_owner(client).await?;
        let ensure = |device: DeviceId| async move {
            let registration = client.ensure_device(device.as_str(), owner).await;
            (device, registration)
        };
        let mut registrations = stream::iter(missing).map(ensure).buffer_unordered(IMPORT_REGISTRATIONS_MAX);
        let mut result = Ok(());
        while let Some((device, registration)) = registrations.next().await {
            match registration {
                Ok(Registration::Created) => self.registered += 1,
                Ok(Registration::Existing) => {}
                // The server does not accept the id. It will refuse the rows with a fault that names it.
                Err(ClientError::Faulty(_)) => continue,
                Err(error) => {
                    let context = format!("the device {:?} cannot be registered", device.as_str());
                    result = result.and(Err(error).context(context));
                    continue;
                }
            }
            self.known.insert(device);
        }
        result
    }

    async fn find_owner(&mut self, client: &Client) -> anyhow::Result<Option<i64>> {
        if let (None, Some(user)) = (self.owner_id, &self.owner.user) {
            self.owner_id = Some(find_or_create_user(client, user, self.owner.email.as_deref()).await?);
        }
        Ok(self.owner_id)
    }
}

/// Returns the id of a user. Registers the user if it is missing and an email address is given.
async fn find_or_create_user(client: &Client, user: &str, email: Option<&str>) -> anyhow::Result<i64> {
    let Ok(choice) = user.parse::<UserChoice>();
    if let Some(found) = client.find_user(&choice).await? {
        return Ok(found.id);
    }
    let UserChoice::Name(name) = &choice else { return Err(NotFound::User(choice).into()) };
    let missing = || NotFound::User(choice.clone());
    let email = email.ok_or_else(missing).context("to register the user, add --email ADDRESS")?;
    let created = client.create_user(name, email).await;
    Ok(created.with_context(|| format!("the user {name:?} cannot be registered"))?.id)
}
