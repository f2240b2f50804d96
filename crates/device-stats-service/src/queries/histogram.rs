//! Histograms of the readings of a window.

use device_stats_domain::{AxisResults, Bins, Histogram, RequestedAxes, Window};
use device_stats_segment::MAGNITUDE;
use device_stats_segment::analysis::{Group, MemoryLimits, histogram};

use super::snapshot::{OpenSnapshot, ReadingsToVisit, columns};
use crate::access::reading_source::ReadingSource;
use crate::access::{Authorized, Read};
use crate::error::ServiceError;
use crate::segments::reader::ReadError;
use crate::service::Service;

impl Service {
    /// Counts the readings of a window in bins, all devices together.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`].
    pub async fn histogram(
        &self,
        source: &Authorized<ReadingSource, Read>,
        window: Window,
        bins: Bins,
        axes: RequestedAxes,
    ) -> Result<AxisResults<Histogram>, ServiceError> {
        let (subject, visited) = (source.subject(), ReadingsToVisit::AtWindowEnds);
        let counted = self.compute_on_snapshot(subject, window, visited, axes, move |snapshot| {
            count_in_bins(snapshot, bins)
        });
        counted.await?.ok_or(ServiceError::NoReadings)
    }
}

/// Returns the histogram of each requested axis; `None` if there is no reading.
fn count_in_bins(snapshot: &OpenSnapshot, bins: Bins) -> Result<Option<AxisResults<Histogram>>, ReadError> {
    let parts = snapshot.segments.cut_window(snapshot.window)?;
    let hot = columns(&snapshot.hot());
    let group = Group { parts: &parts, hot: &hot };
    let limits = MemoryLimits::ONE_OF_FOUR;
    let axes = || snapshot.weight.each_axis(|axis| histogram(group, axis, bins, limits, &snapshot.segments));
    let histograms = snapshot.each_requested(snapshot.weight, axes, || {
        let magnitudes = snapshot.magnitudes(group)?;
        histogram(magnitudes.group(), MAGNITUDE, bins, limits, &snapshot.segments)
    })?;
    Ok(histograms.all())
}
