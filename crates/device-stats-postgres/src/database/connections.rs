//! The connections of a store, and which calls are made again on another one. What a caller does with a connection is
//! the matter of the other modules.

use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use device_stats_domain::limits::{
    STORE_ANSWER_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_SEAL_TIMEOUT, STORE_WAIT_TIMEOUT,
};
use device_stats_store::{SchemaError, StoreError};
use tokio::time::timeout;

use crate::database::config::PostgresConfig;
use crate::database::connect::{Purpose, pool};
use crate::database::errors::{Failure, is_conflict, is_ended, is_lost};

/// How often a call is made again that lost against another one.
const CONFLICTS_MAX: u32 = 5;

/// The connections of one store. Cheap to clone; clones share them.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool,
}

impl Connections {
    /// Connections to a database; each is opened when it is first needed.
    pub(crate) fn to(config: &PostgresConfig) -> Result<Self, SchemaError> {
        Ok(Self { pool: pool(config, Purpose::Serve, STORE_CONNECTIONS_MAX)? })
    }

    /// A connection for the next try of a call.
    pub(crate) async fn lend(&self, tries: &Tries) -> Result<Lent, StoreError> {
        let client = if tries.has_lost { self.living().await? } else { self.client().await? };
        Ok(Lent { client: Some(client) })
    }

    async fn client(&self) -> Result<Client, StoreError> {
        self.pool.get().await.map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// A connection that has just given a sign of life; those that give none are closed.
    async fn living(&self) -> Result<Client, StoreError> {
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

/// A connection that is lent to a call. Where the call is given up before its end, its statements may still run, and
/// their answers would keep the next call waiting; so the connection is closed then.
pub(crate) struct Lent {
    client: Option<Client>,
}

impl Lent {
    pub(crate) fn client(&mut self) -> Result<&mut Client, StoreError> {
        let returned = || StoreError::Broken("a connection was used after it was given back".into());
        self.client.as_mut().ok_or_else(returned)
    }

    /// Gives the connection back: the call has come to its end.
    pub(crate) fn give_back(mut self) {
        drop(self.client.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

/// How long a call may take, and what it means that it takes longer. The server has limits of its own, but one that is
/// frozen, or whose answers are lost on the way, keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// It only reads, and may take [`STORE_ANSWER_TIMEOUT`].
    Reads,
    /// As long; it writes, so nobody knows then whether it has.
    Writes,
    /// It seals or merges, and may take [`STORE_SEAL_TIMEOUT`].
    Seals,
    /// It deletes what may be millions of readings, and takes as long as it takes.
    None,
}

impl Limit {
    pub(crate) fn duration(self) -> Duration {
        match self {
            Self::Reads | Self::Writes => STORE_ANSWER_TIMEOUT,
            Self::Seals => STORE_SEAL_TIMEOUT,
            Self::None => Duration::MAX,
        }
    }

    pub(crate) fn exceeded(self) -> StoreError {
        let words = "the database gave no answer in time";
        match self {
            Self::Reads => StoreError::Unavailable(words.into()),
            Self::Writes | Self::Seals | Self::None => StoreError::OutcomeUnknown(words.into()),
        }
    }
}

/// Makes a call of the store on one of its connections, and again where it is sure that nothing was done and the next
/// time may be better. A macro, since the futures of a closure that borrows its parameters cannot be known as `Send`.
macro_rules! call {
    ($connections:expr, $limit:expr, |$client:ident| $call:expr) => {{
        let mut tries = $crate::database::connections::Tries::default();
        loop {
            let mut lent = $connections.lend(&tries).await?;
            let $client = lent.client()?;
            // Where it takes too long, the connection is closed with what was lent.
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

/// How often a call was made already.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    conflicts: u32,
    has_lost: bool,
}

impl Tries {
    /// Returns where the call may be made again.
    pub(crate) fn note(&mut self, failure: Failure) -> Result<(), StoreError> {
        match &failure {
            Failure::Before(error) | Failure::Committing(error)
                if is_conflict(error) && self.conflicts < CONFLICTS_MAX =>
            {
                self.conflicts += 1;
                tracing::debug!(%error, "a call lost against another one and is made again");
                Ok(())
            }
            Failure::Before(error) if is_lost(error) && !self.has_lost => {
                self.note_lost(error);
                Ok(())
            }
            Failure::Committing(error) if is_ended(error) && !self.has_lost => {
                self.note_lost(error);
                Ok(())
            }
            _ => Err(failure.into()),
        }
    }

    fn note_lost(&mut self, error: &tokio_postgres::Error) {
        self.has_lost = true;
        tracing::debug!(%error, "a call lost its connection and is made again");
    }
}
