//! The times at which tokens and sessions were used last, to the minute. A node collects them, and writes
//! them to the store in the background, so that no request waits for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::{SessionHash, Timestamp, TokenId, error_chain};
use device_stats_store::{Store, StoreError};
use quick_cache::sync::Cache;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::principal::Principal;
use super::sign_in::CredentialKey;
use crate::limits::{KNOWN_TOKENS_MAX, TOKEN_USES_AT_ONCE, TOKEN_USES_INTERVAL};
use crate::service::Service;

const MINUTE_US: i64 = 60_000_000;

/// Uses of tokens and sessions that are not in the store yet.
#[derive(Default)]
pub(crate) struct TokenUses {
    tokens: Uses<TokenId>,
    sessions: Uses<SessionHash>,
}

/// Uses of one kind.
struct Uses<K> {
    pending: Mutex<HashMap<K, Timestamp>>,
    /// The latest noted minute of each key. It stays here after it was written.
    noted: Cache<K, Timestamp>,
}

impl<K: Copy + Eq + Hash> Default for Uses<K> {
    fn default() -> Self {
        Self { pending: Mutex::default(), noted: Cache::new(KNOWN_TOKENS_MAX) }
    }
}

impl<K: Copy + Eq + Hash> Uses<K> {
    fn note(&self, key: K, minute: Timestamp) {
        if self.noted.get(&key).is_some_and(|noted| noted >= minute) {
            return;
        }
        self.noted.insert(key, minute);
        self.pending().insert(key, minute);
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<K, Timestamp>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the pending uses in slices, so that no transaction is long.
    fn slices(&self) -> Vec<Vec<(K, Timestamp)>> {
        let uses: Vec<_> = self.pending().iter().map(|(key, time)| (*key, *time)).collect();
        uses.chunks(TOKEN_USES_AT_ONCE).map(<[_]>::to_vec).collect()
    }

    /// Removes the uses of a written slice. There may have been a later use in the meantime.
    fn note_written(&self, slice: &[(K, Timestamp)]) {
        let mut pending = self.pending();
        for (key, time) in slice {
            if pending.get(key) == Some(time) {
                pending.remove(key);
            }
        }
    }
}

impl TokenUses {
    /// Notes that a principal has used its credential.
    pub(super) fn note(&self, principal: &Principal, now: Timestamp) {
        let Some(credential) = principal.credential() else { return };
        let Ok(minute) = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(MINUTE_US)) else {
            return;
        };
        self.tokens.note(credential.token, minute);
        if let CredentialKey::Session(hash) = credential.key {
            self.sessions.note(hash, minute);
        }
    }

    /// Returns the last use of a session on this node.
    pub(super) fn last_use(&self, session: &SessionHash) -> Option<Timestamp> {
        self.sessions.noted.get(session)
    }

    /// Writes the pending uses. If this fails, they stay pending.
    async fn write(&self, store: &dyn Store) {
        if let Err(error) = self.try_write(store).await {
            let causes = error_chain(&error);
            tracing::warn!(causes, "writing the last uses of tokens failed, trying again later");
        }
    }

    async fn try_write(&self, store: &dyn Store) -> Result<(), StoreError> {
        for slice in self.tokens.slices() {
            store.note_token_uses(&slice).await?;
            self.tokens.note_written(&slice);
        }
        for slice in self.sessions.slices() {
            store.note_session_uses(&slice).await?;
            self.sessions.note_written(&slice);
        }
        Ok(())
    }
}

/// Running task that writes uses of tokens and sessions.
pub struct BackgroundTokenUses {
    uses: Arc<TokenUses>,
    store: Arc<dyn Store>,
    task: AbortOnDropHandle<()>,
}

impl Service {
    /// Starts to write the last uses of tokens and sessions in the background. Call it inside a runtime.
    pub fn note_token_uses_in_background(&self) -> BackgroundTokenUses {
        let (uses, store) = (Arc::clone(&self.parts.token_uses), Arc::clone(&self.parts.store));
        let (task_uses, task_store) = (Arc::clone(&uses), Arc::clone(&store));
        let task = tokio::spawn(async move {
            let mut due = interval(TOKEN_USES_INTERVAL);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                due.tick().await;
                task_uses.write(task_store.as_ref()).await;
            }
        });
        BackgroundTokenUses { uses, store, task: AbortOnDropHandle::new(task) }
    }
}

impl BackgroundTokenUses {
    /// Stops, and writes the pending uses.
    pub async fn stop(self) {
        drop(self.task);
        self.uses.write(self.store.as_ref()).await;
    }
}
