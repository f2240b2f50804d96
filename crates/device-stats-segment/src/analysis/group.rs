//! Groups: sets of readings, each with its own statistics.

use device_stats_domain::{Axes, Axis};

use super::part::Part;

/// A set of readings with its own statistics, such as the readings of a device.
#[derive(Clone, Copy, Debug)]
pub struct Group<'g> {
    /// Readings in segments; no part is empty.
    pub parts: &'g [Part],
    /// The numbers of the hot readings; finite, in any order.
    pub hot: &'g Axes<Vec<f64>>,
}

impl Group<'_> {
    /// Returns the number of columns of an axis: one for each part, and one for hot readings if there are
    /// any.
    pub(crate) fn columns(&self, axis: Axis) -> usize {
        self.parts.len() + usize::from(!self.hot.get(axis).is_empty())
    }
}
