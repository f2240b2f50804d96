//! The source of readings in a path: one device, or all devices of a user together.

use device_stats_formats::Faults;
use device_stats_service::{Authorized, Granted, Read, ReadingSource, Service};
use device_stats_store::StoreError;

use super::input::{FromInput, Input};
use super::path::{DEVICE_ID, PathDevice, PathUser};

/// The source of readings in a path: `devices/{device_id}` or `users/{user_id}`.
pub(crate) enum PathReadingSource {
    Device(PathDevice),
    User(PathUser),
}

impl FromInput for PathReadingSource {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        if input.path(DEVICE_ID).is_some() {
            PathDevice::read(input, faults).map(Self::Device)
        } else {
            PathUser::read(input, faults).map(Self::User)
        }
    }
}

impl PathReadingSource {
    /// Finds the device or the user, if the principal may read its readings.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] or [`StoreError::UserMissing`].
    pub(crate) async fn find(
        self,
        service: &Service,
        granted: Granted<Read>,
    ) -> Result<Authorized<ReadingSource, Read>, StoreError> {
        Ok(match self {
            Self::Device(device) => service.find_device(granted, device.id()?).await?.into(),
            Self::User(PathUser(id)) => service.find_user(granted, id).await?.into(),
        })
    }
}
