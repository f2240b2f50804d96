//! A random walk over the service and over a plain list of readings. Its steps append readings (also late
//! ones and repeats), seal, merge, delete, restart and query. Every response equals, bit for bit, the result
//! of sorting and exact arithmetic over the list. A failing walk is reduced to few steps and printed.

mod devices;
mod step;
mod walk;

use proptest::test_runner::{Config, TestError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::databases::{Database, over_both_databases};

over_both_databases!(every_response_matches_the_model);

/// Divisor of `PROPTEST_CASES`, because a walk takes longer than a case of another property.
const CASES_DIVISOR: u32 = 16;
/// Maximum number of walks that are tried to shorten a failing walk.
const SHRINKS_MAX: u32 = 400;

async fn every_response_matches_the_model(database: Database) {
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
