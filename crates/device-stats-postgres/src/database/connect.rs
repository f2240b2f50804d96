//! Connections: their settings, and the pool that keeps them.

use std::fmt::Write;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_WAIT_TIMEOUT};
use device_stats_store::{Cause, SchemaError, StoreError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::config::PostgresConfig;
use crate::database::errors::store_error;
use crate::limits::{
    STORE_IDLE_TRANSACTION_TIMEOUT, STORE_LOCK_TIMEOUT, STORE_SILENCE_TIMEOUT, STORE_STATEMENT_TIMEOUT,
};

/// Silence of the server after which a keepalive is sent.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// Time after which an unanswered keepalive is repeated.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Number of repetitions of a keepalive.
const KEEPALIVE_RETRIES: u32 = 3;

/// Maximum number of received messages that wait in memory. At the maximum, nothing is read from the
/// connection until a message has been taken.
const MESSAGES_WAITING_MAX: usize = 1_024;

/// Purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls of the store; each statement has a time limit.
    Serve,
    /// Migrations, which wait for each other and have no time limit.
    Migrate,
}

/// Creates a pool of at most `connections_max` connections. Each is opened when it is first needed.
pub(crate) fn pool(
    config: &PostgresConfig,
    purpose: Purpose,
    connections_max: usize,
) -> Result<Pool, SchemaError> {
    let server = server(config, purpose);
    // The pool does not lend a connection that is known to be closed. It sends no query to check that the
    // others are alive.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if config.is_encrypted() {
        let tls = MakeRustlsConnect::new(tls(config).map_err(SchemaError::Unavailable)?);
        Manager::from_config(server, tls, recycling)
    } else {
        Manager::from_config(server, NoTls, recycling)
    };
    Pool::builder(manager)
        .max_size(connections_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(STORE_WAIT_TIMEOUT))
        .create_timeout(Some(STORE_CONNECT_TIMEOUT))
        .recycle_timeout(Some(STORE_WAIT_TIMEOUT))
        .build()
        .map_err(|error| SchemaError::Unavailable(error.into()))
}

/// Opens a connection outside the pool. Returns its client and its notifications. The connection ends when
/// one of the two is dropped.
pub(crate) async fn listening(
    config: &PostgresConfig,
) -> Result<(tokio_postgres::Client, mpsc::Receiver<String>), StoreError> {
    let server = server(config, Purpose::Serve);
    if config.is_encrypted() {
        let tls = MakeRustlsConnect::new(tls(config).map_err(StoreError::Unavailable)?);
        let (client, connection) = server.connect(tls).await.map_err(store_error)?;
        Ok((client, messages(connection)))
    } else {
        let (client, connection) = server.connect(NoTls).await.map_err(store_error)?;
        Ok((client, messages(connection)))
    }
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

/// Returns the settings of a connection. They are sent when the connection is opened, so every connection has
/// them.
fn server(config: &PostgresConfig, purpose: Purpose) -> Config {
    let mut server = config.server().clone();
    let mut options = server.get_options().map_or_else(String::new, |options| format!("{options} "));
    // An append requires that each statement sees the commits before that statement.
    options += "-c synchronous_commit=on -c default_transaction_isolation=read\\ committed";
    let timeouts: &[(&str, Duration)] = match purpose {
        Purpose::Serve => &[
            ("statement_timeout", STORE_STATEMENT_TIMEOUT),
            ("lock_timeout", STORE_LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", STORE_IDLE_TRANSACTION_TIMEOUT),
        ],
        Purpose::Migrate => &[("statement_timeout", Duration::ZERO), ("lock_timeout", Duration::ZERO)],
    };
    // One plan of a statement is enough, because it uses an index for every value of its parameters. Planning
    // takes longer than a small append.
    options += " -c plan_cache_mode=force_generic_plan";
    for (name, timeout) in timeouts {
        // Writing to a `String` cannot fail.
        let _ = write!(options, " -c {name}={}ms", timeout.as_millis());
    }
    server
        .application_name("device-stats")
        .options(options)
        .ssl_mode(if config.is_encrypted() { SslMode::Require } else { SslMode::Disable })
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

/// Configures encryption to a server whose certificate is trusted and names the host.
fn tls(config: &PostgresConfig) -> Result<ClientConfig, Cause> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = config.ca_file() {
        for certificate in CertificateDer::pem_file_iter(path)? {
            roots.add(certificate?)?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err("there are no trusted root certificates".into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
}
