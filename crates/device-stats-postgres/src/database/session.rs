//! The settings of a session, and the checks that they are in force. A pooler between the service and the
//! database can drop the settings, or carry out the transactions of a session in several others. The service
//! refuses both: its commits must be synced, its statements need their time limits, and it prepares
//! statements.

use std::fmt::Write;
use std::time::Duration;

use deadpool_postgres::{HookError, Object, Pool, PoolError};
use device_stats_store::SchemaError;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::database::config::PostgresConfig;
use crate::database::encryption::EncryptionMode;
use crate::database::migrations::schema_error;
use crate::limits::{STORE_IDLE_TRANSACTION_TIMEOUT, STORE_LOCK_TIMEOUT, STORE_STATEMENT_TIMEOUT};

/// Number of times that two sessions are compared.
const COMPARISONS: u32 = 3;

/// Purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls of the store; each statement has a time limit.
    Serve,
    /// Migrations, which wait for each other and have no time limit.
    Migrate,
}

/// Returns the settings of a session, as `pg_settings` shows them.
fn settings(purpose: Purpose) -> Vec<(&'static str, String)> {
    let timeouts: &[(&str, Duration)] = match purpose {
        Purpose::Serve => &[
            ("statement_timeout", STORE_STATEMENT_TIMEOUT),
            ("lock_timeout", STORE_LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", STORE_IDLE_TRANSACTION_TIMEOUT),
        ],
        Purpose::Migrate => &[("statement_timeout", Duration::ZERO), ("lock_timeout", Duration::ZERO)],
    };
    let mut settings = vec![
        ("synchronous_commit", "on".to_owned()),
        // An append requires that each statement sees the commits before that statement.
        ("default_transaction_isolation", "read committed".to_owned()),
        // One plan of a statement is enough, because it uses an index for every value of its parameters.
        // Planning takes longer than a small append.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        // While a table is empty, reading all of it is the cheapest plan, and the session would keep it.
        ("enable_seqscan", "off".to_owned()),
        // A plan that must read a whole table nevertheless gets a cost above the limit at which the server
        // compiles it. That takes longer than the statement itself.
        ("jit", "off".to_owned()),
    ];
    settings.extend(timeouts.iter().map(|(name, timeout)| (*name, timeout.as_millis().to_string())));
    settings
}

/// Returns the settings as command-line options of the server. They are sent when a connection is opened, so
/// every connection has them.
pub(crate) fn options(purpose: Purpose) -> String {
    settings(purpose).into_iter().fold(String::new(), |mut options, (name, value)| {
        // Writing to a `String` cannot fail.
        let _ = write!(options, " -c {name}={}", value.replace(' ', "\\ "));
        options
    })
}

/// Checks a new connection: its settings must be in force. If the server can choose, logs whether the first
/// connection is encrypted, and each change of the choice.
pub(crate) async fn check(
    client: &Client,
    config: &PostgresConfig,
    purpose: Purpose,
) -> Result<(), HookError> {
    let expected = settings(purpose);
    let names: Vec<String> = expected.iter().map(|(name, _)| format!("'{name}'")).collect();
    // Poolers refuse prepared statements or confuse them, so this is a simple query.
    let select = format!(
        "SELECT name, setting FROM pg_settings WHERE name IN ({})
         UNION ALL SELECT 'is_encrypted', ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        names.join(", ")
    );
    let found = rows(client, &select).await.map_err(HookError::Backend)?;
    let value = |name| found.iter().find(|row| row.first().is_some_and(|first| first == name))?.get(1);
    for (name, expected) in &expected {
        let found = value(*name).map_or("missing", String::as_str);
        if found != expected {
            return Err(HookError::message(format!(
                "the setting {name} of a new connection is {found}, not {expected} as the service has asked: \
                 a pooler such as PgBouncer drops such settings, so connect the service to PostgreSQL itself"
            )));
        }
    }
    log_encryption(config, value("is_encrypted").is_some_and(|is_encrypted| is_encrypted == "true"));
    Ok(())
}

fn log_encryption(config: &PostgresConfig, is_encrypted: bool) {
    if config.encryption().mode != EncryptionMode::Prefer || !config.is_other_choice(is_encrypted) {
        return;
    }
    if is_encrypted {
        tracing::info!(
            database = %config,
            "connections to the database are encrypted, but sslmode=prefer does not verify the server"
        );
    } else if config.is_local() {
        // The commands print their results to a terminal, and nobody needs to act on this.
        tracing::debug!(database = %config, "connections to the database on this machine are not encrypted");
    } else {
        tracing::warn!(
            database = %config,
            "connections to the database are not encrypted, because the server offers no encryption: \
             the network can read and change everything. Use sslmode=verify-full, \
             or sslmode=disable if the network is trusted"
        );
    }
}

/// Refuses a pooler that gives the transactions of a session to several sessions of the server: two sessions
/// of the pool must be two sessions of the server, and stay the same.
pub(crate) async fn refuse_pooled_transactions(pool: &Pool) -> Result<(), SchemaError> {
    let (one, other) = (pool.get().await.map_err(open_error)?, pool.get().await.map_err(open_error)?);
    let process = async |client: &Client| rows(client, "SELECT pg_backend_pid()").await.map_err(schema_error);
    let first = process(&one).await?;
    for _ in 0..COMPARISONS {
        if process(&other).await? == first || process(&one).await? != first {
            let cause = "a pooler between the service and PostgreSQL gives each transaction to another session \
                         (pool_mode=transaction or statement in PgBouncer): connect the service to PostgreSQL \
                         itself";
            return Err(SchemaError::Unsuitable(cause.into()));
        }
    }
    // A pool that has made no call yet has one connection.
    drop(Object::take(other));
    Ok(())
}

/// Returns the rows of a simple query.
async fn rows(client: &Client, query: &str) -> Result<Vec<Vec<String>>, Error> {
    let messages = client.simple_query(query).await?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// Converts an error of opening a connection.
pub(crate) fn open_error(error: PoolError) -> SchemaError {
    match &error {
        PoolError::PostCreateHook(HookError::Message(cause)) => {
            SchemaError::Unsuitable(cause.clone().into_owned().into())
        }
        // PgBouncer refuses settings that it does not know.
        PoolError::Backend(refused) => match refused.as_db_error().map(DbError::message) {
            Some(message) if message.contains("startup parameter") => {
                let cause = format!(
                    "a pooler refuses the settings of the service, so connect it to PostgreSQL itself ({message})"
                );
                SchemaError::Unsuitable(cause.into())
            }
            _ => SchemaError::Unavailable(error.into()),
        },
        _ => SchemaError::Unavailable(error.into()),
    }
}
