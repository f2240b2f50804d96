//! Messages between the nodes that share a store.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::StoreError;

/// Carries messages from each node that shares a store to all of them, itself included. Delivery is not
/// guaranteed: a node misses messages while it does not listen, and all nodes miss messages while the
/// connection is lost.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// Sends messages in this order, each of at most
    /// [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX) bytes and without NUL.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::OutcomeUnknown`] and [`StoreError::Broken`]; some messages
    /// may have been sent.
    async fn send(&self, messages: &[String]) -> Result<(), StoreError>;

    /// Returns a stream of the messages sent from now on, in the order in which they are sent. It ends when
    /// the connection is lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Broken`].
    async fn listen(&self) -> Result<BoxStream<'static, String>, StoreError>;
}
