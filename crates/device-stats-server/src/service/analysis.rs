//! Analyses: from a snapshot of the store to exact statistics. This is where the engine meets the store; neither knows
//! the other.

use device_stats_domain::{Axes, Device, DeviceId, Summary, User, Window};
use device_stats_segment::analysis::{Ask, AxisStatistics, Group, analyze};
use device_stats_store::Subject;

use super::opened::{OpenDevice, Opened};
use super::{Authorized, Service, ServiceError};
use crate::segments::ReadError;

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
        self.look(subject, window, move |opened| summarize(opened, window))
            .await?
            .ok_or(ServiceError::NoReadings)
    }
}

/// The summaries of each device and of their pool; `None` where there is no reading at all.
fn summarize(opened: &Opened, window: Window) -> Result<Option<UserSummary>, ReadError> {
    let parts = opened.cut(&[window.from_us, window.until_us])?.pop().unwrap_or_default();
    let hot: Vec<Axes<Vec<f64>>> = opened.devices.iter().map(OpenDevice::columns).collect();
    let Axes { x, y, z } = opened.weight.each_axis(|axis| {
        let groups = parts.iter().zip(&hot).map(|(parts, hot)| Group { parts, hot: hot.get(axis) });
        analyze(&groups.collect::<Vec<_>>(), axis, Ask::SUMMARY, &opened.segments)
    })?;
    let groups = x.groups.into_iter().zip(y.groups).zip(z.groups);
    let groups = groups.map(|((x, y), z)| Axes { x, y, z }.all().map(summaries));
    let devices = opened.devices.iter().zip(groups);
    let devices = devices.filter_map(|(entry, all)| Some((entry.device.device_id.clone(), all?)));
    let aggregate = Axes { x: x.all, y: y.all, z: z.all }.all().map(summaries);
    Ok(aggregate.map(|aggregate| UserSummary { aggregate, devices: devices.collect() }))
}

fn summaries(axes: Axes<AxisStatistics>) -> Axes<Summary> {
    axes.map(|statistics| statistics.summary)
}
