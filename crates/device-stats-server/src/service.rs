//! What the service does, whatever the transport: who may do it, how readings get their ids and times, and what an
//! analysis computes. Storing is the store's business, bytes are the transport's.

mod access;
mod analysis;
mod clock;
mod devices;
mod error;
mod histogram;
mod ingest;
mod reading_ids;
mod readings;
mod series;
mod statistics;
mod users;

use std::sync::Arc;

use device_stats_store::{Store, StoreError};

pub use access::{Action, Authorized, Principal};
pub use analysis::UserStatistics;
pub use error::ServiceError;
pub use ingest::{Ingested, Measurement};
pub use series::Bucket;

use reading_ids::ReadingIds;

/// The service over one store. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Service {
    store: Arc<dyn Store>,
    reading_ids: Arc<ReadingIds>,
}

impl Service {
    /// The service over that store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, reading_ids: Arc::default() }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Those of [`Store::ping`].
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
