//! Histograms of the readings of a window.

use device_stats_domain::{Axes, Bins, Device, Histogram, User, Window};
use device_stats_segment::{bin_edges, count_in_bins};
use device_stats_store::Subject;

use super::analysis::{compute, pool};
use super::{Authorized, Service, ServiceError};

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
        let snapshot = self.store.snapshot(subject, window).await?;
        let counted = compute(move || pool(snapshot).map(|column| histogram_column(column, bins)).all());
        counted.await?.ok_or(ServiceError::NoReadings)
    }
}

/// The histogram of a column; `None` where it is empty.
fn histogram_column(values: Vec<f64>, bins: Bins) -> Option<Histogram> {
    let min = values.iter().copied().reduce(f64::min)?;
    let max = values.iter().copied().reduce(f64::max)?;
    Some(count_in_bins(bin_edges(min, max, bins), values))
}
