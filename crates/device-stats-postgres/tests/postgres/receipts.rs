//! Receipts of keyed requests expire by the clock of the database, whatever the clocks of the nodes show.

use device_stats_domain::{DeviceKey, IdempotencyKey};
use device_stats_postgres::testing::fresh_database;
use device_stats_store::{KeyedOutcome, KeyedReadings, ReadingStore};

use crate::{at, connect, device, open_at, reading};

const HOUR_US: i64 = 3_600_000_000;

/// Returns a request of a node whose clock shows `now_us`.
fn keyed(device: DeviceKey, now_us: i64, n: i32) -> KeyedReadings {
    KeyedReadings {
        key: IdempotencyKey::new("k").unwrap(),
        fingerprint: [1; 32],
        kept_until: at(now_us + HOUR_US),
        readings: [reading(device, n)].into(),
    }
}

/// A node whose clock was a day ahead ended all receipts.
#[tokio::test]
async fn a_wrong_clock_of_a_node_ends_no_receipt() {
    let url = fresh_database();
    let nodes = [open_at(&url).await, open_at(&url).await];
    let device = device(&nodes[0], "d").await;
    // The clocks are years behind the database, and one is a day ahead of the other.
    for (node, now_us) in nodes.iter().zip([0, 24 * HOUR_US]) {
        let outcomes = node.append_keyed(&[keyed(device, now_us, 1)], at(now_us)).await.unwrap();
        assert_eq!(matches!(outcomes[..], [KeyedOutcome::New(_)]), now_us == 0, "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_receipt_expires_by_the_clock_of_the_database() {
    let url = fresh_database();
    let store = open_at(&url).await;
    let device = device(&store, "d").await;
    for n in [1, 2] {
        let outcomes = store.append_keyed(&[keyed(device, 0, n)], at(0)).await.unwrap();
        assert!(matches!(outcomes[..], [KeyedOutcome::New(_)]), "{outcomes:?}");
        let admin = connect(&url).await;
        let left = "SELECT kept_until - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM keyed_request";
        let left_us: i64 = admin.query_one(left, &[]).await.unwrap().get(0);
        assert!((HOUR_US - 600_000_000..=HOUR_US).contains(&left_us), "{left_us}");
        let pass = "UPDATE keyed_request SET kept_until = kept_until - 3600000000";
        admin.batch_execute(pass).await.unwrap();
    }
}
