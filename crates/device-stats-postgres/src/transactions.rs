//! Transactions: how one begins, and how a whole one is sent in one go.

use std::future::Future;

use deadpool_postgres::{Client, Transaction};
use futures_util::future::join3;
use tokio_postgres::{Error, IsolationLevel};

use crate::errors::Failure;

/// Begins a transaction in which each statement sees what was committed before that statement.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Begins a transaction that sees one moment, that of its first statement.
pub(crate) const BEGIN_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Lifts the limit of a statement from the rest of a transaction: what it deletes or writes may be millions of readings.
pub(crate) const UNLIMITED: &str = "SET LOCAL statement_timeout = 0";

/// Begins a transaction as [`BEGIN`] does. Without a commit it is rolled back when it is dropped.
pub(crate) async fn begin(client: &mut Client) -> Result<Transaction<'_>, Failure> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    Ok(transaction.start().await?)
}

/// Makes one transaction of the statements of `work`, in one round trip: `COMMIT` is under way before their answers are
/// there, and rolls back where one of them fails. So `work` has to send all its statements when it is first polled, which
/// prepared statements and plain texts do, and must not choose by their answers whether it commits.
pub(crate) async fn at_once<T, E: From<Error>>(
    client: &Client,
    begin: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // They are polled, and thereby sent, in this order.
    let (started, done, committed) =
        join3(client.batch_execute(begin), work, client.batch_execute("COMMIT")).await;
    started?;
    let done = done?;
    committed?;
    Ok(done)
}
