//! `device-stats serve`: runs the server until SIGTERM or SIGINT.
//!
//! A stop has these steps: `/health/ready` answers 503; new connections are still accepted for
//! [`STOP_DELAY`]; the accepted requests are answered; sealing ends; blocking calls end. Each step has a time
//! limit.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use device_stats_domain::error_chain;
use device_stats_http::{AllowedHosts, Dashboard, ListenerSettings, Tls, TrustedProxies};
use device_stats_service::limits::{BACKGROUND_STOP_TIMEOUT, RESTORE_CHECK_INTERVAL, SHUTDOWN_TIMEOUT};
use device_stats_service::{AuthMode, BackgroundTokenUses, Service, ServiceSettings};
use device_stats_store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::EXIT_TIMEOUT;
use super::stop_signal::{StopSignal, StopSignals};
use crate::limits::STOP_DELAY;
use crate::settings::{Entry, Settings, Source};
use crate::{database, logging};

/// Problem of an address to listen on.
const UNKNOWN_HOST: &str = "the host name cannot be found";
/// Time after which `docker stop` kills a container.
const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

const _: () = assert!(
    STOP_DELAY.as_millis()
        + SHUTDOWN_TIMEOUT.as_millis()
        + BACKGROUND_STOP_TIMEOUT.as_millis()
        + EXIT_TIMEOUT.as_millis()
        < DOCKER_STOP_TIMEOUT.as_millis(),
    "the steps of a stop together take less time than a container has"
);

/// Serves until SIGTERM or SIGINT, then answers the accepted requests. A second signal ends the process at
/// once. The server listens before it opens the database, which can take a while: PostgreSQL may be starting,
/// or the journal of hot readings may be long. In the meantime, only `/health/live` succeeds.
///
/// # Errors
/// If the certificate, its key or the database cannot be used, or the address is in use.
pub(super) async fn serve(settings: &Settings, entries: &[Entry]) -> anyhow::Result<()> {
    logging::log_panics();
    // This comes first, because process 1 of a container ignores signals that have no handler.
    let mut signals = StopSignals::catch()?;
    let tls = settings.tls.clone().map(Tls::load).transpose()?;
    let listener = listen(settings).await?;
    let address = listener.local_addr().context("the address of the listener is unknown")?;
    tracing::info!(at = %address, database = %settings.database, "opening the database");
    let auth = choose_auth(settings, address);
    let settings = &with_hosts(settings.clone(), auth);
    let (opened, opening) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let mut server = tokio::spawn(answer(listener, opening, listener_settings(settings, auth, tls), stopped));
    let (service, token_uses) = tokio::select! {
        opened_service = open_service(settings, entries, auth) => opened_service?,
        signal = signals.next() => {
            tracing::info!(%signal, "stopping");
            return Ok(());
        }
    };
    let _relay = service.join_other_nodes();
    let _restores = service.recognize_restores_in_background(RESTORE_CHECK_INTERVAL);
    let _load = service.measure_load_in_background();
    let sealing = service.seal_in_background(settings.seal_after);
    let purging = service.purge_in_background();
    let audit = service.keep_audit_in_background(settings.audit_kept_for);
    let arrivals = service.write_arrivals_in_background();
    // The other ends of the channels are dropped only if the server has panicked, which is reported below.
    let _panicked = opened.send(service.clone());
    tracing::info!(
        %address,
        auth = auth.name(),
        encrypted = settings.tls.is_some(),
        database = %settings.database,
        "listening"
    );
    let signal = tokio::select! {
        signal = signals.next() => signal,
        ended = &mut server => {
            ended.context("the server panicked")?;
            anyhow::bail!("the server ended without a signal");
        }
    };
    tracing::info!(%signal, "stopping");
    service.begin_stop();
    sealing.begin_stop();
    purging.begin_stop();
    tokio::spawn(end_at_next(signals));
    // A load balancer that checks the service needs some time to notice; a person at a terminal does not.
    if signal == StopSignal::Terminate {
        tokio::time::sleep(STOP_DELAY).await;
    }
    let _panicked = stop.send(());
    server.await.context("the server panicked")?;
    let notes = async {
        // A database that does not answer must not hold up the end.
        let written = async { tokio::join!(token_uses.stop(), audit.stop(), arrivals.stop()) };
        if tokio::time::timeout(BACKGROUND_STOP_TIMEOUT, written).await.is_err() {
            tracing::warn!(
                "the last refused requests, uses of tokens and arrivals were not written, the database is too slow"
            );
        }
    };
    tokio::join!(service.end_demonstration(), sealing.stop(), purging.stop(), notes);
    tracing::info!("stopped");
    Ok(())
}

/// Opens the database, creates the service over it, and writes the start to the audit log. Each step can wait
/// long for the database, so the caller also waits for signals, and drops the future at the first one.
async fn open_service(
    settings: &Settings,
    entries: &[Entry],
    auth: AuthMode,
) -> anyhow::Result<(Service, BackgroundTokenUses)> {
    let store = database::open(settings).await?;
    let service = create_service(store, settings, auth)?;
    let token_uses = prepare_tokens(&service, settings).await?;
    note_start(&service, entries).await;
    Ok((service, token_uses))
}

