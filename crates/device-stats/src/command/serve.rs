//! `device-stats serve`: runs the server until SIGTERM or SIGINT.

use anyhow::Context;
use device_stats_service::Service;
use tokio::net::TcpListener;

use super::stop_signal::stop_signal;
use crate::settings::Settings;
use crate::{database, logging};

/// Serves until SIGTERM or SIGINT, then answers the accepted requests.
///
/// # Errors
/// If the database cannot be opened, or the address is in use.
pub(super) async fn serve(settings: &Settings) -> anyhow::Result<()> {
    logging::log_panics();
    // This comes first, because process 1 of a container ignores signals that have no handler.
    let signal = stop_signal()?;
    let mut stop = Box::pin(async move {
        let signal = signal.await;
        tracing::info!(%signal, "stopping");
    });
    let store = tokio::select! {
        store = database::open(settings) => store?,
        () = &mut stop => return Ok(()),
    };
    let listener = TcpListener::bind(&settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let address = listener.local_addr().context("the address of the listener is unknown")?;
    tracing::info!(%address, database = %settings.database, "listening");
    let service = Service::new(store, settings.cache_bytes_max, settings.keys_kept_for, settings.queries)
        .context("cannot start threads")?;
    let _relay = service.join_other_nodes();
    let sealing = service.seal_in_background(settings.seal_after);
    let stop = async {
        stop.await;
        sealing.begin_stop();
    };
    device_stats_http::serve(listener, service, stop).await;
    sealing.stop().await;
    tracing::info!("stopped");
    Ok(())
}
