//! The limit on the connections of one client address. Refused connections are counted, and logged at
//! intervals.

use std::net::IpAddr;

use device_stats_service::{ClientLimit, ClientPermit};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use crate::limits::{CONNECTIONS_MAX, REFUSAL_LOG_INTERVAL};
use crate::proxies::TrustedProxies;

/// A limit on the connections of one address.
pub(super) struct AddressLimit {
    limit: Option<ClientLimit>,
    refused: Refused,
}

/// Error of a connection whose address has too many.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyConnections;

/// The refused connections since the last log line.
#[derive(Default)]
struct Refused {
    count: u64,
    last: Option<IpAddr>,
    logged: Option<Instant>,
}

impl AddressLimit {
    /// Creates a limit of `address_max` connections; `None` for no limit.
    pub(super) fn new(address_max: Option<usize>) -> Self {
        let limit = address_max.map(|address_max| ClientLimit::new(CONNECTIONS_MAX, address_max));
        Self { limit, refused: Refused::default() }
    }

    /// Admits a connection. A proxy has the connections of many clients, so its address has no limit and gets
    /// no permit.
    ///
    /// # Errors
    /// [`TooManyConnections`] if the address has too many. The refusal is counted.
    pub(super) fn admit(
        &mut self,
        peer: IpAddr,
        proxies: &TrustedProxies,
    ) -> Result<Option<ClientPermit>, TooManyConnections> {
        let Some(limit) = self.limit.as_ref().filter(|_| !proxies.contains(peer)) else { return Ok(None) };
        limit.admit(peer.into()).map(Some).map_err(|_| {
            self.refused.count += 1;
            self.refused.last = Some(peer);
            TooManyConnections
        })
    }

    /// Waits until refused connections must be logged: at once, but not sooner than [`REFUSAL_LOG_INTERVAL`]
    /// after the last time.
    pub(super) async fn log_due(&self) {
        match self.refused {
            Refused { count: 0, .. } => std::future::pending().await,
            Refused { logged: None, .. } => {}
            Refused { logged: Some(logged), .. } => sleep_until(logged + REFUSAL_LOG_INTERVAL).await,
        }
    }

    /// Logs the refused connections.
    pub(super) fn log(&mut self) {
        let Refused { count, last, .. } = self.refused;
        let address = last.map(tracing::field::display);
        warn!(
            count,
            address, "connections refused, because their address has too many (--connections-per-address)"
        );
        self.refused = Refused { logged: Some(Instant::now()), ..Refused::default() };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    #[test]
    fn an_address_gets_its_connections_and_a_proxy_any_number() {
        let mut limit = AddressLimit::new(Some(1));
        let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        let mut admit = |peer: &str| limit.admit(peer.parse().unwrap(), &proxies);
        let first = admit("192.0.2.1").unwrap();
        assert!(admit("192.0.2.1").is_err());
        assert!(admit("::ffff:192.0.2.1").is_err());
        let other = admit("192.0.2.2").unwrap();
        let network = admit("2001:db8::1").unwrap();
        assert!(admit("2001:db8::2").is_err());
        for _ in 0..3 {
            assert!(admit("10.1.1.1").unwrap().is_none());
            assert!(admit("::ffff:10.1.1.1").unwrap().is_none());
        }
        drop(first);
        assert!(admit("192.0.2.1").unwrap().is_some());
        assert!(other.is_some() && network.is_some());
        assert!(AddressLimit::new(None).admit("192.0.2.1".parse().unwrap(), &proxies).unwrap().is_none());
    }

    /// A line for each refused connection would fill the disk.
    #[tokio::test(start_paused = true)]
    async fn refused_connections_are_logged_once_per_interval() {
        let mut limit = AddressLimit::new(Some(0));
        assert!(limit.log_due().now_or_never().is_none());
        let refuse = |limit: &mut AddressLimit| {
            assert!(limit.admit("192.0.2.1".parse().unwrap(), &TrustedProxies::default()).is_err());
        };
        refuse(&mut limit);
        assert!(limit.log_due().now_or_never().is_some());
        limit.log();
        assert!(limit.log_due().now_or_never().is_none());
        refuse(&mut limit);
        refuse(&mut limit);
        assert_eq!(limit.refused.count, 2);
        advance(REFUSAL_LOG_INTERVAL.saturating_sub(Duration::from_millis(2))).await;
        assert!(limit.log_due().now_or_never().is_none());
        advance(Duration::from_millis(2)).await;
        limit.log_due().await;
        limit.log();
        assert_eq!(limit.refused.count, 0);
    }
}
