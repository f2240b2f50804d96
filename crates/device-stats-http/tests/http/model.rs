//! The service and a plain list of readings are taken through the same steps, in any order: readings come, late and again,
//! are sealed and merged, devices and users go, the service starts anew. Every answer is compared, bit for bit, with what
//! sorting and exact arithmetic make of the list. A failing case prints its steps, as few as it takes.

mod devices;
mod step;
mod walk;

use proptest::test_runner::{Config, TestError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::databases::{Database, over_both_databases};

over_both_databases!(every_answer_is_that_of_the_model);

/// A walk takes as long as many cases of other properties, so `PROPTEST_CASES` is divided by this.
const CASES_DIVISOR: u32 = 16;
/// Walks that are tried to find the shortest that fails.
const SHRINKS_MAX: u32 = 400;

async fn every_answer_is_that_of_the_model(database: Database) {
    let cases = Config::default().cases.div_ceil(CASES_DIVISOR);
    let config =
        Config { cases, max_shrink_iters: SHRINKS_MAX, failure_persistence: None, ..Config::default() };
    let mut number = 0..;
    let number = std::cell::RefCell::new(&mut number);
    let walked = TestRunner::new(config).run(&step::steps(), |steps| {
        let number: u32 = number.borrow_mut().next().unwrap();
        block_in_place(|| Handle::current().block_on(walk::walk(&database, number, &steps)));
        Ok(())
    });
    match walked {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => panic!("{reason}\nafter {steps:#?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
