//! Refused requests that are not in the audit log yet.
//!
//! Equal refusals become one entry with their number, and the number of entries is limited: together, and for
//! each address without a valid credential. So an attacker can neither fill the database nor hide the
//! refusals of others, and no request waits for the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use device_stats_domain::{Actor, AuditAction, AuditDetails, AuditEvent, Author, TokenId, TokenPrefix};

use crate::access::{Origin, Principal};
use crate::client_limit::ClientAddress;
use crate::limits::{REFUSALS_NOTED_MAX, REFUSALS_OF_ADDRESS_MAX, REFUSALS_OF_PRINCIPALS_MAX};

/// A refused request.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The principal that has sent it; `None` if it has not signed in.
    pub principal: Option<Principal>,
    /// The request.
    pub origin: Origin,
    /// Beginning of the unknown token of the request.
    pub prefix: Option<TokenPrefix>,
    /// The method and the route.
    pub operation: String,
    /// The code of the error.
    pub reason: &'static str,
}

/// The refused requests of this node that are not in the audit log yet.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    /// For each group of equal requests: the author of the first one, and their number.
    refused: HashMap<Key, (Author, u64)>,
    /// Number of groups of each address without a valid credential.
    of_addresses: HashMap<Option<ClientAddress>, usize>,
    /// Number of requests above the limits, by their reason.
    others: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    actor: Actor,
    token: Option<TokenId>,
    address: Option<ClientAddress>,
    prefix: Option<String>,
    operation: String,
    reason: &'static str,
}

impl Key {
    /// Returns whether the client had a valid credential.
    fn has_signed_in(&self) -> bool {
        self.token.is_some()
    }
}

impl Refusals {
    /// Notes a refusal.
    pub(super) fn note(&self, refusal: Refusal) {
        let Refusal { principal, origin, prefix, operation, reason } = refusal;
        let author = principal.map_or_else(|| origin.anyone(), Principal::author);
        let Author { actor, token, address, .. } = author;
        let (prefix, address) = (prefix.map(|prefix| prefix.as_str().to_owned()), address.map(Into::into));
        self.pending().add(Key { actor, token, address, prefix, operation, reason }, author, 1);
    }

    /// Takes all refusals.
    pub(super) fn take(&self) -> Taken {
        Taken(std::mem::take(&mut *self.pending()))
    }

    /// Puts refusals back that could not be written.
    pub(super) fn put_back(&self, taken: Taken) {
        let mut pending = self.pending();
        for (reason, count) in taken.0.others {
            *pending.others.entry(reason).or_default() += count;
        }
        for (key, (author, count)) in taken.0.refused {
            pending.add(key, author, count);
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn add(&mut self, key: Key, author: Author, count: u64) {
        if let Some((_, known)) = self.refused.get_mut(&key) {
            *known += count;
        } else if self.has_room(&key) {
            if !key.has_signed_in() {
                *self.of_addresses.entry(key.address).or_default() += 1;
            }
            self.refused.insert(key, (author, count));
        } else {
            *self.others.entry(key.reason).or_default() += count;
        }
    }

    /// Returns whether another group may be kept. Clients with a valid credential have a share of their own.
    fn has_room(&self, key: &Key) -> bool {
        let anonymous: usize = self.of_addresses.values().sum();
        if key.has_signed_in() {
            return self.refused.len() - anonymous < REFUSALS_OF_PRINCIPALS_MAX;
        }
        let of_address = self.of_addresses.get(&key.address).copied().unwrap_or_default();
        anonymous < REFUSALS_NOTED_MAX - REFUSALS_OF_PRINCIPALS_MAX && of_address < REFUSALS_OF_ADDRESS_MAX
    }
}

/// Refusals that are being written.
pub(super) struct Taken(Pending);

impl Taken {
    /// Returns the events, each with its author.
    pub(super) fn events(&self) -> Vec<(Author, AuditEvent)> {
        let groups = self.0.refused.iter().map(|(key, (author, count))| {
            let (prefix, operation) = (key.prefix.clone(), Some(key.operation.clone()));
            (*author, refused(AuditDetails { prefix, operation, ..counted(key.reason, *count) }))
        });
        let others = self
            .0
            .others
            .iter()
            .map(|(reason, count)| (Author::new(Actor::Anyone), refused(counted(reason, *count))));
        groups.chain(others).collect()
    }
}

fn refused(details: AuditDetails) -> AuditEvent {
    AuditEvent::general(AuditAction::RefuseRequest, details)
}

fn counted(reason: &str, count: u64) -> AuditDetails {
    AuditDetails { reason: Some(reason.to_owned()), count: Some(count), ..AuditDetails::default() }
}
