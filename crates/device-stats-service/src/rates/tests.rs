//! Tests of the arithmetic of rates, with a clock that stands still until it is moved.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{DeviceKey, Scopes, UserId};
use device_stats_formats::limits::BATCH_READINGS_MAX;
use device_stats_store::Model;
use governor::Quota;
use governor::clock::{Clock, FakeRelativeClock};

use super::bounded_states::SPARE_MIN;
use super::*;
use crate::limits::{
    DEVICE_REQUESTS_PER_SECOND_DEFAULT, RATE_BURST, RATE_PER_SECOND_MAX, RATE_SWEEP_INTERVAL,
    READINGS_ADVANCE, READINGS_PER_SECOND_DEFAULT,
};
use crate::service::ServiceSettings;

fn clock() -> (FakeRelativeClock, RateClock) {
    let fake = FakeRelativeClock::default();
    let clock = fake.clone();
    (fake, RateClock::new(move || clock.now().into()))
}

fn key(n: i64) -> RateKey {
    RateKey::Principal(Identity::Device(DeviceKey(n)))
}

fn quota(per_second: u32, burst: u32) -> Quota {
    Quota::per_second(NonZeroU32::new(per_second).unwrap()).allow_burst(NonZeroU32::new(burst).unwrap())
}

fn client(n: u8) -> ClientAddress {
    IpAddr::from(Ipv4Addr::new(10, 0, 0, n)).into()
}

fn user(n: i64) -> Principal {
    Principal::new(Identity::User(UserId(n)), Scopes::ALL)
}

fn device(n: i64) -> Principal {
    Principal::new(Identity::Device(DeviceKey(n)), Scopes::ALL)
}

fn administrator() -> Principal {
    Principal::new(Identity::Administrator, Scopes::ALL)
}

fn service(auth: AuthMode, rates: RateSettings) -> (FakeRelativeClock, Service) {
    let (fake, clock) = clock();
    let settings = ServiceSettings { auth, rates, ..ServiceSettings::default() };
    (fake, Service::with_rate_clock(Arc::new(Model::default()), settings, &clock).unwrap())
}

/// Returns the remaining number and the seconds to wait of a state.
fn brief(state: RateState) -> (u32, u64) {
    (state.remaining, state.wait_s)
}

#[test]
fn a_quota_is_used_up_and_refilled_continuously() {
    let (fake, clock) = clock();
    let rate = KeyedRate::new(RatePolicy::Requests, quota(20, 200), clock);
    for left in (0..200).rev() {
        let expected =
            RateState { policy: RatePolicy::Requests, quota: 200, window_s: 10, remaining: left, wait_s: 1 };
        assert_eq!(rate.charge(key(1), 1), Ok(Some(expected)));
    }
    assert_eq!(rate.charge(key(1), 1).map_err(brief), Err((0, 1)));
    assert_eq!(rate.charge(key(2), 1).unwrap().map(brief), Some((199, 1)), "another key");
    fake.advance(Duration::from_millis(49));
    assert_eq!(rate.charge(key(1), 1).map_err(brief), Err((0, 1)));
    fake.advance(Duration::from_millis(1));
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((0, 1)));
    assert_eq!(rate.charge(key(1), 1).map_err(brief), Err((0, 1)));
    fake.advance(Duration::from_secs(5));
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((99, 1)));
    fake.advance(Duration::from_hours(1));
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((199, 1)), "no more than the quota");
}

/// A batch with more readings than the quota would be refused for ever.
#[test]
fn a_charge_above_the_quota_needs_the_whole_quota() {
    let (fake, clock) = clock();
    let rate = KeyedRate::new(RatePolicy::Readings, quota(10, 100), clock);
    for count in [101, 1_000_000, usize::MAX] {
        assert_eq!(rate.charge(key(1), count).unwrap().map(brief), Some((0, 1)));
        fake.advance(Duration::from_secs(9));
        // 90 of the 100 are there again. A refusal charges nothing.
        assert_eq!(rate.charge(key(1), count).map_err(brief), Err((90, 1)));
        assert_eq!(rate.charge(key(1), 95).map_err(brief), Err((90, 1)));
        fake.advance(Duration::from_secs(1));
    }
    assert_eq!(rate.charge(key(1), 0), Ok(None));
    assert_eq!(rate.charge(key(1), 40).unwrap().map(brief), Some((60, 1)));
    // The wait is exact and rounded up: 35 are missing, which takes 3.5 seconds.
    assert_eq!(rate.charge(key(1), 95).map_err(brief), Err((60, 4)));
    fake.advance(Duration::from_millis(3_499));
    assert_eq!(rate.charge(key(1), 95).map_err(brief), Err((94, 1)));
    fake.advance(Duration::from_millis(1));
    assert_eq!(rate.charge(key(1), 95).unwrap().map(brief), Some((0, 1)));
}

