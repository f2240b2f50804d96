//! Several nodes over one database, and the settings of their connections.

use device_stats_domain::{ListPage, Window};
use device_stats_postgres::testing::fresh_database;
use device_stats_store::ReadingStore;
use device_stats_store::conformance::oracle::Oracle;

use crate::{connect, device, open_at, reading};

#[tokio::test]
async fn two_stores_over_one_database_see_each_other() {
    let url = fresh_database();
    let stores = [open_at(&url).await, open_at(&url).await];
    let device = device(&stores[0], "d").await;
    for n in 0..20_usize {
        stores[n % 2].append(&[reading(device, i32::try_from(n).unwrap())]).await.unwrap();
        let seen = stores[1 - n % 2].list_readings(device, Window::ALL, ListPage::LARGEST).await.unwrap();
        assert_eq!(seen.len(), n + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_over_one_database_reserve_disjoint_ids() {
    let url = fresh_database();
    let tasks = [open_at(&url).await, open_at(&url).await].map(|store| {
        tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..50 {
                ids.extend(store.reserve_reading_ids(7).await.unwrap());
            }
            ids
        })
    });
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=700).collect::<Vec<_>>());
}

/// The settings of a connection override the settings of the database. A trigger records the settings in use.
#[tokio::test]
async fn connection_settings_override_database_settings() {
    let url = fresh_database();
    let admin = connect(&url).await;
    let name: String = admin.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    let relax = format!(
        "ALTER DATABASE {name} SET synchronous_commit = off;
         ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
    );
    admin.batch_execute(&relax).await.unwrap();
    let store = open_at(&url).await;
    let observe = "CREATE TABLE seen (name text, setting text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen SELECT s.name, s.setting FROM pg_settings s;
             RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT ON devices EXECUTE FUNCTION note()";
    admin.batch_execute(observe).await.unwrap();
    device(&store, "d").await;
    for (name, expected) in [
        ("synchronous_commit", "on"),
        ("default_transaction_isolation", "read committed"),
        ("application_name", "device-stats"),
        ("plan_cache_mode", "force_generic_plan"),
        ("statement_timeout", "30000"),
        ("lock_timeout", "5000"),
        ("idle_in_transaction_session_timeout", "10000"),
    ] {
        let row = admin.query_one("SELECT setting FROM seen WHERE name = $1", &[&name]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), expected, "{name}");
    }
}
