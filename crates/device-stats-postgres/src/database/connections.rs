//! The connections of a store, the time limits of its calls, and their retries.

use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT};
use device_stats_store::{SchemaError, StoreError};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::config::PostgresConfig;
use crate::database::connect::{connector, pool};
use crate::database::errors::{Failure, is_conflict, is_ended, is_lost};
use crate::database::session::{Purpose, refuse_pooled_transactions};
use crate::limits::{STORE_ANSWER_TIMEOUT, STORE_SEAL_TIMEOUT};

/// Maximum number of retries of a call after conflicts with other calls.
const CONFLICTS_MAX: u32 = 5;

/// The connections of one store. Cheap to clone; clones share them.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool,
    /// Opens the connections that cancel statements.
    tls: MakeRustlsConnect,
}

impl Connections {
    /// Creates the pool for a database, and checks that its connections can be used.
    pub(crate) async fn open(config: &PostgresConfig) -> Result<Self, SchemaError> {
        let tls = connector(config)?;
        let pool = pool(config, tls.clone(), Purpose::Serve, STORE_CONNECTIONS_MAX)?;
        refuse_pooled_transactions(&pool).await?;
        Ok(Self { pool, tls })
    }

    /// Returns a connection for the next try of a call.
    pub(crate) async fn lend(&self, tries: &Tries) -> Result<LentConnection, StoreError> {
        let client =
            if tries.has_lost_connection { self.checked_client().await? } else { self.client().await? };
        Ok(LentConnection { client: Some(client), tls: self.tls.clone() })
    }

    async fn client(&self) -> Result<Client, StoreError> {
        self.pool.get().await.map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// Returns a connection that has just answered a query. Closes each connection that does not answer.
    async fn checked_client(&self) -> Result<Client, StoreError> {
        for _ in 0..STORE_CONNECTIONS_MAX {
            let client = self.client().await?;
            match timeout(STORE_WAIT_TIMEOUT, client.simple_query("")).await {
                Ok(Ok(_)) => return Ok(client),
                Ok(Err(_)) | Err(_) => drop(Object::take(client)),
            }
        }
        Err(StoreError::Unavailable("the database closes every connection".into()))
    }
}

/// A connection that is lent to a call. If the call is dropped before its end, or exceeds its time limit, the
/// statements in progress are cancelled and the connection is closed. Otherwise they would go on for nobody,
/// and the next call on the connection would wait for their answers.
pub(crate) struct LentConnection {
    client: Option<Client>,
    tls: MakeRustlsConnect,
}

impl LentConnection {
    pub(crate) fn client(&mut self) -> Result<&mut Client, StoreError> {
        let returned = || StoreError::Broken("a connection was used after its return".into());
        self.client.as_mut().ok_or_else(returned)
    }

    /// Returns the connection to the pool, at the end of the call.
    pub(crate) fn give_back(mut self) {
        drop(self.client.take());
    }
}

impl Drop for LentConnection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let client = Object::take(client);
        let Ok(runtime) = Handle::try_current() else { return };
        let tls = self.tls.clone();
        // The connection is closed afterwards, so that the server has received the statements before.
        runtime.spawn(async move {
            let cancelled = timeout(STORE_CONNECT_TIMEOUT, client.cancel_token().cancel_query(tls)).await;
            if let Ok(Err(error)) = cancelled {
                tracing::debug!(%error, "could not cancel the statement of an abandoned call");
            }
        });
    }
}

/// Time limit of a call, and the error of a call that exceeds it. The server has limits of its own, but they
/// have no effect if the server is frozen or its answers are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    /// For a call that reads: [`STORE_ANSWER_TIMEOUT`]. After it, nothing has been done.
    Reads,
    /// For a call that writes: [`STORE_ANSWER_TIMEOUT`]. After it, the outcome is unknown.
    Writes,
    /// For a call that seals, merges, deletes readings of a device, purges a deleted device, or deletes a
    /// user with all devices: [`STORE_SEAL_TIMEOUT`]. After it, the outcome is unknown.
    Seals,
}

impl TimeLimit {
    pub(crate) fn duration(self) -> Duration {
        match self {
            Self::Reads | Self::Writes => STORE_ANSWER_TIMEOUT,
            Self::Seals => STORE_SEAL_TIMEOUT,
        }
    }

    pub(crate) fn exceeded(self) -> StoreError {
        let cause = "the database did not answer in time";
        match self {
            Self::Reads => StoreError::Unavailable(cause.into()),
            Self::Writes | Self::Seals => StoreError::OutcomeUnknown(cause.into()),
        }
    }
}

/// Makes a call of the store on one of its connections. Retries it if nothing has been done and a retry can
/// succeed. This is a macro because the compiler cannot prove that the future of a closure with borrowed
/// parameters is `Send`.
macro_rules! call {
    ($connections:expr, $limit:expr, |$client:ident| $call:expr) => {{
        let mut tries = $crate::database::connections::Tries::default();
        loop {
            let mut lent = $connections.lend(&tries).await?;
            let $client = lent.client()?;
            // After a timeout, the dropped `lent` cancels the statement and closes the connection.
            let answer = tokio::time::timeout($limit.duration(), $call).await;
            let answer = answer.map_err(|_| $limit.exceeded())?;
            lent.give_back();
            match answer {
                Ok(answer) => break Ok(answer),
                Err(failure) => tries.note($crate::database::errors::Failure::from(failure))?,
            }
        }
    }};
}
pub(crate) use call;

/// The earlier tries of a call.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    conflicts: u32,
    has_lost_connection: bool,
}

impl Tries {
    /// Notes a failed try. Returns `Ok` if the call can be retried, and otherwise the error of the call.
    pub(crate) fn note(&mut self, failure: Failure) -> Result<(), StoreError> {
        match &failure {
            Failure::Before(error) | Failure::Committing(error)
                if is_conflict(error) && self.conflicts < CONFLICTS_MAX =>
            {
                self.conflicts += 1;
                tracing::debug!(%error, "retrying a call after a conflict with another call");
                Ok(())
            }
            Failure::Before(error) if is_lost(error) && !self.has_lost_connection => {
                self.note_lost(error);
                Ok(())
            }
            Failure::Committing(error) if is_ended(error) && !self.has_lost_connection => {
                self.note_lost(error);
                Ok(())
            }
            _ => Err(failure.into()),
        }
    }

    fn note_lost(&mut self, error: &tokio_postgres::Error) {
        self.has_lost_connection = true;
        tracing::debug!(%error, "retrying a call after the loss of its connection");
    }
}
