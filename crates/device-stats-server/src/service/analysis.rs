//! Analyses: from a snapshot of the store to exact statistics. This is where the engine meets the store; neither knows
//! the other.

use device_stats_domain::{Axes, Device, DeviceId, Summary, User, Window};
use device_stats_segment::summarize;
use device_stats_store::{Snapshot, Subject};

use super::{Authorized, Service, ServiceError};

/// The analysis of all devices of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSummary {
    /// All readings of all devices in one pool.
    pub aggregate: Axes<Summary>,
    /// Each device that has a reading in the window, by ascending key.
    pub devices: Vec<(DeviceId, Axes<Summary>)>,
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
    ) -> Result<Axes<Summary>, ServiceError> {
        Ok(self.analyze(Subject::Device(device.key), window).await?.aggregate)
    }

    /// Analyses the readings of all devices of a user in a window.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is none.
    pub async fn analyze_user(
        &self,
        user: &Authorized<User>,
        window: Window,
    ) -> Result<UserSummary, ServiceError> {
        self.analyze(Subject::User(user.id), window).await
    }

    async fn analyze(&self, subject: Subject, window: Window) -> Result<UserSummary, ServiceError> {
        let snapshot = self.store.snapshot(subject, window).await?;
        // Off the threads that serve connections: it may take long.
        let computed = tokio::task::spawn_blocking(move || summarize_snapshot(snapshot));
        computed.await.map_err(|died| ServiceError::Died(died.into()))?.ok_or(ServiceError::NoReadings)
    }
}

/// The summaries of each device and of their pool; `None` where there is no reading at all.
fn summarize_snapshot(snapshot: Snapshot) -> Option<UserSummary> {
    let mut pool: Axes<Vec<f64>> = Axes::default();
    let mut devices = Vec::new();
    let only_one = snapshot.devices.len() == 1;
    for mut entry in snapshot.devices {
        let Some(summary) = summarize_columns(&mut entry.hot) else { continue };
        devices.push((entry.device.device_id, summary));
        if only_one {
            return Some(UserSummary { aggregate: summary, devices });
        }
        pool.as_mut().zip(entry.hot).map(|(pool, mut column)| pool.append(&mut column));
    }
    Some(UserSummary { aggregate: summarize_columns(&mut pool)?, devices })
}

fn summarize_columns(columns: &mut Axes<Vec<f64>>) -> Option<Axes<Summary>> {
    columns.as_mut().map(|column| summarize(column)).all()
}
