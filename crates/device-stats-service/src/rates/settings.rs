//! The settings of the rates, and their defaults.

use std::num::NonZeroU32;

use device_stats_formats::limits::BATCH_READINGS_MAX;
use governor::Quota;

use crate::access::AuthMode;
use crate::limits::{
    ADDRESS_REQUESTS_PER_SECOND_DEFAULT, DEVICE_REQUESTS_PER_SECOND_DEFAULT,
    FAILED_SIGN_INS_PER_MINUTE_DEFAULT, RATE_BURST, READINGS_PER_SECOND_DEFAULT,
    USER_REQUESTS_PER_SECOND_DEFAULT,
};

/// Numbers of requests and readings that a client may send. Zero is no limit. The maximum is
/// [`RATE_PER_SECOND_MAX`](crate::limits::RATE_PER_SECOND_MAX).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests of a device per second. Without effect if the service is open for everybody.
    pub device_requests_per_second: u32,
    /// Requests of a user per second. Without effect if the service is open for everybody.
    pub user_requests_per_second: u32,
    /// Readings of a user or device per second; of a client address if the service is open for everybody.
    pub readings_per_second: u32,
    /// Requests of a client address per second: those without a valid token, or all if the service is open
    /// for everybody.
    pub address_requests_per_second: u32,
    /// Requests of a client address per minute whose credentials are not a valid token.
    pub failed_sign_ins_per_minute: u32,
}

impl RateSettings {
    /// No limits.
    pub const NONE: Self = Self {
        device_requests_per_second: 0,
        user_requests_per_second: 0,
        readings_per_second: 0,
        address_requests_per_second: 0,
        failed_sign_ins_per_minute: 0,
    };

    /// Returns the defaults. A service that is open for everybody has no limits.
    pub fn default_for(auth: AuthMode) -> Self {
        match auth {
            AuthMode::Open => Self::NONE,
            AuthMode::Token => Self {
                device_requests_per_second: DEVICE_REQUESTS_PER_SECOND_DEFAULT,
                user_requests_per_second: USER_REQUESTS_PER_SECOND_DEFAULT,
                readings_per_second: READINGS_PER_SECOND_DEFAULT,
                address_requests_per_second: ADDRESS_REQUESTS_PER_SECOND_DEFAULT,
                failed_sign_ins_per_minute: FAILED_SIGN_INS_PER_MINUTE_DEFAULT,
            },
        }
    }

    pub(super) fn device_requests(&self) -> Option<Quota> {
        per_second(self.device_requests_per_second, 1)
    }

    pub(super) fn user_requests(&self) -> Option<Quota> {
        per_second(self.user_requests_per_second, 1)
    }

    /// A full batch is never above the quota, so its readings are counted exactly.
    pub(super) fn readings(&self) -> Option<Quota> {
        per_second(self.readings_per_second, u32::try_from(BATCH_READINGS_MAX).unwrap_or(u32::MAX))
    }

    pub(super) fn address_requests(&self) -> Option<Quota> {
        per_second(self.address_requests_per_second, 1)
    }

    pub(super) fn failed_sign_ins(&self) -> Option<Quota> {
        NonZeroU32::new(self.failed_sign_ins_per_minute).map(Quota::per_minute)
    }
}

/// Returns a quota of [`RATE_BURST`], at least `least`. Returns `None` if the rate is zero.
fn per_second(rate: u32, least: u32) -> Option<Quota> {
    let burst_s = u32::try_from(RATE_BURST.as_secs()).unwrap_or(u32::MAX);
    let burst = NonZeroU32::new(rate.saturating_mul(burst_s).max(least))?;
    Some(Quota::per_second(NonZeroU32::new(rate)?).allow_burst(burst))
}
