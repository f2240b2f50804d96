//! The arrivals of devices in the model.

use async_trait::async_trait;
use device_stats_domain::{ArrivalRecord, DeviceKey, NewArrivals};

use super::state::Model;
use crate::{ArrivalStore, StoreError};

#[async_trait]
impl ArrivalStore for Model {
    async fn merge_arrivals(&self, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), StoreError> {
        let mut state = self.state();
        for (device, new) in arrivals {
            if state.devices.contains_key(device) {
                let record = state.arrivals.get(device).copied();
                state.arrivals.insert(*device, ArrivalRecord::merge(record, new));
            }
        }
        Ok(())
    }

    async fn find_arrivals(&self, devices: &[DeviceKey]) -> Result<Vec<Option<ArrivalRecord>>, StoreError> {
        let state = self.state();
        Ok(devices.iter().map(|device| state.arrivals.get(device).copied()).collect())
    }
}
