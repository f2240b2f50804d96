//! Analyses: from a snapshot of the store to exact statistics. This is where the engine meets the store; neither knows
//! the other.

use device_stats_domain::{Axes, Device, DeviceId, Statistics, User, Wanted, Window};
use device_stats_store::{Snapshot, Subject};

use super::statistics::statistics;
use super::{Authorized, Service, ServiceError};

/// The analysis of all devices of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserStatistics {
    /// All readings of all devices in one pool.
    pub aggregate: Axes<Statistics>,
    /// Each device that has a reading in the window, by ascending key.
    pub devices: Vec<(DeviceId, Axes<Statistics>)>,
}

impl Service {
    /// Analyses the readings of a device in a window.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is none.
    pub async fn analyze_device(
        &self,
        device: &Authorized<Device>,
        window: Window,
        wanted: &Wanted,
    ) -> Result<Axes<Statistics>, ServiceError> {
        Ok(self.analyze(Subject::Device(device.key), window, wanted).await?.aggregate)
    }

    /// Analyses the readings of all devices of a user in a window.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is none.
    pub async fn analyze_user(
        &self,
        user: &Authorized<User>,
        window: Window,
        wanted: &Wanted,
    ) -> Result<UserStatistics, ServiceError> {
        self.analyze(Subject::User(user.id), window, wanted).await
    }

    async fn analyze(
        &self,
        subject: Subject,
        window: Window,
        wanted: &Wanted,
    ) -> Result<UserStatistics, ServiceError> {
        let snapshot = self.store.snapshot(subject, window).await?;
        let wanted = wanted.clone();
        compute(move || analyze_snapshot(snapshot, &wanted)).await?.ok_or(ServiceError::NoReadings)
    }
}

/// Computes off the threads that serve connections: it may take long.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|died| ServiceError::Died(died.into()))
}

/// The statistics of each device and of their pool; `None` where there is no reading at all.
fn analyze_snapshot(snapshot: Snapshot, wanted: &Wanted) -> Option<UserStatistics> {
    let mut pool: Axes<Vec<f64>> = Axes::default();
    let mut devices = Vec::new();
    let only_one = snapshot.devices.len() == 1;
    for mut entry in snapshot.devices {
        let Some(found) = analyze_columns(&mut entry.hot, wanted) else { continue };
        if only_one {
            let devices = vec![(entry.device.device_id, found.clone())];
            return Some(UserStatistics { aggregate: found, devices });
        }
        devices.push((entry.device.device_id, found));
        pool.as_mut().zip(entry.hot).map(|(pool, mut column)| pool.append(&mut column));
    }
    Some(UserStatistics { aggregate: analyze_columns(&mut pool, wanted)?, devices })
}

fn analyze_columns(columns: &mut Axes<Vec<f64>>, wanted: &Wanted) -> Option<Axes<Statistics>> {
    columns.as_mut().map(|column| statistics(column, wanted)).all()
}

/// The readings of all devices in one pool.
pub(super) fn pool(snapshot: Snapshot) -> Axes<Vec<f64>> {
    let mut pool: Axes<Vec<f64>> = Axes::default();
    for entry in snapshot.devices {
        pool.as_mut().zip(entry.hot).map(|(pool, mut column)| pool.append(&mut column));
    }
    pool
}
