//! Opening and migrating: what is applied, by how many, and what is refused.

use device_stats_postgres::testing::fresh_database;
use device_stats_postgres::{PostgresStore, migrate};
use device_stats_store::SchemaError;
use tokio::task::JoinSet;

use crate::{config, connect};

const ALL: [&str; 2] = ["V1__users_devices_readings", "V2__segments"];

/// Asserts that every way to open the database is refused with that variant.
macro_rules! assert_refused {
    ($url:expr, $variant:pat) => {
        for migrate in [true, false] {
            let answer = PostgresStore::open(&config($url), migrate).await;
            assert!(matches!(answer, Err($variant)), "{answer:?}");
        }
        let answer = migrate(&config($url)).await;
        assert!(matches!(answer, Err($variant)), "{answer:?}");
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_callers_apply_each_migration_once() {
    let url = fresh_database();
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        let config = config(&url);
        callers.spawn(async move { migrate(&config).await.unwrap() });
    }
    let applied: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(applied, ALL);
    assert_eq!(migrate(&config(&url)).await.unwrap(), [""; 0]);
    PostgresStore::open(&config(&url), false).await.unwrap();
}

#[tokio::test]
async fn an_older_database_is_refused_where_nothing_may_be_applied() {
    let url = fresh_database();
    let answer = PostgresStore::open(&config(&url), false).await;
    assert!(matches!(answer, Err(SchemaError::Older { found: 0, known: 2 })), "{answer:?}");
    assert_eq!(migrate(&config(&url)).await.unwrap(), ALL);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let url = fresh_database();
    migrate(&config(&url)).await.unwrap();
    let later = "INSERT INTO refinery_schema_history VALUES (7, 'later', '2030-01-01T00:00:00Z', '1')";
    connect(&url).await.batch_execute(later).await.unwrap();
    assert_refused!(&url, SchemaError::Newer { found: 7, known: 2 });
}

#[tokio::test]
async fn a_database_that_was_migrated_otherwise_is_refused() {
    let url = fresh_database();
    migrate(&config(&url)).await.unwrap();
    connect(&url).await.batch_execute("UPDATE refinery_schema_history SET checksum = '1'").await.unwrap();
    assert_refused!(&url, SchemaError::Divergent(_));
}

#[tokio::test]
async fn a_database_of_something_else_is_refused() {
    let url = fresh_database();
    let admin = connect(&url).await;
    admin.batch_execute("CREATE TABLE stats (id integer)").await.unwrap();
    assert_refused!(&url, SchemaError::Foreign(_));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(admin.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_migration_that_fails_is_rolled_back() {
    let url = fresh_database();
    let admin = connect(&url).await;
    let obstacle = "CREATE TABLE refinery_schema_history
            (version int4 PRIMARY KEY, name text, applied_on text, checksum text);
        CREATE TABLE id_block (id integer)";
    admin.batch_execute(obstacle).await.unwrap();
    for _ in 0..2 {
        let answer = migrate(&config(&url)).await;
        assert!(matches!(answer, Err(SchemaError::Failed(_))), "{answer:?}");
    }
    assert!(admin.query("SELECT 1 FROM pg_tables WHERE tablename = 'users'", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    assert_refused!("postgres://ann@127.0.0.1:1/stats", SchemaError::Unavailable(_));
}
