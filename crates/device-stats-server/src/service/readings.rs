//! Reading readings back.

use device_stats_domain::{Device, Page, Reading, Window};
use device_stats_store::StoreError;

use super::{Authorized, Service};

impl Service {
    /// A page of the readings of a device inside the window, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_readings(
        &self,
        device: &Authorized<Device>,
        window: Window,
        page: Page,
    ) -> Result<Vec<Reading>, StoreError> {
        self.store.list_readings(device.key, window, page).await
    }
}
