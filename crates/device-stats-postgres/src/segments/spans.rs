//! Spans of time of devices, as the parameters of a statement.

use device_stats_domain::DeviceKey;
use tokio_postgres::types::ToSql;

/// Spans of devices, in microseconds since 1970 UTC; both ends are included.
#[derive(Debug, Default)]
pub(crate) struct DeviceSpans {
    devices: Vec<i64>,
    earliest: Vec<i64>,
    latest: Vec<i64>,
}

impl DeviceSpans {
    pub(crate) fn add(&mut self, device: DeviceKey, earliest_us: i64, latest_us: i64) {
        self.devices.push(device.0);
        self.earliest.push(earliest_us);
        self.latest.push(latest_us);
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.devices, &self.earliest, &self.latest]
    }
}
