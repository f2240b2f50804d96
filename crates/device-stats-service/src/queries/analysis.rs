//! Analyses: exact statistics of the readings of a window.

use device_stats_domain::{Axes, AxisResults, DeviceId, RequestedStatistics, Statistics, Window};
use device_stats_segment::analysis::Group;
use device_stats_store::{StoreError, Subject};

use super::snapshot::{ATTEMPTS_MAX, OpenSnapshot, ReadingsToVisit, columns};
use crate::access::DeviceSelection;
use crate::access::reading_source::ReadingSource;
use crate::access::{Authorized, Granted, Read};
use crate::error::ServiceError;
use crate::segments::reader::ReadError;
use crate::service::Service;

/// The analysis of a source of readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The statistics of all readings of all devices together.
    pub aggregate: AxisResults<Statistics>,
    /// The statistics of each device that has a reading in the window, by ascending key.
    pub devices: Vec<(DeviceId, AxisResults<Statistics>)>,
}

impl Service {
    /// Analyzes the readings of a window.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`].
    pub async fn analyze(
        &self,
        source: &Authorized<ReadingSource, Read>,
        window: Window,
        wanted: &RequestedStatistics,
    ) -> Result<Analysis, ServiceError> {
        self.analyze_subject(source.subject(), window, wanted).await
    }

    /// Analyzes the readings of chosen devices in a window. If a device is deleted meanwhile, chooses again.
    ///
    /// # Errors
    /// [`ServiceError::DevicesMissing`], [`ServiceError::TooManyDevices`], [`StoreError::UserMissing`],
    /// [`ServiceError::NoReadings`].
    pub async fn analyze_devices(
        &self,
        granted: Granted<Read>,
        selection: &DeviceSelection,
        window: Window,
        wanted: &RequestedStatistics,
    ) -> Result<Analysis, ServiceError> {
        for _ in 0..ATTEMPTS_MAX {
            let devices = self.select_devices(granted, selection).await?;
            let subject = Subject::Devices(devices.iter().map(|device| device.key).collect());
            match self.analyze_subject(subject, window, wanted).await {
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {}
                analyzed => return analyzed,
            }
        }
        Err(StoreError::Unavailable("chosen devices were deleted repeatedly".into()).into())
    }

    async fn analyze_subject(
        &self,
        subject: Subject,
        window: Window,
        wanted: &RequestedStatistics,
    ) -> Result<Analysis, ServiceError> {
        let wanted = wanted.clone();
        let visited = ReadingsToVisit::AtWindowEnds;
        let axes = wanted.axes;
        let analyzed = self
            .compute_on_snapshot(subject, window, visited, axes, move |snapshot| analyze(snapshot, &wanted));
        analyzed.await?.ok_or(ServiceError::NoReadings)
    }
}

/// Returns the statistics of each device and of all devices together; `None` if there is no reading.
fn analyze(snapshot: &OpenSnapshot, wanted: &RequestedStatistics) -> Result<Option<Analysis>, ReadError> {
    let parts = snapshot.segments.cut_window(snapshot.window)?;
    let parts = snapshot.by_device(&parts);
    let hot: Vec<Axes<Vec<f64>>> = snapshot.devices.iter().map(|device| columns(&device.hot)).collect();
    let groups = parts.iter().zip(&hot).map(|(parts, hot)| Group { parts, hot });
    let found = snapshot.analyze(&groups.collect::<Vec<_>>(), wanted)?;
    let device = |index| found.as_ref().map(|axis| axis.groups.get(index).cloned().flatten()).all();
    let devices = snapshot.devices.iter().enumerate();
    let devices = devices.filter_map(|(index, entry)| Some((entry.device.device_id.clone(), device(index)?)));
    let devices = devices.collect();
    let aggregate = found.map(|axis| axis.all).all();
    Ok(aggregate.map(|aggregate| Analysis { aggregate, devices }))
}
