//! The device or the user in a path.

use device_stats_domain::{DeviceId, UserId};
use device_stats_formats::Faults;
use device_stats_formats::values;
use device_stats_store::StoreError;
use utoipa::IntoParams;

use super::input::{FromInput, Input};

pub(super) const DEVICE_ID: &str = "device_id";
const USER_ID: &str = "user_id";

/// `device_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes `PathDevice`")]
pub(crate) struct DeviceIdParam {
    /// The client's name for the device, percent-encoded once (`a%2Fb` is the device `a/b`).
    #[param(example = "pump-7")]
    device_id: String,
}

/// `user_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes `PathUser`")]
pub(crate) struct UserIdParam {
    /// Id of the user.
    #[param(example = 1)]
    user_id: i64,
}

/// The device in a path.
pub(crate) struct PathDevice(Option<DeviceId>);

impl PathDevice {
    /// Returns the id of the device.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the text cannot be the id of any device.
    pub(crate) fn id(&self) -> Result<&DeviceId, StoreError> {
        self.0.as_ref().ok_or(StoreError::DeviceMissing)
    }
}

impl FromInput for PathDevice {
    #[expect(clippy::expect_used, reason = "the route has the parameter")]
    fn read(input: &Input, _: &mut Faults) -> Option<Self> {
        let value = input.path(DEVICE_ID).expect("a path with `device_id`");
        Some(Self(values::device_id(&value).ok()))
    }
}

/// The user in a path.
pub(crate) struct PathUser(pub(crate) UserId);

impl FromInput for PathUser {
    #[expect(clippy::expect_used, reason = "the route has the parameter")]
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let value = input.path(USER_ID).expect("a path with `user_id`");
        faults.keep(vec!["path".into(), USER_ID.into()], &value, values::user_id(&value)).map(Self)
    }
}
