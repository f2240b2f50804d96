//! A rate: a quota of requests or readings for each key, which is refilled continuously (GCRA, the generic
//! cell rate algorithm of ATM).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use device_stats_domain::Identity;
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};

use super::bounded_states::BoundedStates;
use super::clock::RateClock;
use crate::client_limit::ClientAddress;
use crate::limits::{RATE_KEYS_MAX, RATE_SWEEP_INTERVAL};

/// The subject of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatePolicy {
    /// The requests of a user or a device.
    Requests,
    /// The readings that a user, a device or an address sends.
    Readings,
    /// The requests of an address: those without a valid token, or all if the service is open for everybody.
    AddressRequests,
    /// The requests of an address whose credentials are not a valid token.
    FailedSignIns,
}

impl RatePolicy {
    /// Returns the name for clients.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Readings => "readings",
            Self::AddressRequests => "address-requests",
            Self::FailedSignIns => "failed-sign-ins",
        }
    }
}

/// The state of a rate after a request was charged or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// The subject of the rate.
    pub policy: RatePolicy,
    /// Number of requests or readings that an idle client may use at once.
    pub quota: u32,
    /// Time in which the whole quota is refilled, in seconds.
    pub window_s: u64,
    /// Number of requests or readings that are left.
    pub remaining: u32,
    /// Time after which the refused request would pass, or after which more than `remaining` are left, in
    /// seconds; 1 and up.
    pub wait_s: u64,
}

/// The party that a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RateKey {
    /// A user or device, whatever tokens it uses.
    Principal(Identity),
    /// A client address.
    Address(ClientAddress),
}

type Limiter = RateLimiter<RateKey, BoundedStates<RateKey>, RateClock, StateInformationMiddleware>;

/// A rate for each key.
pub(super) struct KeyedRate {
    policy: RatePolicy,
    quota: Quota,
    limiter: Limiter,
    /// The same states, for charges that are only tried.
    trials: Limiter,
    /// The same states.
    states: BoundedStates<RateKey>,
    /// Maximum part of a charge that the key uses in advance.
    advance: u32,
    clock: RateClock,
    /// Time of the last removal of idle keys, in nanoseconds of the clock.
    swept_ns: AtomicU64,
}

impl KeyedRate {
    /// Creates a rate whose whole quota is available to each key.
    pub(super) fn new(policy: RatePolicy, quota: Quota, clock: RateClock) -> Self {
        Self::with_keys_max(policy, quota, clock, RATE_KEYS_MAX)
    }

    /// Creates a rate with its own state for up to `keys_max` keys.
    pub(super) fn with_keys_max(policy: RatePolicy, quota: Quota, clock: RateClock, keys_max: usize) -> Self {
        let states = BoundedStates::new(keys_max);
        Self {
            policy,
            quota,
            trials: RateLimiter::new(quota, states.for_trials(), clock.clone()),
            states: states.clone(),
            advance: 0,
            limiter: RateLimiter::new(quota, states, clock.clone()),
            clock,
            swept_ns: AtomicU64::new(0),
        }
    }

    /// Lets a charge exceed the rest of the quota by the quota of this time, unless nothing is left.
    pub(super) fn with_advance(mut self, time: Duration) -> Self {
        let count = time.as_nanos() / self.quota.replenish_interval().as_nanos();
        self.advance = u32::try_from(count).unwrap_or(u32::MAX);
        self
    }

    /// Returns whether a key has anything left of its quota.
    ///
    /// # Errors
    /// The state of the key if its quota is used up.
    pub(super) fn check(&self, key: RateKey) -> Result<(), RateState> {
        match self.trials.check_key(&key) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.state(0, refusal.wait_time_from(self.clock.now()))),
        }
    }

    /// Charges `count` to a key, or the whole quota if it is less. A part may be used in advance. Returns the
    /// state of the key; `None` if `count` is zero.
    ///
    /// # Errors
    /// The state of the key if its quota does not suffice. Nothing is charged.
    pub(super) fn charge(&self, key: RateKey, count: usize) -> Result<Option<RateState>, RateState> {
        self.sweep_if_due();
        let quota = self.quota.burst_size();
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(quota.get());
        let Some(needed) = NonZeroU32::new(count.saturating_sub(self.advance).max(count.min(1))) else {
            return Ok(None);
        };
        let interval = self.quota.replenish_interval();
        match self.limiter.check_key_n(&key, needed) {
            Ok(Ok(snapshot)) => {
                let advanced = count - needed.get();
                self.states.add(&key, Nanos::from(interval) * u64::from(advanced));
                let left = snapshot.remaining_burst_capacity();
                // Until one more is left.
                let missing = advanced.saturating_sub(left).saturating_add(1);
                Ok(Some(self.state(left.saturating_sub(advanced), interval.saturating_mul(missing))))
            }
            Ok(Err(refusal)) => {
                let wait = refusal.wait_time_from(self.clock.now());
                let missing = wait.as_nanos().div_ceil(interval.as_nanos());
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                Err(self.state(needed.get().saturating_sub(missing), wait))
            }
            // `count` is at most the quota, so this does not occur.
            Err(_) => Err(self.state(0, self.quota.burst_size_replenished_in())),
        }
    }

    fn state(&self, remaining: u32, wait: Duration) -> RateState {
        RateState {
            policy: self.policy,
            quota: self.quota.burst_size().get(),
            window_s: whole_seconds(self.quota.burst_size_replenished_in()),
            remaining,
            wait_s: whole_seconds(wait),
        }
    }

    /// Removes the keys whose quota is full again, at most once per [`RATE_SWEEP_INTERVAL`].
    fn sweep_if_due(&self) {
        let now_ns = u64::try_from(self.clock.now().as_nanos()).unwrap_or(u64::MAX);
        let swept_ns = self.swept_ns.load(Ordering::Relaxed);
        let interval_ns = RATE_SWEEP_INTERVAL.as_nanos();
        if u128::from(now_ns.saturating_sub(swept_ns)) < interval_ns {
            return;
        }
        let swept = self.swept_ns.compare_exchange(swept_ns, now_ns, Ordering::Relaxed, Ordering::Relaxed);
        if swept.is_ok() {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }

    /// Returns the number of keys that have a state of their own.
    #[cfg(test)]
    pub(super) fn key_count(&self) -> usize {
        self.limiter.len()
    }

    /// Returns the number of keys for which memory is allocated.
    #[cfg(test)]
    pub(super) fn key_capacity(&self) -> usize {
        self.states.capacity()
    }
}

/// Returns a time in whole seconds, rounded up, at least 1.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
