//! A walk: makes the same random calls to a store and to the model. Their answers must be equal. Both sides
//! translate ids into the order of creation, so a store can give any ascending ids.

mod segments;
mod side;

use std::sync::Arc;

use device_stats_domain::{AuditFilter, AuditOrder, Author, ListPage, Window};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::side::Side;
use super::samples::Opened;
use super::steps::{Step, step};
use crate::{Model, Visibility};

/// Maximum number of readings of a walk: 60 steps of at most 7.
const READINGS_MAX: u32 = 420;

/// The number of walks is a quarter of `PROPTEST_CASES` (default 256), since a walk makes many durable
/// writes.
pub async fn the_store_answers_what_the_model_answers(store: Opened) {
    let config = Config::default();
    let config = Config { cases: config.cases.div_ceil(4), failure_persistence: None, ..config };
    let runtime = tokio::runtime::Handle::current();
    // The runner's callback is not `async`, so it needs a thread that can block.
    let walks = tokio::task::spawn_blocking(move || {
        TestRunner::new(config).run(&vec(step(), 1..60), |steps| {
            runtime.block_on(walk(&store, &steps)).map_err(TestCaseError::fail)
        })
    });
    if let Err(error) = walks.await.unwrap() {
        panic!("{error}");
    }
}

/// Makes all steps on the emptied store and on a new model; returns the first answers that differ.
async fn walk(store: &Opened, steps: &[Step]) -> Result<(), String> {
    empty(store).await;
    let newest = AuditFilter::default();
    let newest = store.list_audit(AuditOrder::NewestFirst, None, &newest, 1).await.unwrap();
    let newest = newest.first().map(|entry| entry.id);
    let mut next_reading = store.reserve_reading_ids(READINGS_MAX).await.unwrap().start;
    let mut side = Side::new(Arc::clone(store), next_reading);
    let mut model = Side::new(Arc::new(Model::default()), next_reading);
    let everything = (0..side::DEVICES_MAX)
        .flat_map(|device| [Step::SnapshotOfDevice(device, Window::ALL), Step::ListSegments(device)]);
    for (n, step) in steps.iter().cloned().chain(everything).enumerate() {
        let (answer, expected) =
            (side.answer(&step, next_reading).await, model.answer(&step, next_reading).await);
        if answer != expected {
            return Err(format!("step {n}, {step:?}\n  store: {answer}\n  model: {expected}"));
        }
        next_reading += i64::try_from(step.readings()).unwrap();
    }
    let (audit, expected) = (side.audit(newest).await, model.audit(None).await);
    if audit == expected {
        Ok(())
    } else {
        Err(format!("audit log\n  store:\n{audit}\n  model:\n{expected}"))
    }
}

async fn empty(store: &Opened) {
    for user in store.list_users(Visibility::All, ListPage::LARGEST).await.unwrap() {
        store.delete_user(&Author::SERVICE, Visibility::All, user.id, None).await.unwrap();
    }
    for device in store.list_devices(Visibility::All, ListPage::LARGEST).await.unwrap() {
        store.delete_device(&Author::SERVICE, Visibility::All, device.key, None).await.unwrap();
    }
}