/// A batch was parsed and then refused if it had one reading more than were left, again and again.
#[test]
fn a_charge_in_advance_is_waited_for() {
    let (fake, clock) = clock();
    let rate =
        KeyedRate::new(RatePolicy::Readings, quota(10, 100), clock).with_advance(Duration::from_secs(3));
    assert_eq!(rate.charge(key(1), 90).unwrap().map(brief), Some((10, 1)));
    assert_eq!(rate.charge(key(1), 41).map_err(brief), Err((10, 1)), "more than 30 in advance");
    assert_eq!(rate.charge(key(1), 40).unwrap().map(brief), Some((0, 4)));
    // Nothing passes until all of it is refilled.
    for count in [1, 40, 100] {
        assert!(rate.charge(key(1), count).is_err());
    }
    assert_eq!(rate.check(key(1)).map_err(brief), Err((0, 4)));
    fake.advance(Duration::from_secs(3));
    assert_eq!(rate.check(key(1)).map_err(brief), Err((0, 1)));
    fake.advance(Duration::from_millis(100));
    assert_eq!(rate.charge(key(1), 31).unwrap().map(brief), Some((0, 4)));
    assert_eq!(rate.charge(key(2), 31).unwrap().map(brief), Some((69, 1)), "another key");
    fake.advance(Duration::from_secs(13));
    assert_eq!(rate.charge(key(1), 100).unwrap().map(brief), Some((0, 1)), "the average stays the rate");
    // At the default rate, a full batch can be used in advance.
    let full = BATCH_READINGS_MAX as u64;
    assert!(u64::from(READINGS_PER_SECOND_DEFAULT) * READINGS_ADVANCE.as_secs() > full);
}

#[test]
fn a_rate_per_minute_tells_longer_waits() {
    let (fake, clock) = clock();
    let quota = RateSettings { failed_sign_ins_per_minute: 20, ..RateSettings::NONE }.failed_sign_ins();
    let rate = KeyedRate::new(RatePolicy::FailedSignIns, quota.unwrap(), clock);
    for left in (0..20).rev() {
        assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((left, 3)));
    }
    let expected =
        RateState { policy: RatePolicy::FailedSignIns, quota: 20, window_s: 60, remaining: 0, wait_s: 3 };
    assert_eq!(rate.charge(key(1), 1), Err(expected));
    fake.advance(Duration::from_secs(3));
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((0, 3)));
}

/// Each new address of an attacker would take memory, or a quota of its own.
#[test]
fn keys_above_the_maximum_share_a_quota() {
    let (fake, clock) = clock();
    let rate = KeyedRate::with_keys_max(RatePolicy::AddressRequests, quota(1, 10), clock, 3);
    for n in 0..3 {
        assert_eq!(rate.charge(key(n), 5).unwrap().map(brief), Some((5, 1)));
    }
    for n in 3..13 {
        assert_eq!(rate.charge(key(n), 1).unwrap().map(brief), Some((u32::try_from(12 - n).unwrap(), 1)));
    }
    assert_eq!(rate.charge(key(13), 1).map_err(brief), Err((0, 1)), "shared");
    assert_eq!(rate.charge(key(0), 5).unwrap().map(brief), Some((0, 1)), "known keys keep their quota");
    assert_eq!(rate.key_count(), 3);
    // The keys 1 and 2 are full again, so new keys find room.
    fake.advance(Duration::from_secs(6));
    assert_eq!(rate.charge(key(14), 1).unwrap().map(brief), Some((9, 1)));
    assert_eq!(rate.key_count(), 2);
    assert_eq!(rate.charge(key(0), 1).unwrap().map(brief), Some((5, 1)), "its state was kept");
}

#[test]
fn idle_keys_take_no_memory() {
    let (fake, clock) = clock();
    let rate = KeyedRate::new(RatePolicy::AddressRequests, quota(20, 200), clock);
    for n in 0..10_000 {
        rate.charge(key(n), 1).unwrap();
    }
    assert_eq!(rate.key_count(), 10_000);
    assert!(rate.key_capacity() >= 10_000);
    fake.advance(RATE_SWEEP_INTERVAL);
    rate.charge(key(0), 1).unwrap();
    assert_eq!(rate.key_count(), 1);
    assert!(rate.key_capacity() <= SPARE_MIN, "{}", rate.key_capacity());
}

/// A sender with nothing left made the service parse each of its batches.
#[test]
fn a_check_charges_nothing() {
    let (fake, clock) = clock();
    let rate = KeyedRate::with_keys_max(RatePolicy::Readings, quota(10, 100), clock, 2);
    assert_eq!(rate.check(key(1)), Ok(()));
    assert_eq!(rate.key_count(), 0);
    rate.charge(key(1), 99).unwrap();
    for _ in 0..3 {
        assert_eq!(rate.check(key(1)), Ok(()));
    }
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((0, 1)));
    assert_eq!(rate.check(key(1)).map_err(brief), Err((0, 1)));
    assert_eq!(rate.check(key(2)), Ok(()), "another key");
    fake.advance(Duration::from_millis(99));
    assert_eq!(rate.check(key(1)).map_err(brief), Err((0, 1)));
    fake.advance(Duration::from_millis(1));
    assert_eq!(rate.check(key(1)), Ok(()));
    assert_eq!(rate.charge(key(1), 1).unwrap().map(brief), Some((0, 1)));
    // Further keys share a quota.
    for n in [2, 3] {
        rate.charge(key(n), 100).unwrap();
    }
    assert_eq!(rate.check(key(4)).map_err(brief), Err((0, 1)));
}

