//! The demonstration: a user with three simulated devices, whose readings a task of the service stores like
//! those of any client. There is at most one for each service. It ends when it is stopped, when the user or
//! all its devices are deleted, and with the service. Its readings stay until the user is deleted.
//!
//! The readings are functions of the time. So if several nodes run a demonstration, they send the same
//! readings, and those of all but one node are repeats.

mod devices;
mod drone;
mod pump;
mod signals;
mod weather;
mod writer;

#[cfg(test)]
mod tests;

use device_stats_domain::{
    Author, Device, DeviceId, DeviceName, Email, Identity, NewDevice, NewUser, Scope, Scopes, Timestamp,
    User, UserFilter, UserId, Username,
};
use device_stats_store::{NewestReadings, StoreError, Visibility};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::devices::DEVICES;
use self::writer::{Writer, WrittenDevice};
use crate::access::{Demonstrate, Granted, Principal};
use crate::error::ServiceError;
use crate::limits::{BACKGROUND_STOP_TIMEOUT, DEMO_HISTORY};
use crate::service::Service;

/// Name of the user.
const USERNAME: &str = "demo";
/// Email address of the user.
const EMAIL: &str = "demo@example.com";

/// The state of the demonstration on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demonstration {
    /// Whether this node stores readings of it.
    pub is_running: bool,
    /// The user; `None` if it does not exist.
    pub user: Option<UserId>,
    /// The simulated devices that exist and belong to the user.
    pub devices: Vec<DeviceId>,
}

