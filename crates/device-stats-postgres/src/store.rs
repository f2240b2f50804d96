//! The store, and its opening.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_store::{Exchange, SchemaError, Store, StoreError, StoreHealth};

use crate::database::config::PostgresConfig;
use crate::database::connections::{Connections, TimeLimit, call};
use crate::database::open;
use crate::exchange::NodeExchange;

/// A store in a PostgreSQL database, which several nodes can share.
///
/// While the database is unreachable, calls fail with [`StoreError::Unavailable`]. When the database is
/// reachable again, the next call succeeds.
pub struct PostgresStore {
    pub(crate) connections: Connections,
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
        let connections = Connections::new(config)?;
        let exchange = Arc::new(NodeExchange { config: config.clone(), connections: connections.clone() });
        Ok(Self { connections, exchange, address: config.to_string() })
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
}
