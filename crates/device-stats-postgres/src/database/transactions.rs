//! Transactions: their isolation, and whole transactions in one round trip.

use std::future::Future;

use deadpool_postgres::{Client, Transaction};
use futures_util::future::{join, join3};
use tokio_postgres::{Error, IsolationLevel};

use crate::database::errors::Failure;

/// Begins a transaction that sees the database at the moment of its first statement.
pub(crate) const BEGIN_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Removes the statement timeout for the rest of a transaction, which can delete or write millions of
/// readings.
pub(crate) const UNLIMITED: &str = "SET LOCAL statement_timeout = 0";

/// Begins a transaction in which each statement sees the commits before that statement. It is rolled back if
/// it is dropped without a commit.
pub(crate) async fn begin(client: &mut Client) -> Result<Transaction<'_>, Failure> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    Ok(transaction.start().await?)
}

/// Runs the statements of `work` as one transaction in one round trip. `COMMIT` is sent before the answers
/// arrive; if a statement has failed, it rolls back. So `work` must send all its statements when it is first
/// polled, as prepared statements and plain texts do. It cannot wait for an answer to decide whether to
/// commit.
pub(crate) async fn at_once<T, E: From<Error>>(
    client: &Client,
    begin: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // The futures are polled in this order, and polling sends the statements.
    let (started, done, committed) =
        join3(client.batch_execute(begin), work, client.batch_execute("COMMIT")).await;
    started?;
    let done = done?;
    committed?;
    Ok(done)
}

/// Waits for the answers of statements that are sent together in this order. Returns the error of the first
/// failed statement, because all later statements of the transaction fail as a consequence. Nest it for more
/// statements.
pub(crate) async fn try_join<A, B, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
) -> Result<(A, B), E> {
    let (first, second) = join(first, second).await;
    Ok((first?, second?))
}

/// [`try_join`] for three statements.
pub(crate) async fn try_join3<A, B, C, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
    third: impl Future<Output = Result<C, E>>,
) -> Result<(A, B, C), E> {
    let (first, second, third) = join3(first, second, third).await;
    Ok((first?, second?, third?))
}
