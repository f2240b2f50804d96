//! Opening and migrating: applied migrations, concurrent callers, and refused databases.

use device_stats_domain::{DeviceId, DeviceKey};
use device_stats_postgres::testing::fresh_database;
use device_stats_postgres::{PostgresStore, migrate};
use device_stats_store::{
    AccountStore, Appended, ReadingStore, Replaced, SchemaError, SegmentStore, Visibility,
};
use refinery::Target;
use tokio::task::JoinSet;

use crate::{config, connect, open_at, reading, row, sealed_rows, times, until_found};

mod embedded {
    refinery::embed_migrations!("migrations");
}

const ALL: [&str; 13] = [
    "V1__users_devices_readings",
    "V2__segments",
    "V3__keyed_requests",
    "V4__append_locks_devices",
    "V5__created_at",
    "V6__conflicts",
    "V7__derived_segments",
    "V8__deleted_devices",
    "V9__id_reservations",
    "V10__autovacuum",
    "V11__tokens",
    "V12__audit",
    "V13__arrivals",
];

/// Asserts that every way to open the database is refused with this variant.
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

/// Readings of the first version are unchanged, and can be sealed and repeated.
#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_readings() {
    let url = fresh_database();
    let mut admin = connect(&url).await;
    let first = embedded::migrations::runner().set_target(Target::Version(1));
    first.run_async(&mut admin).await.unwrap();
    let readings = "INSERT INTO devices (device_id) VALUES ('d');
        INSERT INTO reading SELECT 1, n, n, n, 0.5, -1 FROM generate_series(1, 100) AS n";
    admin.batch_execute(readings).await.unwrap();
    let answer = PostgresStore::open(&config(&url), false).await;
    assert!(matches!(answer, Err(SchemaError::Older { found: 1, known: 13 })), "{answer:?}");
    let store = open_at(&url).await;
    let old =
        store.find_devices(Visibility::All, &[DeviceId::new("d").unwrap()]).await.unwrap().remove(0).unwrap();
    assert_eq!(old.created_at, None);
    let (device, expected) = (DeviceKey(1), (1..=100).map(row).collect::<Vec<_>>());
    let hot = store.list_hot_readings(device, 1_000).await.unwrap();
    assert_eq!(hot, expected);
    assert!(matches!(store.seal(device, &sealed_rows(&hot)).await.unwrap(), Replaced::Done(_)));
    assert_eq!(store.append(&[reading(device, 50)]).await.unwrap(), [Appended::Repeat]);
    assert_eq!(times(&store, device).await, (1..=100).collect::<Vec<_>>());
}

/// A node searched for the history of migrations first, and for tables afterwards. If another node created
/// its tables in between, the first node mistook them for tables of another program.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_being_migrated_is_never_foreign() {
    for _ in 0..10 {
        let url = fresh_database();
        let mut callers = JoinSet::new();
        for _ in 0..4 {
            let config = config(&url);
            callers.spawn(async move {
                loop {
                    match PostgresStore::open(&config, false).await {
                        Ok(_) => return,
                        Err(SchemaError::Older { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            });
        }
        migrate(&config(&url)).await.unwrap();
        callers.join_all().await;
    }
}

#[tokio::test]
async fn an_older_database_is_refused_without_migrating() {
    let url = fresh_database();
    let answer = PostgresStore::open(&config(&url), false).await;
    assert!(matches!(answer, Err(SchemaError::Older { found: 0, known: 13 })), "{answer:?}");
    assert_eq!(migrate(&config(&url)).await.unwrap(), ALL);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let url = fresh_database();
    migrate(&config(&url)).await.unwrap();
    let later = "INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    connect(&url).await.batch_execute(later).await.unwrap();
    assert_refused!(&url, SchemaError::Newer { found: 99, known: 13 });
}

#[tokio::test]
async fn a_database_with_other_migrations_is_refused() {
    let url = fresh_database();
    migrate(&config(&url)).await.unwrap();
    connect(&url).await.batch_execute("UPDATE refinery_schema_history SET checksum = '1'").await.unwrap();
    assert_refused!(&url, SchemaError::Divergent(_));
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
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
async fn an_unreachable_server_is_unavailable() {
    assert_refused!("postgres://ann@127.0.0.1:1/stats", SchemaError::Unavailable(_));
}

/// A migration waited for the lock of a table without a limit. All statements of other nodes on this table
/// waited behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_block_others_while_it_waits_for_a_lock() {
    const WAITING: &str = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'device-stats'";
    let url = fresh_database();
    let (mut holder, other) = (connect(&url).await, connect(&url).await);
    let first = embedded::migrations::runner().set_target(Target::Version(1));
    first.run_async(&mut holder).await.unwrap();
    let long = holder.transaction().await.unwrap();
    long.execute("SELECT FROM reading", &[]).await.unwrap();
    let config = config(&url);
    let migration = tokio::spawn(async move { migrate(&config).await });
    until_found(&other, 1, WAITING, &[]).await;
    // The migration still has to wait, and this statement is answered.
    other.execute("SELECT FROM reading", &[]).await.unwrap();
    until_found(&other, 0, WAITING, &[]).await;
    assert!(!migration.is_finished());
    long.commit().await.unwrap();
    assert_eq!(migration.await.unwrap().unwrap(), ALL[1..]);
}

/// By default, the server vacuums a long table only after changes to a fifth of its rows. Nothing failed when
/// the settings against this were missing.
#[tokio::test]
async fn tables_with_many_changes_are_vacuumed_early() {
    const SETTINGS: &str = "SELECT format('%s: %s; toast: %s', main.relname,
            array_to_string(main.reloptions, ' '), array_to_string(toast.reloptions, ' '))
        FROM pg_class AS main LEFT JOIN pg_class AS toast ON toast.oid = main.reltoastrelid
        WHERE main.relnamespace = 'public'::regnamespace AND main.reloptions IS NOT NULL
        ORDER BY main.relname";
    const QUEUE: &str = "autovacuum_vacuum_threshold=20000 autovacuum_vacuum_scale_factor=0.02";
    const QUEUE_STATISTICS: &str = "autovacuum_analyze_threshold=20000 autovacuum_analyze_scale_factor=0.02";
    const SEGMENTS: &str = "autovacuum_vacuum_scale_factor=0.05; toast: autovacuum_vacuum_scale_factor=0.05";
    let url = fresh_database();
    migrate(&config(&url)).await.unwrap();
    let rows = connect(&url).await.query(SETTINGS, &[]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let expected = [
        format!("arrival: fillfactor=50 {QUEUE}; toast: "),
        format!("derived_block: {SEGMENTS}"),
        format!("derived_segment: {SEGMENTS}"),
        format!("keyed_request: {QUEUE} {QUEUE_STATISTICS}; toast: "),
        format!("reading: {QUEUE} autovacuum_vacuum_cost_delay=0 {QUEUE_STATISTICS}; toast: "),
        format!("segment: {SEGMENTS}"),
        format!("segment_block: {SEGMENTS}"),
    ];
    assert_eq!(found, expected);
}
