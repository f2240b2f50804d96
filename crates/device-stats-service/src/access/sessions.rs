//! Sessions of browsers: they begin with a token, and end when the browser signs out.

use std::sync::Arc;

use device_stats_domain::{SessionSecret, StoredToken, Timestamp};
use device_stats_store::StoreError;

use super::principal::{Origin, Principal};
use super::sign_in::{Credential, CredentialKey};
use super::tokens::random_bytes;
use crate::error::ServiceError;
use crate::limits::SESSION_TIME_MAX;
use crate::service::{Service, ServiceParts};

/// A session that has just begun, with its secret.
#[derive(Debug)]
pub struct NewSession {
    /// The secret for the cookie.
    pub secret: SessionSecret,
    /// The token with which the browser has signed in.
    pub token: StoredToken,
    /// Time at which the session ends at the latest.
    pub ends_at: Timestamp,
}

impl Service {
    /// Begins a session with the rights of the token of a principal. It ends after
    /// [`SESSION_TIME_MAX`](crate::limits::SESSION_TIME_MAX), after
    /// [`SESSION_IDLE_MAX`](crate::limits::SESSION_IDLE_MAX) without a request, and with its token.
    ///
    /// # Errors
    /// [`ServiceError::TokenUnknown`] if the token was revoked meanwhile;
    /// [`ServiceError::RandomnessMissing`]; the errors of the store.
    pub async fn begin_session(&self, principal: Principal) -> Result<NewSession, ServiceError> {
        let token = self.find_own_token(principal).await?.ok_or(ServiceError::TokenUnknown)?;
        let secret = SessionSecret::from_random(&random_bytes()?);
        let author = principal.author();
        let (hash, id, now) = (secret.hash(), token.id, self.parts.clock.now());
        let ended_before = now.saturating_sub(SESSION_TIME_MAX);
        let create = move |parts: Arc<ServiceParts>| async move {
            parts.store.create_session(&author, &hash, id, now, ended_before).await
        };
        match self.complete(create).await {
            Err(ServiceError::Store(StoreError::TokenMissing)) => return Err(ServiceError::TokenUnknown),
            created => created?,
        }
        let latest = now.saturating_add(SESSION_TIME_MAX);
        let ends_at = token.expires_at.map_or(latest, |expiry| expiry.min(latest));
        Ok(NewSession { secret, token, ends_at })
    }

    /// Ends a session. A session that does not exist has ended already.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn end_session(&self, secret: &SessionSecret, origin: Origin) -> Result<(), ServiceError> {
        let hash = secret.hash();
        let key = CredentialKey::Session(hash);
        let Some(session) = self.parts.store.find_session(&hash).await? else {
            self.parts.known_credentials.forget(key);
            return Ok(());
        };
        let StoredToken { id, holder, scopes, .. } = session.token;
        let principal = Principal::signed_in(holder.identity(), scopes, Credential { token: id, key });
        let author = principal.with_origin(origin).author();
        let end = move |parts: Arc<ServiceParts>| async move {
            let ended = parts.store.delete_session(&author, &hash).await;
            // Also after an error, because the outcome may be unknown.
            parts.known_credentials.forget(key);
            ended
        };
        self.complete(end).await
    }
}