/// The demonstration of a service, if one is running. Locked while it is started or stopped.
#[derive(Debug, Default)]
pub(crate) struct RunningDemonstration(Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    user: UserId,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Service {
    /// Starts the demonstration, unless it is running. Creates its user and its devices, unless they exist.
    /// Their readings of the last 24 hours are stored afterwards, if they are missing, and then live ones.
    /// Call it inside a runtime.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`]; [`StoreError::EmailTaken`] if another user has the email address of the
    /// user; [`StoreError::DeviceIdTaken`] if a device does not belong to the user.
    pub async fn create_demonstration(
        &self,
        granted: Granted<Demonstrate>,
    ) -> Result<Demonstration, ServiceError> {
        let service = self.clone();
        // In a task of its own, so that it is completed although the client disconnects.
        let start = async move { service.start_demonstration(&granted.author()).await };
        let started = tokio::spawn(start.in_current_span()).await;
        started.map_err(|error| ServiceError::ComputationFailed(error.into()))?
    }

    /// Returns the state of the demonstration on this node.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn find_demonstration(&self, _: Granted<Demonstrate>) -> Result<Demonstration, ServiceError> {
        let is_running = self.parts.demonstration.0.lock().await.as_ref().is_some_and(Running::is_active);
        let Some(user) = self.find_demo_user().await?.map(|user| user.id) else {
            return Ok(Demonstration { is_running, ..Demonstration::default() });
        };
        let devices = self.find_demo_devices().await?.into_iter().flatten();
        let devices = devices.filter(|device| device.user_id == Some(user)).map(|device| device.device_id);
        Ok(Demonstration { is_running, user: Some(user), devices: devices.collect() })
    }

    /// Stops the demonstration on this node. Afterwards it stores no further reading, unless the store needs
    /// more than [`BACKGROUND_STOP_TIMEOUT`] for the last ones. Its user stays.
    pub async fn stop_demonstration(&self, _: Granted<Demonstrate>) {
        self.end_running_demonstration().await;
    }

    /// Stops the demonstration at the end of the service, and waits up to [`BACKGROUND_STOP_TIMEOUT`] for its
    /// last readings. After [`Service::begin_stop`], none is started.
    pub async fn end_demonstration(&self) {
        // A start that waits for the store must not hold up the end.
        if timeout(BACKGROUND_STOP_TIMEOUT, self.end_running_demonstration()).await.is_err() {
            warn_of_slow_end();
        }
    }

    async fn end_running_demonstration(&self) {
        let mut running = self.parts.demonstration.0.lock().await;
        if let Some(running) = running.take() {
            running.end().await;
        }
    }

    async fn start_demonstration(&self, author: &Author) -> Result<Demonstration, ServiceError> {
        let mut running = self.parts.demonstration.0.lock().await;
        if self.is_stopping() {
            return Err(ServiceError::Stopping);
        }
        let user = self.create_demo_user(author).await?;
        let (mut devices, mut has_created) = (Vec::new(), false);
        for (simulated, found) in DEVICES.into_iter().zip(self.find_demo_devices().await?) {
            let device = match found {
                Some(device) if device.user_id == Some(user) => device,
                Some(_) => return Err(StoreError::DeviceIdTaken.into()),
                None => {
                    has_created = true;
                    let name = Some(DeviceName::new(simulated.name).map_err(broken)?);
                    let device_id = DeviceId::new(simulated.device_id).map_err(broken)?;
                    let device = NewDevice { device_id, name, user_id: Some(user), expected_interval: None };
                    self.parts.store.create_device(author, device, None).await?
                }
            };
            devices.push(device);
        }
        let device_ids = devices.iter().map(|device| device.device_id.clone()).collect();
        let demonstration = Demonstration { is_running: true, user: Some(user), devices: device_ids };
        match running.take() {
            Some(active) if active.is_active() && active.user == user && !has_created => {
                *running = Some(active);
            }
            // It has ended, or its user or a device was deleted.
            ended => {
                if let Some(ended) = ended {
                    ended.end().await;
                }
                *running = Some(self.run_demonstration(user, devices).await?);
                tracing::info!(user = user.0, "started the demonstration");
            }
        }
        Ok(demonstration)
    }

    /// Starts the task that writes the readings after the existing ones.
    async fn run_demonstration(&self, user: UserId, devices: Vec<Device>) -> Result<Running, ServiceError> {
        let keys: Vec<_> = devices.iter().map(|device| device.key).collect();
        let newest = self.parts.store.find_latest(&keys).await?;
        let history = self.parts.clock.now().saturating_sub(DEMO_HISTORY);
        let devices = DEVICES.into_iter().zip(devices).zip(&newest);
        let devices = devices.map(|((simulated, device), newest)| WrittenDevice {
            device: simulated,
            id: device.device_id,
            until: newest_time(newest).map_or(history, |newest| newest.max(history)),
        });
        let scopes = Scopes::from_iter([Scope::Ingest]);
        let granted = Principal::new(Identity::User(user), scopes).grant()?;
        let stop = CancellationToken::new();
        let writer = Writer::new(self, granted, stop.clone(), devices.collect());
        Ok(Running { user, stop, task: tokio::spawn(writer.run()) })
    }

    async fn create_demo_user(&self, author: &Author) -> Result<UserId, ServiceError> {
        if let Some(user) = self.find_demo_user().await? {
            return Ok(user.id);
        }
        let username = Username::new(USERNAME).map_err(broken)?;
        let user = NewUser { username, email: Email::parse(EMAIL).map_err(broken)? };
        Ok(self.parts.store.create_user(author, user).await?.id)
    }

    async fn find_demo_user(&self) -> Result<Option<User>, ServiceError> {
        let username = Some(Username::new(USERNAME).map_err(broken)?);
        let filter = UserFilter { username, text: None };
        let found = self.parts.store.list_users_after(Visibility::All, UserId(0), &filter, 1).await?;
        Ok(found.into_iter().next())
    }

    /// Returns the devices with the ids of the simulated devices, in the order of [`DEVICES`].
    async fn find_demo_devices(&self) -> Result<Vec<Option<Device>>, ServiceError> {
        let ids = DEVICES.iter().map(|device| DeviceId::new(device.device_id).map_err(broken));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        Ok(self.parts.store.find_devices(Visibility::All, &ids).await?)
    }
}

impl Running {
    fn is_active(&self) -> bool {
        !self.task.is_finished()
    }

    /// Stops the task, and waits for its end.
    async fn end(self) {
        self.stop.cancel();
        match timeout(BACKGROUND_STOP_TIMEOUT, self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the demonstration has failed"),
            Err(_) => warn_of_slow_end(),
        }
    }
}

fn warn_of_slow_end() {
    let timeout_s = BACKGROUND_STOP_TIMEOUT.as_secs();
    tracing::warn!(timeout_s, "the demonstration did not end in time, its last readings may still be stored");
}

/// Returns the time of the newest reading of a device.
fn newest_time(newest: &NewestReadings) -> Option<Timestamp> {
    let hot = newest.hot.iter().map(|row| row.time_us);
    let sealed = newest.segments.iter().map(|segment| segment.last_us);
    Timestamp::from_micros(hot.chain(sealed).max()?).ok()
}

/// Returns the error of a name that breaks a rule; a bug.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> ServiceError {
    StoreError::Broken(Box::new(error)).into()
}
