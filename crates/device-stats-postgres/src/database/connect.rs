//! Connections: how they are opened, and the pool that keeps them.

use std::future::poll_fn;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_WAIT_TIMEOUT};
use device_stats_store::{SchemaError, StoreError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Config, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::config::PostgresConfig;
use crate::database::encryption::EncryptionMode;
use crate::database::errors::store_error;
use crate::database::session::{Purpose, check, options};
use crate::database::tls;
use crate::limits::STORE_SILENCE_TIMEOUT;

/// Silence of the server after which a keepalive is sent.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// Time after which an unanswered keepalive is repeated.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Number of repetitions of a keepalive.
const KEEPALIVE_RETRIES: u32 = 3;

/// Maximum number of received messages that wait in memory. At the maximum, nothing is read from the
/// connection until a message has been taken.
const MESSAGES_WAITING_MAX: usize = 1_024;

/// Returns the connector of encrypted connections.
pub(crate) fn connector(config: &PostgresConfig) -> Result<MakeRustlsConnect, SchemaError> {
    tls::connector(config.encryption()).map_err(SchemaError::Unsuitable)
}

/// Creates a pool of at most `connections_max` connections. Each is opened when it is first needed.
pub(crate) fn pool(
    config: &PostgresConfig,
    tls: MakeRustlsConnect,
    purpose: Purpose,
    connections_max: usize,
) -> Result<Pool, SchemaError> {
    // The pool does not lend a connection that is known to be closed. It sends no query to check that the
    // others are alive.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(server(config, purpose), tls, recycling);
    let config = config.clone();
    let check = Hook::async_fn(move |client, _| {
        let config = config.clone();
        Box::pin(async move { check(client, &config, purpose).await })
    });
    Pool::builder(manager)
        .max_size(connections_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(STORE_WAIT_TIMEOUT))
        .create_timeout(Some(STORE_CONNECT_TIMEOUT))
        .recycle_timeout(Some(STORE_WAIT_TIMEOUT))
        .post_create(check)
        .build()
        .map_err(|error| SchemaError::Unavailable(error.into()))
}

/// Opens a connection outside the pool, with the same checks as for a connection of the pool. Returns its
/// client and its notifications. The connection ends when one of the two is dropped.
pub(crate) async fn listening(
    config: &PostgresConfig,
) -> Result<(tokio_postgres::Client, mpsc::Receiver<String>), StoreError> {
    let tls = tls::connector(config.encryption()).map_err(StoreError::Unavailable)?;
    let (client, connection) = server(config, Purpose::Serve).connect(tls).await.map_err(store_error)?;
    let messages = messages(connection);
    check(&client, config, Purpose::Serve).await.map_err(|error| match error {
        HookError::Message(cause) => StoreError::Unavailable(cause.into()),
        HookError::Backend(error) => store_error(error),
    })?;
    Ok((client, messages))
}

fn messages<S, T>(mut connection: Connection<S, T>) -> mpsc::Receiver<String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, receiver) = mpsc::channel(MESSAGES_WAITING_MAX);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && sender.send(notification.payload().to_owned()).await.is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// Returns the settings of a connection.
fn server(config: &PostgresConfig, purpose: Purpose) -> Config {
    let mut server = config.server().clone();
    let options = server.get_options().unwrap_or_default().to_owned() + &options(purpose);
    server
        .application_name("device-stats")
        .options(options)
        .ssl_mode(match config.encryption().mode {
            EncryptionMode::Disable => SslMode::Disable,
            EncryptionMode::Prefer => SslMode::Prefer,
            EncryptionMode::VerifyCa | EncryptionMode::VerifyFull => SslMode::Require,
        })
        // A replica can lack recent commits, but an analysis must contain every reading that was acknowledged
        // before it.
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(STORE_CONNECT_TIMEOUT)
        .tcp_user_timeout(STORE_SILENCE_TIMEOUT)
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES);
    server
}
