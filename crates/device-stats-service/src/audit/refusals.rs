//! Refused requests that are not in the audit log yet.
//!
//! Equal refusals of the same minute become one entry with their number, and the number of entries of a
//! minute is limited. So an attacker cannot fill the database, and no request waits for the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use device_stats_domain::{Actor, AuditAction, AuditDetails, AuditEvent, Author, TokenId, TokenPrefix};

use crate::access::{Origin, Principal};
use crate::limits::REFUSALS_NOTED_MAX;

/// The reason in the entry about refusals above the limit of a minute.
const OTHERS: &str = "others";

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
    /// The author of the first request, and the number of requests, by what they have in common.
    refused: HashMap<Key, (Author, u64)>,
    /// Number of requests above the limit.
    others: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    actor: Actor,
    token: Option<TokenId>,
    address: Option<IpAddr>,
    prefix: Option<String>,
    operation: String,
    reason: &'static str,
}

impl Refusals {
    /// Notes a refusal.
    pub(super) fn note(&self, refusal: Refusal) {
        let Refusal { principal, origin, prefix, operation, reason } = refusal;
        let author = principal.map_or_else(|| origin.anyone(), Principal::author);
        let Author { actor, token, address, .. } = author;
        let prefix = prefix.map(|prefix| prefix.as_str().to_owned());
        self.pending().add(Key { actor, token, address, prefix, operation, reason }, author, 1);
    }

    /// Takes the events of all refusals.
    pub(super) fn take(&self) -> Taken {
        Taken(std::mem::take(&mut *self.pending()))
    }

    /// Puts refusals back that could not be written.
    pub(super) fn put_back(&self, taken: Taken) {
        let mut pending = self.pending();
        pending.others += taken.0.others;
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
        let is_full = self.refused.len() >= REFUSALS_NOTED_MAX;
        match self.refused.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().1 += count,
            Entry::Vacant(new) if !is_full => {
                new.insert((author, count));
            }
            Entry::Vacant(_) => self.others += count,
        }
    }
}

/// Refusals that are being written.
pub(super) struct Taken(Pending);

impl Taken {
    /// Returns the events, each with its author.
    pub(super) fn events(&self) -> Vec<(Author, AuditEvent)> {
        let equal = self.0.refused.iter().map(|(key, (author, count))| {
            let details = AuditDetails {
                prefix: key.prefix.clone(),
                operation: Some(key.operation.clone()),
                ..refused(key.reason, *count)
            };
            (*author, AuditEvent::general(AuditAction::RefuseRequest, details))
        });
        let others = Some(self.0.others).filter(|count| *count > 0).map(|count| {
            let details = refused(OTHERS, count);
            (Author::new(Actor::Anyone), AuditEvent::general(AuditAction::RefuseRequest, details))
        });
        equal.chain(others).collect()
    }
}

fn refused(reason: &str, count: u64) -> AuditDetails {
    AuditDetails { reason: Some(reason.to_owned()), count: Some(count), ..AuditDetails::default() }
}
