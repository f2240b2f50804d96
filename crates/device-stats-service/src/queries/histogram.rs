//! Histograms of the readings of a window.

use device_stats_domain::{Axes, Bins, Device, Histogram, User, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{Group, histogram};
use device_stats_store::Subject;

use crate::queries::snapshot::{Opened, Reach, columns};
use crate::segments::ReadError;
use crate::{Authorized, Service, ServiceError};

impl Service {
    /// Histograms of the readings of a device in a window.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is none.
    pub async fn histogram_device(
        &self,
        device: &Authorized<Device>,
        window: Window,
        bins: Bins,
    ) -> Result<Axes<Histogram>, ServiceError> {
        self.histogram(Subject::Device(device.key), window, bins).await
    }

    /// Histograms of the readings of all devices of a user in a window, in one pool.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is none.
    pub async fn histogram_user(
        &self,
        user: &Authorized<User>,
        window: Window,
        bins: Bins,
    ) -> Result<Axes<Histogram>, ServiceError> {
        self.histogram(Subject::User(user.id), window, bins).await
    }

    async fn histogram(
        &self,
        subject: Subject,
        window: Window,
        bins: Bins,
    ) -> Result<Axes<Histogram>, ServiceError> {
        let counted = self.look(subject, window, Reach::Ends, move |opened| count(opened, window, bins));
        counted.await?.ok_or(ServiceError::NoReadings)
    }
}

/// The histograms of the pool of all devices; `None` where there is no reading at all.
fn count(opened: &Opened, window: Window, bins: Bins) -> Result<Option<Axes<Histogram>>, ReadError> {
    let parts = opened.cut(&[window.from_us, window.until_us])?.pop().unwrap_or_default().concat();
    let hot: Vec<Row> = opened.devices.iter().flat_map(|device| device.hot.iter().copied()).collect();
    let hot = columns(&hot);
    let histograms = opened
        .weight
        .each_axis(|axis| histogram(Group { parts: &parts, hot: &hot }, axis, bins, &opened.segments))?;
    Ok(histograms.all())
}
