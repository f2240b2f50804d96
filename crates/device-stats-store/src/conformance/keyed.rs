//! Cases about keyed requests.

use device_stats_domain::{Author, IdempotencyKey, NewReading, ReadingId};

use super::callers::concurrently;
use super::samples::{Opened, all_readings, all_times, at, device, given, server_timed, stored, stored_at};
use crate::{Appended, FirstStored, KeyedOutcome, KeyedReadings, Receipt, Visibility};

/// Returns a request whose receipt expires at microsecond 1,000; one byte stands for its payload.
fn keyed(key: &str, payload: u8, readings: &[NewReading]) -> KeyedReadings {
    KeyedReadings {
        key: IdempotencyKey::new(key).unwrap(),
        fingerprint: [payload; 32],
        kept_until: at(1_000),
        readings: readings.into(),
    }
}

async fn append(store: &Opened, requests: &[KeyedReadings]) -> Vec<KeyedOutcome> {
    store.append_keyed(requests, at(10)).await.unwrap()
}

pub async fn a_keyed_request_is_carried_out_once(store: Opened) {
    let device = device(&store, "d").await;
    let request = keyed("k", 1, &[server_timed(&device, 10, 1), server_timed(&device, 10, 2)]);
    let again = keyed("k", 1, &[server_timed(&device, 20, 3), server_timed(&device, 20, 4)]);
    let first = FirstStored { device: device.key, id: ReadingId(1), time: at(10) };
    let receipt = Receipt { stored: 2, repeats: 0, conflicts: 0, first: Some(first) };
    assert_eq!(append(&store, &[request]).await, [KeyedOutcome::New(vec![stored_at(10), stored_at(11)])]);
    for _ in 0..2 {
        assert_eq!(append(&store, std::slice::from_ref(&again)).await, [KeyedOutcome::Repeated(receipt)]);
    }
    assert_eq!(all_times(&store, &device).await, [10, 11]);
}

pub async fn a_different_payload_of_a_key_is_refused(store: Opened) {
    let device = device(&store, "d").await;
    append(&store, &[keyed("k", 1, &[given(&device, 1, 1)])]).await;
    let other = keyed("k", 2, &[given(&device, 2, 2)]);
    assert_eq!(append(&store, &[other]).await, [KeyedOutcome::DifferentPayload]);
    assert_eq!(all_times(&store, &device).await, [1]);
}

pub async fn requests_of_one_call_get_their_own_outcomes(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    append(&store, &[keyed("old", 1, &[given(&a, 1, 1), given(&b, 1, 2)])]).await;
    let requests = [
        keyed("new", 1, &[given(&b, 2, 3), given(&a, 1, 4), server_timed(&a, 1, 5)]),
        keyed("old", 2, &[given(&a, 9, 6)]),
        keyed("empty", 1, &[]),
        keyed("old ", 1, &[given(&a, 3, 7)]),
    ];
    let expected = [
        KeyedOutcome::New(vec![stored_at(2), Appended::Conflict, stored_at(4)]),
        KeyedOutcome::DifferentPayload,
        KeyedOutcome::New(Vec::new()),
        KeyedOutcome::New(vec![stored_at(3)]),
    ];
    assert_eq!(append(&store, &requests).await, expected);
    let later = append(&store, &[keyed("new", 1, &[]), keyed("empty", 1, &[])]).await;
    let first = Some(FirstStored { device: b.key, id: ReadingId(3), time: at(2) });
    assert_eq!(
        later,
        [
            KeyedOutcome::Repeated(Receipt { stored: 2, repeats: 1, conflicts: 1, first }),
            KeyedOutcome::Repeated(Receipt::default())
        ]
    );
    assert_eq!(all_readings(&store, a.key).await, [stored(&a, 4, 5), stored(&a, 3, 7), stored(&a, 1, 1)]);
}

/// The model appended the readings of both requests and treated the second as a retry, so every later outcome
/// of the call was shifted.
pub async fn a_repeated_key_of_a_call_is_answered_from_its_first_request(store: Opened) {
    let device = device(&store, "d").await;
    let requests = [
        keyed("twice", 1, &[given(&device, 1, 1), given(&device, 2, 2)]),
        keyed("twice", 1, &[given(&device, 3, 3)]),
        keyed("other", 1, &[given(&device, 4, 4)]),
        keyed("twice", 2, &[given(&device, 5, 5)]),
        KeyedReadings { kept_until: at(0), ..keyed("expired", 1, &[given(&device, 6, 6)]) },
        keyed("expired", 1, &[given(&device, 7, 7)]),
        keyed("last", 1, &[given(&device, 2, 8), given(&device, 8, 9)]),
    ];
    let receipt = |stored, n: i32| Receipt {
        stored,
        repeats: 0,
        conflicts: 0,
        first: Some(FirstStored { device: device.key, id: ReadingId(n.into()), time: at(n.into()) }),
    };
    let expected = [
        KeyedOutcome::New(vec![stored_at(1), stored_at(2)]),
        KeyedOutcome::Repeated(receipt(2, 1)),
        KeyedOutcome::New(vec![stored_at(4)]),
        KeyedOutcome::DifferentPayload,
        KeyedOutcome::New(vec![stored_at(6)]),
        KeyedOutcome::Repeated(receipt(1, 6)),
        KeyedOutcome::New(vec![Appended::Conflict, stored_at(8)]),
    ];
    assert_eq!(append(&store, &requests).await, expected);
    assert_eq!(all_times(&store, &device).await, [1, 2, 4, 6, 8]);
    // The receipt is the one of the first request.
    assert_eq!(
        append(&store, &requests[1..4]).await,
        [
            KeyedOutcome::Repeated(receipt(2, 1)),
            KeyedOutcome::Repeated(receipt(1, 4)),
            KeyedOutcome::DifferentPayload,
        ]
    );
}

