//! Databases that a case opens itself: several times, or to change stored bytes without the service.

use std::path::PathBuf;
use std::sync::Arc;

use device_stats_postgres::{PostgresConfig, PostgresStore, testing};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{Piece, PieceKey, Store};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Turns each `async fn case(database: Database)` into a test over each kind of database.
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

/// A new database.
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

    /// Opens the database, like a starting node.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(directory) => Arc::new(SqliteStore::open(&file(directory), true).unwrap()),
            Self::Postgres(url) => {
                let config = PostgresConfig::from_url(url).unwrap();
                Arc::new(PostgresStore::open(&config, true).await.unwrap())
            }
        }
    }

    /// Replaces the bytes of a piece in the database, without the store.
    pub(crate) async fn replace(&self, key: PieceKey, bytes: &[u8]) {
        let PieceKey { device, segment, piece } = key;
        let replaced = match (self, piece) {
            (Self::Sqlite(directory), Piece::Head) => Connection::open(file(directory))
                .unwrap()
                .execute("UPDATE segment SET head = ?1 WHERE id = ?2", (bytes, segment.0))
                .unwrap() as u64,
            (Self::Sqlite(directory), Piece::Block(block)) => Connection::open(file(directory))
                .unwrap()
                .execute(
                    "INSERT OR REPLACE INTO segment_block (id, bytes) VALUES (?2 << 16 | ?3, ?1)",
                    (bytes, segment.0, block),
                )
                .unwrap() as u64,
            (Self::Postgres(url), Piece::Head) => {
                let update = "UPDATE segment SET head = $1 WHERE device = $2 AND id = $3";
                execute(url, update, &[&bytes, &device.0, &segment.0]).await
            }
            (Self::Postgres(url), Piece::Block(block)) => {
                let insert =
                    "INSERT INTO segment_block (bytes, device, segment, block) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (device, segment, block) DO UPDATE SET bytes = $1";
                execute(url, insert, &[&bytes, &device.0, &segment.0, &i32::try_from(block).unwrap()]).await
            }
        };
        assert_eq!(replaced, 1, "{key:?}");
    }

    /// Replaces the bytes of a piece of a derived segment in the database, without the store. A block without
    /// bytes is deleted.
    pub(crate) async fn replace_derived(&self, key: PieceKey, bytes: Option<&[u8]>) {
        let PieceKey { device, segment, piece } = key;
        let sqlite = |statement: &str, values: &[&dyn rusqlite::ToSql]| {
            let Self::Sqlite(directory) = self else { panic!("another database") };
            Connection::open(file(directory)).unwrap().execute(statement, values).unwrap() as u64
        };
        let replaced = match (self, piece, bytes) {
            (Self::Sqlite(_), Piece::Head, bytes) => sqlite(
                "UPDATE derived_segment SET head = ?1 WHERE segment = ?2",
                &[&bytes.unwrap(), &segment.0],
            ),
            (Self::Sqlite(_), Piece::Block(block), Some(bytes)) => sqlite(
                "UPDATE derived_block SET bytes = ?1 WHERE id = ?2 << 16 | ?3",
                &[&bytes, &segment.0, &block],
            ),
            (Self::Sqlite(_), Piece::Block(block), None) => {
                sqlite("DELETE FROM derived_block WHERE id = ?1 << 16 | ?2", &[&segment.0, &block])
            }
            (Self::Postgres(url), Piece::Head, bytes) => {
                let update = "UPDATE derived_segment SET head = $1 WHERE device = $2 AND segment = $3";
                execute(url, update, &[&bytes.unwrap(), &device.0, &segment.0]).await
            }
            (Self::Postgres(url), Piece::Block(block), Some(bytes)) => {
                let update =
                    "UPDATE derived_block SET bytes = $4 WHERE device = $1 AND segment = $2 AND block = $3";
                let block = i32::try_from(block).unwrap();
                execute(url, update, &[&device.0, &segment.0, &block, &bytes]).await
            }
            (Self::Postgres(url), Piece::Block(block), None) => {
                let delete = "DELETE FROM derived_block WHERE device = $1 AND segment = $2 AND block = $3";
                execute(url, delete, &[&device.0, &segment.0, &i32::try_from(block).unwrap()]).await
            }
        };
        assert_eq!(replaced, 1, "{key:?}");
    }

    /// Deletes all derived segments in the database, without the store. Returns their number.
    pub(crate) async fn delete_derived(&self) -> u64 {
        let delete = "DELETE FROM derived_segment";
        match self {
            Self::Sqlite(directory) => {
                Connection::open(file(directory)).unwrap().execute(delete, []).unwrap() as u64
            }
            Self::Postgres(url) => execute(url, delete, &[]).await,
        }
    }

    /// Deletes a block in the database, without the store.
    pub(crate) async fn delete_block(&self, key: PieceKey) {
        let PieceKey { device, segment, piece: Piece::Block(block) } = key else { panic!("{key:?}") };
        let deleted = match self {
            Self::Sqlite(directory) => Connection::open(file(directory))
                .unwrap()
                .execute("DELETE FROM segment_block WHERE id = ?1 << 16 | ?2", (segment.0, block))
                .unwrap() as u64,
            Self::Postgres(url) => {
                let delete = "DELETE FROM segment_block WHERE device = $1 AND segment = $2 AND block = $3";
                execute(url, delete, &[&device.0, &segment.0, &i32::try_from(block).unwrap()]).await
            }
        };
        assert_eq!(deleted, 1, "{key:?}");
    }
}

/// Executes a statement on its own connection. Returns the number of changed rows.
async fn execute(url: &str, statement: &str, values: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> u64 {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let changed = client.execute(statement, values).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    changed
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("http.db")
}
