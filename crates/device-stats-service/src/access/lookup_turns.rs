//! Turns of the lookups of credentials that were not valid on this node before.
//!
//! A client can send any number of tokens that do not exist. Each of them needs a lookup, because the next
//! one may be valid. So few of them are looked up at the same time, and the addresses of the clients take
//! turns: such a client delays mainly itself, and most connections to the database stay free for other
//! requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::client_limit::ClientAddress;
use crate::limits::{LOOKUP_WAIT_MAX, LOOKUPS_AT_ONCE, LOOKUPS_PER_ADDRESS_MAX};

/// The turns in which a node looks up unknown credentials.
pub(crate) struct LookupTurns {
    node: Semaphore,
    /// The addresses with a lookup that waits or runs.
    addresses: Mutex<HashMap<ClientAddress, Address>>,
}

struct Address {
    /// Number of lookups that wait or run.
    lookups: usize,
    turns: Arc<Semaphore>,
}

/// The turn of a lookup. Dropping it gives the turn to the next one.
pub(crate) struct LookupTurn<'a> {
    _node: SemaphorePermit<'a>,
    _address: OwnedSemaphorePermit,
    _queued: Queued<'a>,
}

/// A lookup that waits or runs. Dropping it removes it from the lookups of its address.
struct Queued<'a> {
    turns: &'a LookupTurns,
    client: ClientAddress,
}

impl Default for LookupTurns {
    fn default() -> Self {
        Self { node: Semaphore::new(LOOKUPS_AT_ONCE), addresses: Mutex::default() }
    }
}

impl LookupTurns {
    /// Waits for the turn of a lookup.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after [`LOOKUP_WAIT_MAX`].
    #[expect(clippy::expect_used, reason = "nobody closes the semaphores")]
    pub(crate) async fn take(&self, client: ClientAddress) -> Result<LookupTurn<'_>, StoreError> {
        let (queued, turns) = self.queue(client);
        // The turn of the address comes first, so that lookups that wait for it hold no turn of the node.
        let taken = async {
            let address = turns.acquire_owned().await.expect("the semaphore is open");
            (self.node.acquire().await.expect("the semaphore is open"), address)
        };
        let (node, address) = timeout(LOOKUP_WAIT_MAX, taken)
            .await
            .map_err(|_| StoreError::Unavailable("too many unknown tokens wait for their lookup".into()))?;
        Ok(LookupTurn { _node: node, _address: address, _queued: queued })
    }

    fn queue(&self, client: ClientAddress) -> (Queued<'_>, Arc<Semaphore>) {
        let mut addresses = self.lock();
        let address = addresses.entry(client).or_insert_with(|| Address {
            lookups: 0,
            turns: Arc::new(Semaphore::new(LOOKUPS_PER_ADDRESS_MAX)),
        });
        address.lookups += 1;
        (Queued { turns: self, client }, Arc::clone(&address.turns))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientAddress, Address>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut address) = self.turns.lock().entry(self.client) {
            address.get_mut().lookups -= 1;
            if address.get().lookups == 0 {
                address.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures_util::FutureExt;

    use super::*;

    fn client(n: usize) -> ClientAddress {
        IpAddr::from(Ipv4Addr::new(10, 0, 0, u8::try_from(n).unwrap())).into()
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_take_turns_and_leave_nothing_behind() {
        let turns = LookupTurns::default();
        let mut held: Vec<_> =
            (0..LOOKUPS_PER_ADDRESS_MAX).map(|_| turns.take(client(0)).now_or_never().unwrap()).collect();
        // An address with many lookups waits, and others do not.
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(turns.take(client(0)))).collect();
        assert!(waiting.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        for n in LOOKUPS_PER_ADDRESS_MAX..LOOKUPS_AT_ONCE {
            held.push(turns.take(client(n)).now_or_never().unwrap());
        }
        assert!(turns.take(client(100)).now_or_never().is_none(), "the limit of the node");
        held.remove(0).unwrap();
        let other =
            turns.take(client(100)).now_or_never().expect("another address does not wait behind them");
        drop((held, other));
        let first = waiting.remove(0).await.unwrap();
        drop(first);
        drop(waiting);
        assert!(turns.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_does_not_wait_for_ever() {
        let turns = LookupTurns::default();
        let mut held = Vec::new();
        for _ in 0..LOOKUPS_PER_ADDRESS_MAX {
            held.push(turns.take(client(1)).await.unwrap());
        }
        assert!(matches!(turns.take(client(1)).await, Err(StoreError::Unavailable(_))));
        drop(held);
        assert!(turns.lock().is_empty());
    }
}
