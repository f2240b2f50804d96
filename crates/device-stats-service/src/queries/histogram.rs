//! Histograms of the readings of a window.

use device_stats_domain::{Axes, Bins, Device, Histogram, Summary, User, Window};
use device_stats_segment::analysis::{Ask, Group, analyze_axis, count_below};
use device_stats_segment::{Row, bin_bounds, bin_edges, histogram};
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
    let histograms = opened.weight.each_axis(|axis| {
        let group = Group { parts: &parts, hot: &hot };
        let found = analyze_axis(&[group], axis, Ask::SUMMARY, &opened.segments)?;
        let Some(Summary { min, max, count, .. }) = found.all.map(|statistics| statistics.summary) else {
            return Ok(None);
        };
        let edges = bin_edges(min, max, bins);
        let below = count_below(group, axis, &bin_bounds(&edges), &opened.segments)?;
        Ok::<_, ReadError>(Some(histogram(edges, &below, count)))
    })?;
    Ok(histograms.all())
}
