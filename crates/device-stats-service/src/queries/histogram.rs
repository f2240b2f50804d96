//! Histograms of the readings of a window.

use device_stats_domain::{Axes, Bins, Histogram, Window};
use device_stats_segment::analysis::{Group, histogram};

use super::snapshot::{OpenSnapshot, ReadingsToVisit, columns};
use crate::access::principal::Authorized;
use crate::access::reading_source::ReadingSource;
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
        source: &Authorized<ReadingSource>,
        window: Window,
        bins: Bins,
    ) -> Result<Axes<Histogram>, ServiceError> {
        let visited = ReadingsToVisit::AtWindowEnds;
        let counted = self.compute_on_snapshot(source.subject(), window, visited, move |snapshot| {
            count_in_bins(snapshot, bins)
        });
        counted.await?.ok_or(ServiceError::NoReadings)
    }
}

/// Returns the histogram of each axis; `None` if there is no reading.
fn count_in_bins(snapshot: &OpenSnapshot, bins: Bins) -> Result<Option<Axes<Histogram>>, ReadError> {
    let parts = snapshot.segments.cut_window(snapshot.window)?;
    let hot = columns(&snapshot.hot());
    let group = Group { parts: &parts, hot: &hot };
    let histograms = snapshot.weight.each_axis(|axis| histogram(group, axis, bins, &snapshot.segments))?;
    Ok(histograms.all())
}
