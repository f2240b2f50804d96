//! The settings of the rates of requests and readings. The defaults of some of them depend on whether clients
//! need a token, which can depend on the address of the listener.

use device_stats_service::limits::RATE_PER_SECOND_MAX;
use device_stats_service::{AuthMode, RateSettings};

use super::invalid::InvalidSetting;
use super::parsed::parse;
use super::values::Values;

/// The rates that are set. Zero is no limit; `None` is the default, which depends on the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    device_requests_per_second: u32,
    user_requests_per_second: u32,
    readings_per_second: Option<u32>,
    address_requests_per_second: Option<u32>,
    failed_sign_ins_per_minute: u32,
}

impl Rates {
    /// Parses the values.
    ///
    /// # Errors
    /// [`InvalidSetting`] for the first invalid value.
    pub(super) fn parse(values: &Values) -> Result<Self, InvalidSetting> {
        Ok(Self {
            device_requests_per_second: parse(values, "device-requests-per-second", parse_rate)?,
            user_requests_per_second: parse(values, "user-requests-per-second", parse_rate)?,
            readings_per_second: parse(values, "readings-per-second", parse_optional_rate)?,
            address_requests_per_second: parse(values, "address-requests-per-second", parse_optional_rate)?,
            failed_sign_ins_per_minute: parse(values, "failed-sign-ins-per-minute", parse_rate)?,
        })
    }

    /// Returns the settings of a service with this mode.
    pub(crate) fn settings(self, auth: AuthMode) -> RateSettings {
        let default = RateSettings::default_for(auth);
        RateSettings {
            device_requests_per_second: self.device_requests_per_second,
            user_requests_per_second: self.user_requests_per_second,
            readings_per_second: self.readings_per_second.unwrap_or(default.readings_per_second),
            address_requests_per_second: self
                .address_requests_per_second
                .unwrap_or(default.address_requests_per_second),
            // A client of an open service needs no sign-in.
            failed_sign_ins_per_minute: match auth {
                AuthMode::Open => 0,
                AuthMode::Token => self.failed_sign_ins_per_minute,
            },
        }
    }
}

/// Parses a rate. Zero is no limit.
fn parse_rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().filter(|rate| *rate <= RATE_PER_SECOND_MAX);
    rate.ok_or_else(|| format!("{text:?} is not a whole number up to {RATE_PER_SECOND_MAX}; 0 is no limit"))
}

fn parse_optional_rate(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() { Ok(None) } else { parse_rate(text).map(Some) }
}
