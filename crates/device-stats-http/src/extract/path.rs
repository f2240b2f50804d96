//! The device, the user or the time of a reading in a path.

use device_stats_domain::{DeviceId, Timestamp, TokenId, UserId};
use device_stats_formats::{Faults, ReadingTimes, values};
use device_stats_store::StoreError;
use utoipa::IntoParams;

use super::input::{FromInput, Input};
use super::precision::precision;

pub(super) const DEVICE_ID: &str = "device_id";
const USER_ID: &str = "user_id";
const TOKEN_ID: &str = "token_id";
const TIMESTAMP: &str = "timestamp";

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
    /// Reads the device. A text that cannot be the id of any device is not a fault: the device is missing.
    #[expect(clippy::expect_used, reason = "the route has the parameter")]
    pub(super) fn of(input: &Input) -> Self {
        let value = input.path(DEVICE_ID).expect("a path with `device_id`");
        Self(values::device_id(&value).ok())
    }

    /// Returns the id of the device.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the text cannot be the id of any device.
    pub(crate) fn id(&self) -> Result<&DeviceId, StoreError> {
        self.0.as_ref().ok_or(StoreError::DeviceMissing)
    }
}

impl FromInput for PathDevice {
    fn read(input: &Input, _: &mut Faults) -> Option<Self> {
        Some(Self::of(input))
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

/// `timestamp`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes `PathTime`")]
pub(crate) struct TimestampParam {
    /// Time of the reading, in the forms of a posted reading; truncated to microseconds.
    #[param(example = "2026-11-23T10:00:00.250000Z")]
    timestamp: String,
}

/// `token_id`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes `PathToken`")]
pub(crate) struct TokenIdParam {
    /// Id of the token.
    #[param(example = 3)]
    token_id: i64,
}

/// The token in a path.
pub(crate) struct PathToken(pub(crate) TokenId);

impl FromInput for PathToken {
    #[expect(clippy::expect_used, reason = "the route has the parameter")]
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let value = input.path(TOKEN_ID).expect("a path with `token_id`");
        let id = faults.keep(vec!["path".into(), TOKEN_ID.into()], &value, values::integer(&value));
        id.map(|id| Self(TokenId(id)))
    }
}

/// The time of a reading in a path.
pub(crate) struct PathTime(pub(crate) Timestamp);

impl FromInput for PathTime {
    #[expect(clippy::expect_used, reason = "the route has the parameter")]
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let value = input.path(TIMESTAMP).expect("a path with `timestamp`");
        let time = ReadingTimes::new(precision(input, faults)).read(&value);
        input.refuse_other_queries(&["precision"], faults);
        faults.keep(vec!["path".into(), TIMESTAMP.into()], &value, time).map(Self)
    }
}
