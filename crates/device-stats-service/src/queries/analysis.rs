//! Analyses: from a snapshot of the store to exact statistics. This is where the engine meets the store; neither knows
//! the other.

use device_stats_domain::{Axes, Device, DeviceId, Statistics, User, Wanted, Window};
use device_stats_segment::analysis::Group;
use device_stats_store::Subject;

use crate::queries::snapshot::{Opened, Reach, columns};
use crate::segments::ReadError;
use crate::{Authorized, Service, ServiceError};

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
        let wanted = wanted.clone();
        let analyzed =
            self.look(subject, window, Reach::Ends, move |opened| summarize(opened, window, &wanted));
        analyzed.await?.ok_or(ServiceError::NoReadings)
    }
}

/// The statistics of each device and of their pool; `None` where there is no reading at all.
fn summarize(opened: &Opened, window: Window, wanted: &Wanted) -> Result<Option<UserStatistics>, ReadError> {
    let parts = opened.cut(&[window.from_us, window.until_us])?.pop().unwrap_or_default();
    let hot: Vec<Axes<Vec<f64>>> = opened.devices.iter().map(|device| columns(&device.hot)).collect();
    let groups = parts.iter().zip(&hot).map(|(parts, hot)| Group { parts, hot });
    let Axes { x, y, z } = opened.analyze(&groups.collect::<Vec<_>>(), wanted)?;
    let groups = x.groups.into_iter().zip(y.groups).zip(z.groups);
    let groups = groups.map(|((x, y), z)| Axes { x, y, z }.all());
    let devices = opened.devices.iter().zip(groups);
    let devices = devices.filter_map(|(entry, all)| Some((entry.device.device_id.clone(), all?)));
    let aggregate = Axes { x: x.all, y: y.all, z: z.all }.all();
    Ok(aggregate.map(|aggregate| UserStatistics { aggregate, devices: devices.collect() }))
}