#[test]
fn the_defaults_allow_ten_seconds_and_a_full_batch_at_once() {
    let default = RateSettings::default_for(AuthMode::Token);
    let device = default.device_requests().unwrap();
    assert_eq!(device, quota(DEVICE_REQUESTS_PER_SECOND_DEFAULT, 200));
    assert_eq!(device.burst_size_replenished_in(), RATE_BURST);
    assert_eq!(default.user_requests().unwrap(), quota(100, 1_000));
    assert_eq!(default.address_requests().unwrap(), quota(20, 200));
    let batch = u32::try_from(BATCH_READINGS_MAX).unwrap();
    assert_eq!(default.readings().unwrap(), quota(READINGS_PER_SECOND_DEFAULT, 5_000_000));
    for rate in [1, 1_000, RATE_PER_SECOND_MAX] {
        let readings = RateSettings { readings_per_second: rate, ..RateSettings::NONE }.readings().unwrap();
        assert!(readings.burst_size().get() >= batch.max(10 * rate), "{rate}");
        // The quota is exact at the maximum, too.
        assert_eq!(readings.replenish_interval(), Duration::from_secs(1) / rate);
    }
    let open = RateSettings::default_for(AuthMode::Open);
    assert_eq!(open, RateSettings::NONE);
    assert!([open.readings(), open.address_requests(), open.failed_sign_ins()].iter().all(Option::is_none));
}

#[tokio::test]
async fn with_tokens_principals_have_quotas_of_their_own_and_administrators_have_none() {
    let rates = RateSettings {
        device_requests_per_second: 1,
        user_requests_per_second: 2,
        readings_per_second: 200_000,
        address_requests_per_second: 3,
        failed_sign_ins_per_minute: 4,
    };
    let (_, service) = service(AuthMode::Token, rates);
    let left = |charged: Result<Option<RateState>, ServiceError>| match charged {
        Ok(state) => state.map(|state| state.remaining),
        Err(error) => panic!("{error}"),
    };
    for n in [1, 2] {
        // The address does not matter.
        assert_eq!(left(service.charge_request(device(n), client(1))), Some(9));
        assert_eq!(left(service.charge_request(device(n), client(2))), Some(8));
        // A user and a device with the same number are different.
        assert_eq!(left(service.charge_request(user(n), client(1))), Some(19));
        assert_eq!(left(service.charge_readings(device(n), client(1), 1_000_000)), Some(1_000_000));
        assert_eq!(left(service.charge_readings(user(n), client(2), 1_500_000)), Some(500_000));
    }
    for _ in 0..100 {
        assert_eq!(left(service.charge_request(administrator(), client(1))), None);
        assert_eq!(left(service.charge_readings(administrator(), client(1), 1_000_000)), None);
    }
    assert_eq!(left(service.charge_address(client(1))), Some(29));
    assert_eq!(left(service.charge_address(client(2))), Some(29));
    assert_eq!(left(service.charge_failed_sign_in(client(1))), Some(3));
    let refused = service.charge_readings(user(1), client(1), 1_100_001);
    assert!(matches!(refused, Err(ServiceError::RateExceeded(RateState { remaining: 500_000, .. }))));
}

#[tokio::test]
async fn an_open_service_counts_by_address_if_at_all() {
    let (_, open) = service(AuthMode::Open, RateSettings::default_for(AuthMode::Open));
    for _ in 0..1_000 {
        assert_eq!(open.charge_request(Principal::ANYONE, client(1)).unwrap(), None);
        assert_eq!(open.charge_readings(Principal::ANYONE, client(1), 1_000_000).unwrap(), None);
        assert_eq!(open.charge_address(client(1)).unwrap(), None);
    }
    let rates = RateSettings {
        address_requests_per_second: 1,
        readings_per_second: 200_000,
        ..RateSettings::default_for(AuthMode::Token)
    };
    let (_, limited) = service(AuthMode::Open, rates);
    for n in [1, 2] {
        for _ in 0..10 {
            limited.charge_request(Principal::ANYONE, client(n)).unwrap();
        }
        assert!(limited.charge_request(Principal::ANYONE, client(n)).is_err());
        limited.charge_readings(Principal::ANYONE, client(n), 2_000_000).unwrap();
        assert!(limited.charge_readings(Principal::ANYONE, client(n), 1).is_err());
    }
}
