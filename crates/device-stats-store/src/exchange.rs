//! Messages between the nodes that share a store.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::StoreError;

/// Most bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = 7_900;

/// Carries messages from each node that shares a store to all of them, itself included. Nothing is promised: who does not
/// listen does not get them, and while a connection is lost, nobody does.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// Sends messages, each of at most [`MESSAGE_BYTES_MAX`] bytes and without NUL, in this order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::OutcomeUnknown`] and [`StoreError::Broken`]; some may have been sent.
    async fn send(&self, messages: &[String]) -> Result<(), StoreError>;

    /// What is sent from now on, in the order in which it is. The stream ends when the connection is lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Broken`].
    async fn listen(&self) -> Result<BoxStream<'static, String>, StoreError>;
}
