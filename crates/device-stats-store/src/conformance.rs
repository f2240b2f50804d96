//! The conformance suite: small named cases, races, and a walk that compares a store with
//! [`Model`](crate::Model) step by step. [`conformance_tests!`](crate::conformance_tests) makes a test of
//! every case. The crate of each store tests its additional promises (opening, migrating, surviving a crash).

#![allow(
    missing_docs,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code that other crates can call; the name of a case says what it checks"
)]

/// Asserts that a call is refused with the given variant of [`StoreError`](crate::StoreError).
macro_rules! refused {
    ($call:expr, $variant:ident) => {
        match $call.await {
            Err($crate::StoreError::$variant { .. }) => {}
            answer => panic!("expected {}, got {answer:?}", stringify!($variant)),
        }
    };
}

mod background_seals;
mod callers;
mod samples;
mod steps;

pub mod append;
pub mod append_segment;
pub mod arrivals;
pub mod audit;
pub mod catalogue;
pub mod delete_readings;
pub mod deletion_races;
pub mod deletions;
pub mod derived;
pub mod devices;
pub mod figures;
pub mod hot_readings;
pub mod keyed;
pub mod lists;
pub mod merging;
pub mod oracle;
pub mod owned_devices;
pub mod purging;
pub mod races;
pub mod readings;
pub mod sealing;
pub mod sealing_races;
pub mod server_timed;
pub mod snapshots;
pub mod snapshots_under_seals;
pub mod tokens;
pub mod unchanged;
pub mod unwritable_entries;
pub mod users;
pub mod visibility;
pub mod walk;

/// Defines `conformance_tests!` from the list of all cases.
macro_rules! cases {
    ($($subject:ident { $($case:ident)+ })+) => {
        /// Makes one `#[tokio::test]` of every case of the suite.
        ///
        /// The argument names an `async fn() -> (Guard, Arc<dyn Store>)` that opens a fresh, empty store; the
        /// guard is dropped after the store. The calling crate needs `tokio` among its dev-dependencies.
        #[macro_export]
        macro_rules! conformance_tests {
            ($open:ident) => {
                $(mod $subject {
                    $(#[tokio::test(flavor = "multi_thread")]
                    async fn $case() {
                        let open = super::$open;
                        let (_guard, store) = open().await;
                        $crate::conformance::$subject::$case(store).await;
                    })+
                })+
            };
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/conformance_cases.rs"));

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{Model, Store};

    async fn open() -> ((), Arc<dyn Store>) {
        ((), Arc::new(Model::default()))
    }

    conformance_tests!(open);
}
