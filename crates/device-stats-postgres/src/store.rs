//! The store, and its opening.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_store::{Exchange, SchemaError, Store, StoreError, StoreFigures, StoreHealth};

use crate::database::config::PostgresConfig;
use crate::database::connections::{Connections, TimeLimit, call};
use crate::database::open;
use crate::exchange::NodeExchange;
use crate::figures::figures;
use crate::readings::keyed::ReceiptClock;
use crate::readings::locked_devices::LockWait;
use crate::readings::reservations::Reservations;

/// A store in a PostgreSQL database, which several nodes can share.
///
/// While the database is unreachable, calls fail with [`StoreError::Unavailable`]. When the database is
/// reachable again, the next call succeeds.
pub struct PostgresStore {
    pub(crate) connections: Connections,
    pub(crate) reservations: Reservations,
    pub(crate) receipt_clock: ReceiptClock,
    /// Time for which an append waits for locks at first.
    pub(crate) first_wait: LockWait,
    exchange: Arc<NodeExchange>,
    /// Address without the password.
    address: String,
}

impl PostgresStore {
    /// Opens the database. With `migrate` it migrates the schema, as [`migrate`](crate::migrate()) does.
    /// Without `migrate` the database must have the current schema.
    ///
    /// # Errors
    /// Every [`SchemaError`]; [`SchemaError::Older`] only without `migrate`, [`SchemaError::Failed`] only
    /// with it.
    pub async fn open(config: &PostgresConfig, migrate: bool) -> Result<Self, SchemaError> {
        if migrate {
            for name in open::migrate(config).await? {
                tracing::info!(name, "applied a migration");
            }
        } else {
            open::require(config).await?;
        }
        let connections = Connections::open(config).await?;
        let exchange = Arc::new(NodeExchange { config: config.clone(), connections: connections.clone() });
        Ok(Self {
            connections,
            reservations: Reservations::default(),
            receipt_clock: ReceiptClock::default(),
            first_wait: LockWait::Short,
            exchange,
            address: config.to_string(),
        })
    }

    /// Lets receipts expire by the times of the callers instead of the clock of the database, for tests with
    /// times of their own.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock_of_callers(self) -> Self {
        Self { receipt_clock: ReceiptClock::Caller, ..self }
    }

    /// Lets appends wait for locked devices as long as other calls do. This is for tests that append to
    /// devices during their deletion, and that do not try again.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_patient_appends(self) -> Self {
        Self { first_wait: LockWait::Long, ..self }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.address).finish()
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        Some(Arc::clone(&self.exchange) as Arc<dyn Exchange>)
    }

    async fn ping(&self) -> Result<StoreHealth, StoreError> {
        let answer: Result<(), StoreError> =
            call!(self.connections, TimeLimit::Reads, |client| client.batch_execute("SELECT 1"));
        answer.map(|()| StoreHealth::default())
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| figures(client))
    }
}
