//! Concurrent callers. No case depends on timing: a race has only one right outcome, even if its calls happen
//! to run one after the other.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::StoreError;

/// Number of callers of a race.
pub(super) const CALLERS: usize = 16;

/// Runs `call` for the callers 0, 1, 2 ... concurrently, and returns the answers in this order.
pub(super) async fn concurrently<T, F>(callers: usize, call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers));
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (start, call) = (Arc::clone(&start), call(caller));
        tasks.spawn(async move {
            start.wait().await;
            (caller, call.await)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(caller, _)| *caller);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Asserts that one of the answers is `Ok` and all others are errors that `is_right` accepts; returns the
/// winner's answer.
pub(super) fn assert_one_winner<T: std::fmt::Debug>(
    answers: Vec<Result<T, StoreError>>,
    is_right: impl Fn(&StoreError) -> bool,
) -> T {
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    for answer in lost {
        assert!(answer.as_ref().is_err_and(&is_right), "a loser got {answer:?}");
    }
    assert_eq!(won.len(), 1, "{won:?}");
    won.into_iter().next().unwrap().unwrap()
}