pub async fn a_receipt_keeps_the_number_of_conflicts(store: Opened) {
    let device = device(&store, "d").await;
    store.append(&[given(&device, 1, 1), given(&device, 2, 2), given(&device, 3, 3)]).await.unwrap();
    let readings = [1, 2, 3, 4].map(|us| given(&device, us, if us == 2 { 2 } else { 9 }));
    let requests = [keyed("k", 1, &readings), keyed("k", 1, &[])];
    let outcomes = vec![Appended::Conflict, Appended::Repeat, Appended::Conflict, stored_at(4)];
    let first = Some(FirstStored { device: device.key, id: ReadingId(9), time: at(4) });
    let receipt = KeyedOutcome::Repeated(Receipt { stored: 1, repeats: 3, conflicts: 2, first });
    assert_eq!(append(&store, &requests).await, [KeyedOutcome::New(outcomes), receipt.clone()]);
    assert_eq!(append(&store, &requests[1..]).await, [receipt]);
}

pub async fn a_refused_call_keeps_no_receipt(store: Opened) {
    let (gone, device) = (device(&store, "gone").await, device(&store, "d").await);
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let (good, bad) = (keyed("good", 1, &[given(&device, 1, 1)]), keyed("bad", 1, &[given(&gone, 1, 2)]));
    refused!(store.append_keyed(&[good.clone(), bad.clone()], at(10)), DeviceMissing);
    assert_eq!(append(&store, &[good]).await, [KeyedOutcome::New(vec![stored_at(1)])]);
    refused!(store.append_keyed(&[bad], at(10)), DeviceMissing);
}

pub async fn a_receipt_expires_at_kept_until(store: Opened) {
    let device = device(&store, "d").await;
    let request = |n| keyed("k", 1, &[server_timed(&device, 5, n)]);
    let at_1_000 = |n| KeyedReadings { kept_until: at(2_000), ..request(n) };
    append(&store, &[request(1)]).await;
    assert!(matches!(
        store.append_keyed(&[request(2)], at(999)).await.unwrap()[..],
        [KeyedOutcome::Repeated(_)]
    ));
    assert!(matches!(
        store.append_keyed(&[at_1_000(3)], at(1_000)).await.unwrap()[..],
        [KeyedOutcome::New(_)]
    ));
    assert!(matches!(
        store.append_keyed(&[request(4)], at(1_999)).await.unwrap()[..],
        [KeyedOutcome::Repeated(_)]
    ));
    assert_eq!(all_times(&store, &device).await, [5, 6]);
}

pub async fn a_receipt_outlives_its_device(store: Opened) {
    let old = device(&store, "d").await;
    append(&store, &[keyed("k", 1, &[given(&old, 1, 1)])]).await;
    store.delete_device(&Author::SERVICE, Visibility::All, old.key, None).await.unwrap();
    let new = device(&store, "d").await;
    let first = Some(FirstStored { device: old.key, id: ReadingId(1), time: at(1) });
    let before = KeyedOutcome::Repeated(Receipt { stored: 1, repeats: 0, conflicts: 0, first });
    assert_eq!(append(&store, &[keyed("k", 1, &[given(&new, 1, 2)])]).await, [before]);
    assert_eq!(all_readings(&store, new.key).await, []);
}

/// Several nodes get the same request at the same time, in calls with other requests.
pub async fn a_keyed_request_of_many_callers_is_carried_out_once(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    for round in 0..20_i32 {
        let us = i64::from(round) * 100;
        let key = |name: &str| format!("{name}{round}");
        let outcomes = concurrently(8, |n| {
            let n = i32::try_from(n).unwrap();
            let one = keyed(&key("one"), 1, &[server_timed(&a, us, 100 * round + n)]);
            let other =
                keyed(&key("other"), 1, &[server_timed(&b, us, 100 * round + n), server_timed(&a, us, 9)]);
            let own = keyed(&key(&format!("own{n} ")), 1, &[server_timed(&b, us, 9)]);
            let requests = if n % 2 == 0 { [one, other, own] } else { [own, other, one] };
            let store = Opened::clone(&store);
            async move { store.append_keyed(&requests, at(10)).await.unwrap() }
        });
        let outcomes: Vec<KeyedOutcome> = outcomes.await.into_iter().flatten().collect();
        let count =
            |is_counted: fn(&KeyedOutcome) -> bool| outcomes.iter().filter(|one| is_counted(one)).count();
        assert_eq!(count(|one| matches!(one, KeyedOutcome::New(_))), 10);
        assert_eq!(count(|one| matches!(one, KeyedOutcome::Repeated(_))), 14);
    }
    assert_eq!(all_times(&store, &a).await.len(), 40);
    assert_eq!(all_times(&store, &b).await.len(), 20 * 9);
}
