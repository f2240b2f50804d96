//! Tests of the settings of access: tokens, trusted proxies, and the limits of clients.

use device_stats_domain::{Token, TokenKind};
use device_stats_http::limits::{CONNECTIONS_PER_ADDRESS_DEFAULT, OPEN_REQUESTS_PER_ADDRESS_DEFAULT};
use device_stats_service::limits::AUDIT_KEPT_DEFAULT;
use device_stats_service::{AuthMode, RateSettings};

use super::*;

#[test]
fn the_token_comes_from_the_source_with_precedence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let tokens = [1, 2].map(|n| Token::from_random(TokenKind::User, &[n; 32]));
    std::fs::write(&path, tokens[0].expose()).unwrap();
    let (file, text) = (path.to_str().unwrap(), tokens[1].expose());
    let found = |line: &[&str], environment: &[(&str, &str)]| {
        let values = collect(line, environment).unwrap();
        Settings::parse(&values).unwrap().server.token.map(|token| token.hash())
    };
    let [in_file, given] = tokens.each_ref().map(|token| Some(token.hash()));
    assert_eq!(found(&["--token-file", file], &[]), in_file);
    assert_eq!(found(&["--token", text], &[]), given);
    assert_eq!(found(&["--token-file", file], &[("DEVICE_STATS_TOKEN", text)]), in_file);
    assert_eq!(found(&["--token", text], &[("DEVICE_STATS_TOKEN_FILE", file)]), given);
    assert_eq!(found(&[], &[("DEVICE_STATS_TOKEN", text)]), given);
}

#[test]
fn rates_are_in_force_only_if_clients_need_tokens_or_if_they_are_set() {
    let rates = |line: &[&str], auth| settings(line).rates.settings(auth);
    let default = RateSettings::default_for(AuthMode::Token);
    assert_eq!(rates(&[], AuthMode::Token), default);
    let open = rates(&[], AuthMode::Open);
    assert_eq!((open.readings_per_second, open.address_requests_per_second), (0, 0));
    assert_eq!(open.failed_sign_ins_per_minute, 0, "clients of the open mode work unchanged");
    let line = ["--readings-per-second=7", "--address-requests-per-second=8"];
    for auth in [AuthMode::Open, AuthMode::Token] {
        let set = rates(&line, auth);
        assert_eq!((set.readings_per_second, set.address_requests_per_second), (7, 8));
    }
    let none = [
        "--device-requests-per-second=0",
        "--user-requests-per-second=0",
        "--readings-per-second=0",
        "--address-requests-per-second=0",
        "--failed-sign-ins-per-minute=0",
    ];
    assert_eq!(rates(&none, AuthMode::Token), RateSettings::NONE);
    let each = none.iter().enumerate().map(|(n, flag)| flag.replace("=0", &format!("={}", n + 1)));
    let each: Vec<String> = each.collect();
    let each: Vec<&str> = each.iter().map(String::as_str).collect();
    let expected = RateSettings {
        device_requests_per_second: 1,
        user_requests_per_second: 2,
        readings_per_second: 3,
        address_requests_per_second: 4,
        failed_sign_ins_per_minute: 5,
    };
    assert_eq!(rates(&each, AuthMode::Token), expected);
    for rate in ["-1", "1.5", "x", "10000001"] {
        let problem = problem(&[&format!("--device-requests-per-second={rate}")], &[]);
        assert!(problem.contains("is not a whole number up to 10000000; 0 is no limit"), "{problem}");
    }
    assert_eq!(settings(&[]).devices_per_user_max, Some(1_000));
    assert_eq!(settings(&["--devices-per-user=5"]).devices_per_user_max, Some(5));
    assert_eq!(settings(&["--devices-per-user=0"]).devices_per_user_max, None);
}

#[test]
fn the_audit_log_is_kept_for_a_number_of_days_or_for_ever() {
    assert_eq!(settings(&[]).audit_kept_for, Some(AUDIT_KEPT_DEFAULT));
    let day = Duration::from_hours(24);
    assert_eq!(settings(&["--keep-audit-days=1"]).audit_kept_for, Some(day));
    assert_eq!(settings(&["--keep-audit-days=65535"]).audit_kept_for, Some(day * 65_535));
    assert_eq!(settings(&["--keep-audit-days=0"]).audit_kept_for, None);
    for text in ["-1", "1.5", "65536", "a year"] {
        let problem = problem(&[&format!("--keep-audit-days={text}")], &[]);
        assert!(problem.contains("--keep-audit-days"), "{problem}");
    }
}

#[test]
fn the_limits_of_an_address_are_in_force_only_if_clients_need_tokens_or_if_they_are_set() {
    let limits = |line: &[&str], auth| {
        let limits = settings(line).address_limits;
        (limits.connections_max(auth), limits.open_requests_max(auth))
    };
    let default = (Some(CONNECTIONS_PER_ADDRESS_DEFAULT), Some(OPEN_REQUESTS_PER_ADDRESS_DEFAULT));
    assert_eq!(limits(&[], AuthMode::Token), default);
    assert_eq!(limits(&[], AuthMode::Open), (None, None), "a load test has a single address");
    for auth in [AuthMode::Open, AuthMode::Token] {
        let set = ["--connections-per-address=7", "--open-requests-per-address=8"];
        assert_eq!(limits(&set, auth), (Some(7), Some(8)));
        let none = ["--connections-per-address=0", "--open-requests-per-address=0"];
        assert_eq!(limits(&none, auth), (None, None));
    }
    let problem = problem(&["--open-requests-per-address=-1"], &[]);
    assert!(problem.contains("\"-1\" is not a whole number; 0 is no limit"), "{problem}");
}

#[test]
fn zero_turns_the_refusals_of_an_overloaded_service_off() {
    let wait = |line: &[&str]| settings(line).overload_wait_max;
    assert_eq!(wait(&[]), Some(Duration::from_millis(50)));
    assert_eq!(wait(&["--overload-wait-ms=250"]), Some(Duration::from_millis(250)));
    assert_eq!(wait(&["--overload-wait-ms=0"]), None);
    let problem = problem(&["--overload-wait-ms=1s"], &[]);
    assert!(problem.contains("is not a whole number of milliseconds; 0 turns the refusals off"), "{problem}");
    assert_eq!(wait(&["--overload-wait-ms=20"]), Some(Duration::from_millis(20)));
    let problem = self::problem(&["--overload-wait-ms=19"], &[]);
    assert!(problem.contains("\"19\" is less than 20; 0 turns the refusals off"), "{problem}");
}

/// The old variable was ignored, so that a service on a loopback address behind a proxy was open.
#[test]
fn a_renamed_variable_is_refused() {
    let problem =
        |value| collect(&[], &[("DEVICE_STATS_PROXIES", value)]).map(|_| ()).map_err(|e| e.to_string());
    let expected = "DEVICE_STATS_PROXIES is now DEVICE_STATS_TRUSTED_PROXY: rename the variable";
    assert_eq!(problem("10.0.0.0/8"), Err(expected.to_owned()));
    assert_eq!(problem(""), Ok(()), "an empty value counts as absent");
}
