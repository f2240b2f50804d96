//! Signing in: a token, or the session of a browser, becomes a principal.

use device_stats_domain::{
    Session, SessionHash, SessionSecret, StoredToken, Timestamp, Token, TokenHash, TokenId,
};
use device_stats_store::StoreError;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::principal::Principal;
use crate::admission::RequestClass;
use crate::client_limit::ClientAddress;
use crate::error::ServiceError;
use crate::limits::{KNOWN_TOKENS_MAX, RIGHTS_CACHED_MAX, SESSION_IDLE_MAX, SESSION_TIME_MAX};
use crate::service::Service;

/// Whether clients need a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// Everybody may do everything.
    #[default]
    Open,
    /// Each client needs a token, and has the rights of the token.
    Token,
}

/// The credential with which a principal has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The token, also if a session was used.
    pub(crate) token: TokenId,
    pub(crate) key: CredentialKey,
}

/// The hash by which the store finds a token or a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CredentialKey {
    Token(TokenHash),
    Session(SessionHash),
}

impl AuthMode {
    /// Returns the name, as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Token => "token",
        }
    }
}

/// The cached credentials of clients that have signed in.
///
/// Any node may have deleted a token or a session, so a cached one counts only for [`RIGHTS_CACHED_MAX`].
/// Credentials that do not exist are not cached.
pub(crate) struct KnownCredentials(Cache<CredentialKey, KnownCredential>);

#[derive(Clone, Copy)]
struct KnownCredential {
    principal: Principal,
    ends_at: Option<Timestamp>,
    looked_up: Instant,
}

impl Default for KnownCredentials {
    fn default() -> Self {
        Self(Cache::new(KNOWN_TOKENS_MAX))
    }
}

impl KnownCredentials {
    /// Removes a token or a session.
    pub(super) fn forget(&self, key: CredentialKey) {
        self.0.remove(&key);
    }

    /// Removes the token with this id, and its sessions.
    pub(crate) fn forget_token(&self, id: TokenId) {
        self.0.retain(|_, known| known.principal.token_id() != Some(id));
    }
}

impl Service {
    /// Returns whether clients need a token.
    pub fn auth(&self) -> AuthMode {
        self.parts.auth
    }

    /// Returns the principal of a client without a credential. It may do everything. Returns `None` if
    /// clients need a token.
    pub fn anyone(&self) -> Option<Principal> {
        (self.auth() == AuthMode::Open).then_some(Principal::ANYONE)
    }

    /// Returns the principal of a token.
    ///
    /// # Errors
    /// [`ServiceError::TokenUnknown`] if the token does not exist, has expired or was revoked; the errors of
    /// the store; [`StoreError::Unavailable`] if the lookup waits too long for its turn.
    pub async fn sign_in(&self, token: &Token, client: ClientAddress) -> Result<Principal, ServiceError> {
        let key = CredentialKey::Token(token.hash());
        self.find_principal(key, client).await?.ok_or(ServiceError::TokenUnknown)
    }

    /// Returns the principal of the session of a browser.
    ///
    /// # Errors
    /// [`ServiceError::SessionUnknown`] if the session does not exist or has ended; the errors of the store;
    /// [`StoreError::Unavailable`] if the lookup waits too long for its turn.
    pub async fn resume_session(
        &self,
        secret: &SessionSecret,
        client: ClientAddress,
    ) -> Result<Principal, ServiceError> {
        let key = CredentialKey::Session(secret.hash());
        self.find_principal(key, client).await?.ok_or(ServiceError::SessionUnknown)
    }

    /// Returns the principal of a credential, and notes the use; `None` if the credential is not valid. A
    /// credential that was valid on this node before is looked up at once, others in turn.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] if the service is overloaded and does not know the credential; the errors
    /// of the store.
    async fn find_principal(
        &self,
        key: CredentialKey,
        client: ClientAddress,
    ) -> Result<Option<Principal>, ServiceError> {
        let now = self.parts.clock.now();
        let known = match self.parts.known_credentials.0.get(&key) {
            Some(known) if known.looked_up.elapsed() < RIGHTS_CACHED_MAX => Some(known),
            // Also under overload. Otherwise, an overload of more than a few seconds would refuse the
            // readings of all devices.
            Some(_) => self.look_up(key).await?,
            None => {
                self.parts.admission.load.check(RequestClass::Unauthenticated)?;
                let _turn = self.parts.lookup_turns.take(client).await?;
                self.look_up(key).await?
            }
        };
        let valid = known.filter(|known| known.ends_at.is_none_or(|end| now < end));
        Ok(valid.map(|KnownCredential { principal, .. }| {
            self.parts.token_uses.note(&principal, now);
            principal
        }))
    }

    /// Returns the token of a principal; `None` if the service is open for everybody.
    ///
    /// # Errors
    /// [`ServiceError::TokenUnknown`] if the token was revoked meanwhile; the errors of the store.
    pub async fn find_own_token(&self, principal: Principal) -> Result<Option<StoredToken>, ServiceError> {
        let Some(Credential { key, .. }) = principal.credential() else { return Ok(None) };
        let found = match key {
            CredentialKey::Token(hash) => self.parts.store.find_token(&hash).await?,
            CredentialKey::Session(hash) => {
                self.parts.store.find_session(&hash).await?.map(|session| session.token)
            }
        };
        Ok(Some(found.ok_or(ServiceError::TokenUnknown)?))
    }

    /// Returns whether the credential of a principal is still valid. Asks the store, so that an answer is
    /// never older than the call. A principal without a credential needs none.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn is_signed_in(&self, principal: Principal) -> Result<bool, StoreError> {
        let Some(Credential { key, .. }) = principal.credential() else { return Ok(true) };
        let now = self.parts.clock.now();
        let known = self.look_up(key).await?;
        let is_valid = known.is_some_and(|known| known.ends_at.is_none_or(|end| now < end));
        if is_valid {
            // A page that only watches uses its session, too.
            self.parts.token_uses.note(&principal, now);
        }
        Ok(is_valid)
    }

    /// Reads a token or a session from the store, and caches it.
    async fn look_up(&self, key: CredentialKey) -> Result<Option<KnownCredential>, StoreError> {
        let looked_up = Instant::now();
        let found = match key {
            CredentialKey::Token(hash) => {
                let token = self.parts.store.find_token(&hash).await?;
                token.map(|token| (token.expires_at, token))
            }
            CredentialKey::Session(hash) => {
                let session = self.parts.store.find_session(&hash).await?;
                session.map(|session| (Some(self.session_end(&hash, &session)), session.token))
            }
        };
        let Some((ends_at, StoredToken { id, holder, scopes, .. })) = found else {
            self.parts.known_credentials.forget(key);
            return Ok(None);
        };
        let principal = Principal::signed_in(holder.identity(), scopes, Credential { token: id, key });
        let known = KnownCredential { principal, ends_at, looked_up };
        self.parts.known_credentials.0.insert(key, known);
        Ok(Some(known))
    }

    /// Returns the time at which a session ends: after its maximum time, after it was idle, or with its
    /// token. A request on this node may not be in the store yet.
    fn session_end(&self, hash: &SessionHash, session: &Session) -> Timestamp {
        let used = self.parts.token_uses.last_use(hash).max(Some(session.last_used_at));
        let idle_end = used.unwrap_or(session.created_at).saturating_add(SESSION_IDLE_MAX);
        let end = session.created_at.saturating_add(SESSION_TIME_MAX).min(idle_end);
        session.token.expires_at.map_or(end, |expiry| expiry.min(end))
    }
}
