//! Rates: limits on the requests and the readings of each principal, and on the requests and the failed
//! sign-ins of each client address.
//!
//! Each node counts for itself. A client whose request is refused learns when the same request would pass.

mod bounded_states;
mod clock;
mod keyed_rate;
mod settings;
#[cfg(test)]
mod tests;

use device_stats_domain::Identity;

use crate::access::{AuthMode, Principal};
use crate::client_limit::ClientAddress;
use crate::error::ServiceError;
use crate::limits::READINGS_ADVANCE;
use crate::service::Service;

pub use clock::RateClock;
use keyed_rate::{KeyedRate, RateKey};
pub use keyed_rate::{RatePolicy, RateState};
pub use settings::RateSettings;

/// The rates of a node.
pub(crate) struct Rates {
    device_requests: Option<KeyedRate>,
    user_requests: Option<KeyedRate>,
    readings: Option<KeyedRate>,
    address_requests: Option<KeyedRate>,
    failed_sign_ins: Option<KeyedRate>,
}

impl Rates {
    /// Creates rates whose whole quotas are available to each key.
    pub(crate) fn new(settings: RateSettings, clock: &RateClock) -> Self {
        let rate = |policy, quota: Option<_>| quota.map(|quota| KeyedRate::new(policy, quota, clock.clone()));
        Self {
            device_requests: rate(RatePolicy::Requests, settings.device_requests()),
            user_requests: rate(RatePolicy::Requests, settings.user_requests()),
            readings: rate(RatePolicy::Readings, settings.readings())
                .map(|rate| rate.with_advance(READINGS_ADVANCE)),
            address_requests: rate(RatePolicy::AddressRequests, settings.address_requests()),
            failed_sign_ins: rate(RatePolicy::FailedSignIns, settings.failed_sign_ins()),
        }
    }
}

/// Charges of requests to rates. Each returns the state of the rate, or `None` if there is no limit.
impl Service {
    /// Charges a request to its principal; if the service is open for everybody, to the client address.
    ///
    /// # Errors
    /// [`ServiceError::RateExceeded`].
    pub fn charge_request(
        &self,
        principal: Principal,
        client: ClientAddress,
    ) -> Result<Option<RateState>, ServiceError> {
        let rates = &self.parts.rates;
        let (rate, key) = match (self.auth(), principal.identity()) {
            (AuthMode::Open, _) => (&rates.address_requests, RateKey::Address(client)),
            (AuthMode::Token, Identity::Administrator) => return Ok(None),
            (AuthMode::Token, user @ Identity::User(_)) => (&rates.user_requests, RateKey::Principal(user)),
            (AuthMode::Token, device @ Identity::Device(_)) => {
                (&rates.device_requests, RateKey::Principal(device))
            }
        };
        charge(rate.as_ref(), key, 1)
    }

    /// Checks that a sender of readings has anything left of its quota. Charges nothing: the number of
    /// readings is not known before their request is parsed.
    ///
    /// # Errors
    /// [`ServiceError::RateExceeded`] if nothing is left.
    pub fn check_readings(&self, principal: Principal, client: ClientAddress) -> Result<(), ServiceError> {
        let key = self.sender_key(principal, client);
        let checked =
            self.parts.rates.readings.as_ref().zip(key).map_or(Ok(()), |(rate, key)| rate.check(key));
        checked.map_err(ServiceError::RateExceeded)
    }

    /// Charges readings to their sender, before they are stored; if the service is open for everybody, to the
    /// client address. Readings above the burst of the rate count as the whole burst, so that they are not
    /// refused for ever. A batch may use the readings of [`READINGS_ADVANCE`] in advance.
    ///
    /// # Errors
    /// [`ServiceError::RateExceeded`].
    pub fn charge_readings(
        &self,
        principal: Principal,
        client: ClientAddress,
        count: usize,
    ) -> Result<Option<RateState>, ServiceError> {
        match self.sender_key(principal, client) {
            Some(key) => charge(self.parts.rates.readings.as_ref(), key, count),
            None => Ok(None),
        }
    }

    /// Returns the party that a rate counts for readings; `None` for an administrator.
    fn sender_key(&self, principal: Principal, client: ClientAddress) -> Option<RateKey> {
        match (self.auth(), principal.identity()) {
            (AuthMode::Open, _) => Some(RateKey::Address(client)),
            (AuthMode::Token, Identity::Administrator) => None,
            (AuthMode::Token, sender @ (Identity::User(_) | Identity::Device(_))) => {
                Some(RateKey::Principal(sender))
            }
        }
    }

    /// Charges a request without a valid token to the client address.
    ///
    /// # Errors
    /// [`ServiceError::RateExceeded`].
    pub fn charge_address(&self, client: ClientAddress) -> Result<Option<RateState>, ServiceError> {
        charge(self.parts.rates.address_requests.as_ref(), RateKey::Address(client), 1)
    }

    /// Charges a request whose credentials are not a valid token to the client address. A valid token from
    /// the same address is never charged here, so nobody can lock it out.
    ///
    /// # Errors
    /// [`ServiceError::RateExceeded`].
    pub fn charge_failed_sign_in(&self, client: ClientAddress) -> Result<Option<RateState>, ServiceError> {
        charge(self.parts.rates.failed_sign_ins.as_ref(), RateKey::Address(client), 1)
    }
}

fn charge(rate: Option<&KeyedRate>, key: RateKey, count: usize) -> Result<Option<RateState>, ServiceError> {
    let charged = rate.map(|rate| rate.charge(key, count)).transpose();
    charged.map(Option::flatten).map_err(ServiceError::RateExceeded)
}
