//! Groups: readings with statistics of their own.

use device_stats_domain::{Axes, Axis};

use super::part::Part;

/// Readings with statistics of their own, such as those of a device.
#[derive(Clone, Copy, Debug)]
pub struct Group<'g> {
    /// Readings in segments; no part is empty.
    pub parts: &'g [Part],
    /// Hot readings: their finite numbers, in any order.
    pub hot: &'g Axes<Vec<f64>>,
}

impl Group<'_> {
    /// Returns the number of columns of an axis: one for each part, and one for hot readings if there are
    /// any.
    pub(crate) fn columns(&self, axis: Axis) -> usize {
        self.parts.len() + usize::from(!self.hot.get(axis).is_empty())
    }
}