async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(&settings.listen)
        .await
        .map_err(|error| if error.raw_os_error().is_some() { error } else { io::Error::other(UNKNOWN_HOST) })
        .with_context(|| format!("cannot listen on {}", settings.listen))
}

/// Returns whether clients need a token. Without the setting, they need one unless only programs on this
/// machine can connect, and none of them is a proxy for others. Warns if others may do everything.
fn choose_auth(settings: &Settings, address: SocketAddr) -> AuthMode {
    let is_private =
        address.ip().to_canonical().is_loopback() && settings.proxies == TrustedProxies::default();
    let auth = settings.auth.unwrap_or(if is_private { AuthMode::Open } else { AuthMode::Token });
    if auth == AuthMode::Open && !is_private {
        tracing::warn!(
            listener = %address,
            "everybody who can connect to this address may read, change and delete all data, because of --auth open"
        );
    }
    auth
}

/// Allows all host names if clients need a token, because a web page of another site has none, unless the
/// operator has named the hosts. Warns if any web page may do everything.
fn with_hosts(mut settings: Settings, auth: AuthMode) -> Settings {
    match auth {
        AuthMode::Token if settings.are_hosts_named => {}
        AuthMode::Token => settings.access.hosts = AllowedHosts::any(),
        AuthMode::Open if settings.access.hosts.are_all_allowed() => tracing::warn!(
            "every host name is allowed, so any web page may read and change data; name the hosts in --allowed-host"
        ),
        AuthMode::Open => {}
    }
    settings
}

/// Accepts the token of `--admin-token-file`, and starts to note the last uses of tokens. Says how to create
/// a token if clients need one and there is none.
async fn prepare_tokens(service: &Service, settings: &Settings) -> anyhow::Result<BackgroundTokenUses> {
    if let Some(token) = &settings.admin_token {
        service.accept_admin_token_file(token).await.context("cannot use the token of --admin-token-file")?;
    }
    if service.auth() == AuthMode::Token && !service.has_tokens().await? {
        tracing::warn!(
            "clients need a token, and there is none; create one with `device-stats token create --admin`"
        );
    }
    Ok(service.note_token_uses_in_background())
}

/// Writes the start to the audit log. The service also starts if this is not possible, for example because
/// the disk is full.
async fn note_start(service: &Service, entries: &[Entry]) {
    let changed = entries.iter().filter(|entry| entry.source != Source::Default);
    let mut settings: BTreeMap<_, _> =
        changed.map(|entry| (entry.name.to_owned(), entry.value.clone())).collect();
    settings.insert("auth".to_owned(), service.auth().name().to_owned());
    if let Err(error) = service.note_start(env!("CARGO_PKG_VERSION"), settings).await {
        let causes = error_chain(&error);
        tracing::warn!(causes, "writing the start to the audit log failed");
    }
}

fn create_service(store: Arc<dyn Store>, settings: &Settings, auth: AuthMode) -> anyhow::Result<Service> {
    let settings = ServiceSettings {
        cache_bytes_max: settings.cache_bytes_max,
        receipts_kept_for: settings.keys_kept_for,
        queries: settings.queries,
        hot_readings_max: settings.hot_readings_max,
        auth,
        rates: settings.rates.settings(auth),
        devices_per_user_max: settings.devices_per_user_max,
        overload_wait_max: settings.overload_wait_max,
    };
    Service::new(store, settings).context("cannot start threads")
}

fn listener_settings(settings: &Settings, auth: AuthMode, tls: Option<Tls>) -> ListenerSettings {
    let Settings { proxies, access, hsts_max_age, address_limits, .. } = settings;
    ListenerSettings {
        proxies: proxies.clone(),
        access: access.clone(),
        dashboard: Dashboard::new(device_stats_dashboard::files()),
        tls,
        hsts_max_age: *hsts_max_age,
        connections_per_address_max: address_limits.connections_max(auth),
        open_requests_per_address_max: address_limits.open_requests_max(auth),
    }
}

/// Answers requests until `stopped`. Uses the service as soon as the database is open.
async fn answer(
    listener: TcpListener,
    opening: oneshot::Receiver<Service>,
    settings: ListenerSettings,
    stopped: oneshot::Receiver<()>,
) {
    let service = async {
        match opening.await {
            Ok(service) => service,
            // The database could not be opened, so the process is ending.
            Err(_) => std::future::pending().await,
        }
    };
    let stopped = async {
        let _ended = stopped.await;
    };
    device_stats_http::serve(listener, service, settings, stopped).await;
}

/// Ends the process at the next signal, whatever it is doing. This is as safe as `kill -9`.
async fn end_at_next(mut signals: StopSignals) {
    let signal = signals.next().await;
    tracing::warn!(%signal, "stopping at once, because this is the second signal");
    std::process::exit(signal.exit_code().into());
}
