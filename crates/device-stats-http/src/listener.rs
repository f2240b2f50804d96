//! The accept loop: connections with limits on their number, size and time.
//!
//! It replaces `axum::serve`, which sets no timeout for request heads and waits for open requests without
//! limit at shutdown. `connection` serves a connection, `http2` one of HTTP/2. `address_limit` limits the
//! connections of one address, and `open_requests` the requests.

mod address_limit;
mod connection;
mod http2;
mod open_requests;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::STRICT_TRANSPORT_SECURITY;
use device_stats_service::Service;
use device_stats_service::limits::SHUTDOWN_TIMEOUT;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

use self::address_limit::AddressLimit;
use self::connection::{Stopping, serve_encrypted, serve_plain};
use self::open_requests::{Held, NoAnswer, OpenRequests};
use crate::app::{app, opening_app};
use crate::browsers::{BrowserAccess, Hsts};
use crate::dashboard::Dashboard;
use crate::extract::Arrival;
use crate::limits::CONNECTIONS_MAX;
use crate::proxies::TrustedProxies;
use crate::tls::Tls;
use crate::trailing_slash::strip_trailing_slash;

/// Pause after the operating system refuses a connection because file descriptors or memory run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The settings of a listener.
#[derive(Debug, Default)]
pub struct ListenerSettings {
    /// Proxies that report the addresses of their clients.
    pub proxies: TrustedProxies,
    /// Names of the service, and web pages of other sites that may use it.
    pub access: BrowserAccess,
    /// The files of the page at `/`.
    pub dashboard: Dashboard,
    /// The certificate of encrypted connections; `None` if connections are not encrypted.
    pub tls: Option<Tls>,
    /// Time for which browsers use only HTTPS after an encrypted response; zero lets them forget an earlier
    /// time.
    pub hsts_max_age: Duration,
    /// Maximum number of connections of one address that is not a trusted proxy; `None` for no maximum.
    pub connections_per_address_max: Option<usize>,
    /// Maximum number of requests of one client address that are open at the same time; `None` for no
    /// maximum.
    pub open_requests_per_address_max: Option<usize>,
}

/// Serves connections until `shutdown` completes, then finishes the accepted requests within
/// [`SHUTDOWN_TIMEOUT`]. Until `opening` completes, only `/health/live` succeeds, and everything else is
/// answered with 503.
///
/// The address of a client is that of its connection, or the one that a trusted proxy reports.
pub async fn serve(
    listener: TcpListener,
    opening: impl Future<Output = Service> + Send,
    settings: ListenerSettings,
    shutdown: impl Future<Output = ()> + Send,
) {
    let server = Server::new(&settings);
    let ListenerSettings { tls, connections_per_address_max, .. } = settings;
    let mut addresses = AddressLimit::new(connections_per_address_max);
    let certificate = tls.as_ref().map(Tls::current);
    let mut following = std::pin::pin!(async {
        match tls {
            Some(tls) => tls.follow_files().await,
            None => std::future::pending().await,
        }
    });
    let mut opened = None;
    let mut opening = std::pin::pin!(opening);
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (connections, stop) = (GracefulShutdown::new(), CancellationToken::new());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            // Checks `opening` first, so that the service answers every connection accepted after it.
            biased;
            service = &mut opening, if opened.is_none() => {
                server.open(&service);
                opened = Some(service);
            }
            () = &mut shutdown => break,
            never = &mut following => match never {},
            () = addresses.log_due() => addresses.log(),
            accepted = accept(&listener, &permits) => {
                let Some(((stream, peer), permit)) = accepted else { continue };
                let Ok(address_permit) = addresses.admit(peer, &server.proxies) else { continue };
                let permits = (permit, address_permit);
                match &certificate {
                    None => spawn(serve_plain(stream, peer, server.clone(), &connections), permits),
                    Some(certificate) => {
                        let stopping = Stopping { watcher: connections.watcher(), stop: stop.clone() };
                        let tls = certificate.acceptor();
                        spawn(serve_encrypted(stream, peer, server.clone(), tls, stopping), permits);
                    }
                }
            }
        }
    }
    drop(listener);
    if let Some(service) = opened {
        service.end_live_streams();
    }
    stop.cancel();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shutdown()).await.is_err() {
        warn!(timeout_s = SHUTDOWN_TIMEOUT.as_secs(), "shutdown timed out, closing open connections");
    }
}

/// Serves a connection on a task of its own, which holds the permits of the connection.
fn spawn(connection: impl Future<Output = ()> + Send + 'static, permits: impl Send + 'static) {
    tokio::spawn(async move {
        let _permits = permits;
        connection.await;
    });
}

/// The application, and the proxies that report the addresses of its clients.
#[derive(Clone)]
struct Server {
    /// The application over the service, once the database is open.
    app: Arc<OnceLock<Router>>,
    opening_app: Router,
    proxies: Arc<TrustedProxies>,
    access: Arc<BrowserAccess>,
    dashboard: Dashboard,
    open_requests: Arc<OpenRequests>,
    hsts: Hsts,
}

impl Server {
    fn new(settings: &ListenerSettings) -> Self {
        let ListenerSettings {
            proxies, access, dashboard, hsts_max_age, open_requests_per_address_max, ..
        } = settings;
        Self {
            app: Arc::default(),
            opening_app: opening_app(access),
            proxies: Arc::new(proxies.clone()),
            access: Arc::new(access.clone()),
            dashboard: dashboard.clone(),
            open_requests: Arc::new(OpenRequests::new(*open_requests_per_address_max)),
            hsts: Hsts::new(*hsts_max_age),
        }
    }

    /// Lets the service answer all further requests.
    fn open(&self, service: &Service) {
        self.app.get_or_init(|| app(service.clone(), &self.access, &self.dashboard));
    }
}

/// Accepts the next connection once a permit is free, and returns it with the address of the peer. Returns
/// `None` if the operating system refuses it.
#[expect(clippy::expect_used, reason = "nobody closes the semaphore")]
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<((TcpStream, IpAddr), OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is open");
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Most responses are small, and their clients wait for them. Waiting for a full packet would
            // delay them.
            if let Err(error) = stream.set_nodelay(true) {
                debug!(%error, "setting TCP_NODELAY failed");
            }
            Some(((stream, peer.ip()), permit))
        }
        Err(error) => {
            warn!(%error, "accepting a connection failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Plain,
    Encrypted,
}

/// Answers a request.
///
/// # Errors
/// [`NoAnswer`] if even the refused requests are too many.
async fn respond(
    Server { app, opening_app, proxies, open_requests, hsts, .. }: Server,
    peer: IpAddr,
    transport: Transport,
    request: Request<Incoming>,
) -> Result<axum::http::Response<Held>, NoAnswer> {
    let mut request = strip_trailing_slash(request.map(Body::new));
    let client = proxies.client(peer, request.headers());
    let permit = open_requests.admit(client, &mut request)?;
    request.extensions_mut().insert(client);
    let is_encrypted = transport == Transport::Encrypted || proxies.has_encrypted(peer, request.headers());
    let is_local = client.is_loopback();
    request.extensions_mut().insert(Arrival { is_encrypted, is_local });
    let hsts = if transport == Transport::Encrypted { hsts.value_for(&request) } else { None };
    let app = app.get().cloned().unwrap_or(opening_app);
    let mut response = app.oneshot(request).await.unwrap_or_else(|never| match never {});
    if let Some(value) = hsts {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, value);
    }
    Ok(Held::hold(response, Some(permit)))
}
