//! `device-stats serve`: runs the server until SIGTERM or SIGINT.
//!
//! A stop has these steps: `/health/ready` answers 503; new connections are still accepted for
//! [`STOP_DELAY`]; the accepted requests are answered; sealing ends; blocking calls end. Each step has a time
//! limit.

use std::io;
use std::time::Duration;

use anyhow::Context;
use device_stats_service::Service;
use device_stats_service::limits::{SEAL_STOP_TIMEOUT, SHUTDOWN_TIMEOUT};
use tokio::net::TcpListener;

use super::EXIT_TIMEOUT;
use super::stop_signal::{StopSignal, StopSignals};
use crate::limits::STOP_DELAY;
use crate::settings::Settings;
use crate::{database, logging};

/// Problem of an address to listen on.
const UNKNOWN_HOST: &str = "the host name cannot be found";
/// Time after which `docker stop` kills a container.
const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

const _: () = assert!(
    STOP_DELAY.as_millis()
        + SHUTDOWN_TIMEOUT.as_millis()
        + SEAL_STOP_TIMEOUT.as_millis()
        + EXIT_TIMEOUT.as_millis()
        < DOCKER_STOP_TIMEOUT.as_millis(),
    "the steps of a stop together take less time than a container has"
);

/// Serves until SIGTERM or SIGINT, then answers the accepted requests. A second signal ends the process at
/// once.
///
/// # Errors
/// If the database cannot be opened, or the address is in use.
pub(super) async fn serve(settings: &Settings) -> anyhow::Result<()> {
    logging::log_panics();
    // This comes first, because process 1 of a container ignores signals that have no handler.
    let mut signals = StopSignals::catch()?;
    let store = tokio::select! {
        store = database::open(settings) => store?,
        signal = signals.next() => {
            tracing::info!(%signal, "stopping");
            return Ok(());
        }
    };
    let listener = TcpListener::bind(&settings.listen)
        .await
        .map_err(|error| if error.raw_os_error().is_some() { error } else { io::Error::other(UNKNOWN_HOST) })
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let address = listener.local_addr().context("the address of the listener is unknown")?;
    tracing::info!(%address, database = %settings.database, "listening");
    let service = Service::new(store, settings.cache_bytes_max, settings.keys_kept_for, settings.queries)
        .context("cannot start threads")?;
    let _relay = service.join_other_nodes();
    let sealing = service.seal_in_background(settings.seal_after);
    let purging = service.purge_in_background();
    let stop = async {
        let signal = signals.next().await;
        tracing::info!(%signal, "stopping");
        service.begin_stop();
        sealing.begin_stop();
        purging.begin_stop();
        tokio::spawn(end_at_next(signals));
        // A load balancer that checks the service needs some time to notice; a person at a terminal does not.
        if signal == StopSignal::Terminate {
            tokio::time::sleep(STOP_DELAY).await;
        }
    };
    device_stats_http::serve(listener, service.clone(), settings.proxies.clone(), stop).await;
    tokio::join!(sealing.stop(), purging.stop());
    tracing::info!("stopped");
    Ok(())
}

/// Ends the process at the next signal, whatever it is doing. This is as safe as `kill -9`.
async fn end_at_next(mut signals: StopSignals) {
    let signal = signals.next().await;
    tracing::warn!(%signal, "stopping at once, because this is the second signal");
    std::process::exit(signal.exit_code().into());
}
