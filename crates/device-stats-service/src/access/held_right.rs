//! A right to read that is used for a long time: by an export or a live stream.

use device_stats_domain::{Device, DeviceKey};
use device_stats_store::StoreError;
use tokio::time::Instant;

use super::action::Read;
use super::principal::Granted;
use crate::error::ServiceError;
use crate::limits::{RIGHTS_CACHED_MAX, RIGHTS_CHECK_INTERVAL, RIGHTS_CHECK_TIME_MAX};
use crate::service::Service;

const _: () = assert!(
    RIGHTS_CHECK_INTERVAL.as_millis() + RIGHTS_CHECK_TIME_MAX.as_millis() <= RIGHTS_CACHED_MAX.as_millis()
        && RIGHTS_CACHED_MAX.as_secs() <= 5,
    "a client loses its rights within 5 seconds"
);

/// The right of a client to read, which is checked again at intervals.
pub(crate) struct HeldRight {
    granted: Granted<Read>,
    next_check: Instant,
}

impl HeldRight {
    /// Checks a right and holds it. The sign-in of the request may have used a cached answer.
    ///
    /// # Errors
    /// [`ServiceError::TokenUnknown`] if the principal is not signed in any more; the errors of the store.
    pub(crate) async fn begin(service: &Service, granted: Granted<Read>) -> Result<Self, ServiceError> {
        let right = Self { granted, next_check: Instant::now() + RIGHTS_CHECK_INTERVAL };
        if right.is_signed_in(service).await? { Ok(right) } else { Err(ServiceError::TokenUnknown) }
    }

    /// Returns the right.
    pub(crate) fn granted(&self) -> Granted<Read> {
        self.granted
    }

    /// Returns the moment of the next check.
    pub(crate) fn next_check(&self) -> Instant {
        self.next_check
    }

    /// Returns whether a check is due.
    pub(crate) fn is_due(&self) -> bool {
        self.next_check <= Instant::now()
    }

    /// Schedules the next check, after a check that began at a moment.
    pub(crate) fn note_checked(&mut self, began: Instant) {
        self.next_check = began + RIGHTS_CHECK_INTERVAL;
    }

    /// Returns whether the principal is still signed in.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn is_signed_in(&self, service: &Service) -> Result<bool, StoreError> {
        service.is_signed_in(self.granted.principal()).await
    }

    /// Returns whether the principal still sees a device.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn sees(&self, service: &Service, device: &Device) -> Result<bool, StoreError> {
        if self.granted.sees_all() {
            return Ok(true);
        }
        let ids = std::slice::from_ref(&device.device_id);
        let found = service.parts.store.find_devices(self.granted.visible(), ids).await?;
        let key: Option<DeviceKey> = found.into_iter().flatten().map(|found| found.key).next();
        Ok(key == Some(device.key))
    }
}
