//! The limits on the connections and the open requests of a client address. Without a setting, they depend on
//! whether clients need a token, which can depend on the address of the listener.

use device_stats_http::limits::{CONNECTIONS_PER_ADDRESS_DEFAULT, OPEN_REQUESTS_PER_ADDRESS_DEFAULT};
use device_stats_service::AuthMode;

use super::invalid::InvalidSetting;
use super::parsed::parse;
use super::values::Values;

/// The limits that are set. Zero is no limit; `None` is the default, which depends on the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressLimits {
    connections: Option<usize>,
    open_requests: Option<usize>,
}

impl AddressLimits {
    /// Parses the values.
    ///
    /// # Errors
    /// [`InvalidSetting`] for the first invalid value.
    pub(super) fn parse(values: &Values) -> Result<Self, InvalidSetting> {
        Ok(Self {
            connections: parse(values, "connections-per-address", parse_maximum)?,
            open_requests: parse(values, "open-requests-per-address", parse_maximum)?,
        })
    }

    /// Returns the maximum number of connections of an address; `None` for no maximum.
    pub(crate) fn connections_max(self, auth: AuthMode) -> Option<usize> {
        in_force(self.connections, auth, CONNECTIONS_PER_ADDRESS_DEFAULT)
    }

    /// Returns the maximum number of open requests of an address; `None` for no maximum.
    pub(crate) fn open_requests_max(self, auth: AuthMode) -> Option<usize> {
        in_force(self.open_requests, auth, OPEN_REQUESTS_PER_ADDRESS_DEFAULT)
    }
}

/// An open service is for this machine or for a network whose clients are trusted. All of them can have the
/// same address, for example a load test, or the clients of a container.
fn in_force(set: Option<usize>, auth: AuthMode, default: usize) -> Option<usize> {
    let default = match auth {
        AuthMode::Open => None,
        AuthMode::Token => Some(default),
    };
    set.or(default).filter(|max| *max > 0)
}

/// Parses a maximum. An empty text is the default.
fn parse_maximum(text: &str) -> Result<Option<usize>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("{text:?} is not a whole number; 0 is no limit"))
}
