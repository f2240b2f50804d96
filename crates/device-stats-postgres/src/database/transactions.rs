//! Transactions: how one begins, and how a whole one is sent in one go.

use std::future::Future;

use deadpool_postgres::{Client, Transaction};
use futures_util::future::{join, join3, join4, join5};
use tokio_postgres::{Error, IsolationLevel};

use crate::database::errors::Failure;

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

/// Waits for the answers of statements that are sent together, in this order. Where one fails, those behind it in the
/// transaction fail for no other reason than that; so the first error counts, whichever is noticed first.
pub(crate) async fn try_join<A, B, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
) -> Result<(A, B), E> {
    let (first, second) = join(first, second).await;
    Ok((first?, second?))
}

/// [`try_join`] of three.
pub(crate) async fn try_join3<A, B, C, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
    third: impl Future<Output = Result<C, E>>,
) -> Result<(A, B, C), E> {
    let (first, second, third) = join3(first, second, third).await;
    Ok((first?, second?, third?))
}

/// [`try_join`] of four.
pub(crate) async fn try_join4<A, B, C, D, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
    third: impl Future<Output = Result<C, E>>,
    fourth: impl Future<Output = Result<D, E>>,
) -> Result<(A, B, C, D), E> {
    let (first, second, third, fourth) = join4(first, second, third, fourth).await;
    Ok((first?, second?, third?, fourth?))
}

/// [`try_join`] of five.
pub(crate) async fn try_join5<A, B, C, D, F, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
    third: impl Future<Output = Result<C, E>>,
    fourth: impl Future<Output = Result<D, E>>,
    fifth: impl Future<Output = Result<F, E>>,
) -> Result<(A, B, C, D, F), E> {
    let (first, second, third, fourth, fifth) = join5(first, second, third, fourth, fifth).await;
    Ok((first?, second?, third?, fourth?, fifth?))
}
