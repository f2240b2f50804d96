//! Databases that a case opens itself: more than once, or behind the back of the service.

use std::path::PathBuf;
use std::sync::Arc;

use device_stats_postgres::{PostgresConfig, PostgresStore, testing};
use device_stats_sqlite::SqliteStore;
use device_stats_store::Store;
use tempfile::TempDir;

/// Makes of each `async fn case(database: Database)` a test over each kind of database.
macro_rules! over_both_databases {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(crate::databases::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$case(crate::databases::Database::postgres()).await;
            }
        })+
    };
}
pub(crate) use over_both_databases;

/// A database; empty at first.
pub(crate) enum Database {
    /// In a file of this directory.
    Sqlite(TempDir),
    /// At this address.
    Postgres(String),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(testing::fresh_database())
    }

    /// Opens it, as a node that starts does.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(directory) => Arc::new(SqliteStore::open(&file(directory), true).unwrap()),
            Self::Postgres(url) => {
                let config = PostgresConfig::from_url(url).unwrap();
                Arc::new(PostgresStore::open(&config, true).await.unwrap())
            }
        }
    }
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("http.db")
}
