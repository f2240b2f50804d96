//! Limits on the requests of a kind, or on the connections, that exist at the same time: for all clients
//! together, and for each address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Number of bits of an IPv6 address that identify a client. A client chooses the others freely.
const IPV6_CLIENT_BITS: u32 = 64;

/// The network address of a client. IPv6 addresses of the same network of 64 bits are equal.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Returns the address.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns whether the client is a program on this machine.
    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }

    /// Returns the part of the address that identifies a client.
    fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V6(address) => {
                let mask = u128::MAX << (Ipv6Addr::BITS - IPV6_CLIENT_BITS);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
            address @ IpAddr::V4(_) => address,
        }
    }
}

impl PartialEq for ClientAddress {
    fn eq(&self, other: &Self) -> bool {
        self.network() == other.network()
    }
}

impl Eq for ClientAddress {}

impl Hash for ClientAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.network().hash(state);
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }
}

/// The limit that a request or connection exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// The limit of the node, for all clients together.
    Node,
    /// The limit of each address.
    Address,
}

/// A limit on requests or connections that exist at the same time.
#[derive(Debug)]
pub struct ClientLimit {
    total_max: usize,
    address_max: usize,
    running: Arc<Mutex<Running>>,
}

/// The admitted requests or connections.
#[derive(Debug, Default)]
struct Running {
    total: usize,
    /// The number of each address that has one.
    by_address: HashMap<ClientAddress, usize>,
}

/// The share of a limit that a request or connection holds. Dropping the permit returns it.
#[derive(Debug)]
pub struct ClientPermit {
    client: ClientAddress,
    running: Arc<Mutex<Running>>,
}

impl ClientLimit {
    /// Creates a limit of `total_max`, and of `address_max` for one address.
    pub fn new(total_max: usize, address_max: usize) -> Self {
        Self { total_max, address_max, running: Arc::default() }
    }

    /// Returns the number of admitted requests or connections.
    pub fn running(&self) -> usize {
        lock(&self.running).total
    }

    /// Admits a request or connection of a client.
    ///
    /// # Errors
    /// The limit that it would exceed.
    pub fn admit(&self, client: ClientAddress) -> Result<ClientPermit, LimitScope> {
        let mut running = lock(&self.running);
        let running = &mut *running;
        if running.total >= self.total_max {
            return Err(LimitScope::Node);
        }
        let count = running.by_address.entry(client).or_default();
        if *count >= self.address_max {
            return Err(LimitScope::Address);
        }
        *count += 1;
        running.total += 1;
        Ok(ClientPermit { client, running: Arc::clone(&self.running) })
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        let running = &mut *running;
        if let Entry::Occupied(mut count) = running.by_address.entry(self.client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
            running.total -= 1;
        }
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> ClientAddress {
        address.parse::<IpAddr>().unwrap().into()
    }

    /// A single client could hold all exports and all live streams.
    #[test]
    fn a_client_gets_a_part_of_a_limit() {
        let limit = ClientLimit::new(5, 2);
        let [one, two, three] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(client);
        let admit = |client| limit.admit(client);
        let mut held = vec![admit(one).unwrap(), admit(one).unwrap()];
        assert_eq!(admit(one).unwrap_err(), LimitScope::Address);
        held.extend([admit(two).unwrap(), admit(two).unwrap(), admit(three).unwrap()]);
        assert_eq!(admit(three).unwrap_err(), LimitScope::Node);
        drop(held.remove(0));
        assert_eq!(admit(two).unwrap_err(), LimitScope::Address);
        admit(three).unwrap();
        admit(one).unwrap();
        drop(held);
        let running = lock(&limit.running);
        assert!(running.by_address.is_empty() && running.total == 0);
    }

    #[test]
    fn addresses_of_one_client_are_equal() {
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
        assert_eq!(client("2001:db8:1:2:3::4"), client("2001:db8:1:2::"));
        assert_ne!(client("2001:db8:1:2::"), client("2001:db8:1:3::"));
    }
}
