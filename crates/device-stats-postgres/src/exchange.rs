//! Messages between the nodes that share a database and a schema, by PostgreSQL's `NOTIFY`.
//!
//! The messages are sent outside the transactions that append readings, because transactions with `NOTIFY`
//! commit one after the other.

use async_trait::async_trait;
use device_stats_store::{Exchange, StoreError};
use futures_util::stream::{BoxStream, unfold};
use futures_util::{FutureExt, StreamExt};

use crate::database::columns::column;
use crate::database::config::PostgresConfig;
use crate::database::connect::listening;
use crate::database::connections::{Connections, TimeLimit, call};
use crate::database::errors::{Failure, store_error};

/// Channel between the nodes of one database and schema.
pub(crate) struct NodeExchange {
    pub(crate) config: PostgresConfig,
    pub(crate) connections: Connections,
}

#[async_trait]
impl Exchange for NodeExchange {
    async fn send(&self, messages: &[String]) -> Result<(), StoreError> {
        let notify = "SELECT pg_notify('device_stats_' || md5(current_schema()), message) FROM unnest($1::text[]) AS message";
        call!(self.connections, TimeLimit::Writes, |client| async {
            let notify = client.prepare_cached(notify).await?;
            client.execute(&notify, &[&messages]).await.map_err(Failure::Committing)?;
            Ok::<_, Failure>(())
        }
        .boxed())
    }

    async fn listen(&self) -> Result<BoxStream<'static, String>, StoreError> {
        let (client, messages) = listening(&self.config).await?;
        let channel = "SELECT 'device_stats_' || md5(current_schema())";
        let channel: String = column(&client.query_one(channel, &[]).await.map_err(store_error)?, 0)?;
        client.batch_execute(&format!("LISTEN {channel}")).await.map_err(store_error)?;
        // The stream holds the client, because the connection ends when the client is dropped.
        let next = async |(client, mut messages): (_, tokio::sync::mpsc::Receiver<String>)| {
            messages.recv().await.map(|message| (message, (client, messages)))
        };
        Ok(unfold((client, messages), next).boxed())
    }
}
