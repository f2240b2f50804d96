//! Operations on access tokens.

use std::sync::Arc;

use device_stats_domain::limits::CURSOR_LIMIT_MAX;
use device_stats_domain::{
    Author, DeviceId, Identity, NewToken, Scope, Scopes, StoredToken, Timestamp, Token, TokenHolder, TokenId,
    TokenKind, TokenName, UserId,
};
use device_stats_store::{StoreError, Visibility};

use super::action::{Administer, Manage};
use super::principal::{Forbidden, Granted};
use super::selection::CursorPage;
use crate::error::ServiceError;
use crate::service::{Service, ServiceParts};

/// The party that will hold a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRecipient {
    /// An administrator.
    Administrator,
    /// A user.
    User(UserId),
    /// A device.
    Device(DeviceId),
}

/// A request for a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The party that will hold the token.
    pub recipient: TokenRecipient,
    /// The kinds of actions that the token allows; `None` for the default scopes of its kind of holder.
    pub scopes: Option<Scopes>,
    /// Its name.
    pub name: Option<TokenName>,
    /// Time from which it is not accepted; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A token that was just created, with its secret. The secret cannot be shown again.
#[derive(Clone, Debug)]
pub struct CreatedToken {
    /// The secret.
    pub token: Token,
    /// Everything else.
    pub stored: StoredToken,
}

/// Name of the token in the file of the operator. No other token can have it.
const ADMIN_TOKEN_FILE_NAME: &str = "admin-token-file";

/// Returns the scopes that a token of this kind can have.
fn allowed_scopes(kind: TokenKind) -> Scopes {
    match kind {
        TokenKind::Administrator => Scopes::ALL,
        TokenKind::User => Scopes::from_iter([Scope::Ingest, Scope::Read, Scope::Manage]),
        TokenKind::Device => Scopes::from_iter([Scope::Ingest, Scope::Read]),
    }
}

/// Returns the scopes of a token for which none are requested. A device usually only sends readings.
fn default_scopes(kind: TokenKind) -> Scopes {
    match kind {
        TokenKind::Administrator | TokenKind::User => allowed_scopes(kind),
        TokenKind::Device => Scopes::from_iter([Scope::Ingest]),
    }
}

/// Makes a token that no store knows.
///
/// # Errors
/// [`ServiceError::RandomnessMissing`].
pub fn generate_token(kind: TokenKind) -> Result<Token, ServiceError> {
    Ok(Token::from_random(kind, &random_bytes()?))
}

/// Returns random bytes of the operating system, for a secret.
///
/// # Errors
/// [`ServiceError::RandomnessMissing`].
pub(super) fn random_bytes() -> Result<[u8; 32], ServiceError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| ServiceError::RandomnessMissing(error.into()))?;
    Ok(random)
}

impl Service {
    /// Creates a token. The token cannot have a scope that the principal does not have. A user can create
    /// tokens for itself and for its devices. A token of an administrator requires the scope `admin` of the
    /// principal.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`]; [`ServiceError::ScopeUnusable`] if the holder cannot use a requested
    /// scope; [`ServiceError::AlreadyExpired`]; [`ServiceError::ReservedTokenName`];
    /// [`StoreError::UserMissing`] or [`StoreError::DeviceMissing`], also if the principal may not see the
    /// holder; [`StoreError::TooManyTokens`]; [`ServiceError::RandomnessMissing`].
    pub async fn create_token(
        &self,
        granted: Granted<Manage>,
        request: TokenRequest,
    ) -> Result<CreatedToken, ServiceError> {
        let TokenRequest { recipient, scopes, name, expires_at } = request;
        let principal = granted.principal();
        let holder = match recipient {
            TokenRecipient::Administrator => {
                principal.grant::<Administer>()?;
                Identity::Administrator
            }
            TokenRecipient::User(id) => Identity::User(self.find_user(granted, id).await?.id),
            TokenRecipient::Device(id) => Identity::Device(self.find_device(granted, &id).await?.key),
        };
        let kind = holder.token_kind();
        let scopes = scopes.unwrap_or_else(|| default_scopes(kind));
        if let Some(unusable) = scopes.iter().find(|scope| !allowed_scopes(kind).contains(*scope)) {
            return Err(ServiceError::ScopeUnusable { scope: unusable, kind });
        }
        if let Some(wider) = scopes.iter().find(|scope| !principal.scopes().contains(*scope)) {
            return Err(Forbidden::WiderScope(wider).into());
        }
        if name.as_ref().is_some_and(|name| name.as_str() == ADMIN_TOKEN_FILE_NAME) {
            return Err(ServiceError::ReservedTokenName);
        }
        let created_at = self.parts.clock.now();
        if expires_at.is_some_and(|end| end <= created_at) {
            return Err(ServiceError::AlreadyExpired);
        }
        let token = generate_token(kind)?;
        let (hash, prefix) = (token.hash(), token.prefix());
        let new = NewToken { hash, prefix, holder, scopes, name, created_at, expires_at };
        let (author, visible) = (granted.author(), granted.visible());
        let create = move |parts: Arc<ServiceParts>| async move {
            parts.store.create_token(&author, visible, new).await
        };
        let stored = self.complete(create).await?;
        Ok(CreatedToken { token, stored })
    }

    /// Returns whether there is any token, also an expired one.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn has_tokens(&self) -> Result<bool, StoreError> {
        Ok(!self.parts.store.list_tokens(Visibility::All, TokenId(0), 1).await?.is_empty())
    }

    /// Stores the token of an administrator that is in the file of the operator, if it is not stored yet, and
    /// revokes the tokens that earlier calls stored. So the operator can replace the token.
    ///
    /// # Errors
    /// [`ServiceError::AdminTokenUnusable`] if the token is stored already, and has expired or lacks scopes;
    /// [`StoreError::TooManyTokens`]; the errors of the store.
    pub async fn accept_admin_token_file(&self, token: &Token) -> Result<(), ServiceError> {
        let (store, hash) = (&self.parts.store, token.hash());
        let kept = store.find_token(&hash).await?;
        if kept.as_ref().is_some_and(|kept| kept.scopes != Scopes::ALL || kept.expires_at.is_some()) {
            return Err(ServiceError::AdminTokenUnusable);
        }
        let kept = kept.map(|kept| kept.id);
        let mut after = TokenId(0);
        loop {
            let page = store.list_tokens(Visibility::All, after, CURSOR_LIMIT_MAX).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let is_earlier = |token: &&StoredToken| {
                let name = token.name.as_ref().map(TokenName::as_str);
                token.holder == TokenHolder::Administrator
                    && name == Some(ADMIN_TOKEN_FILE_NAME)
                    && Some(token.id) != kept
            };
            for earlier in page.iter().filter(is_earlier) {
                match store.delete_token(&Author::SERVICE, Visibility::All, earlier.id).await {
                    // Another node has started with the same token.
                    Ok(()) | Err(StoreError::TokenMissing) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if kept.is_some() {
            return Ok(());
        }
        let new = NewToken {
            hash,
            prefix: token.prefix(),
            holder: Identity::Administrator,
            scopes: Scopes::ALL,
            name: Some(
                TokenName::new(ADMIN_TOKEN_FILE_NAME).map_err(|error| StoreError::Broken(error.into()))?,
            ),
            created_at: self.parts.clock.now(),
            expires_at: None,
        };
        match store.create_token(&Author::SERVICE, Visibility::All, new).await {
            Ok(_) => Ok(()),
            // Another node has started at the same time.
            Err(_) if store.find_token(&hash).await?.is_some() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a page of the tokens that the principal may see, by ascending id, beginning after the id
    /// `after`: the tokens of a user and its devices, or all tokens.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_tokens(
        &self,
        granted: Granted<Manage>,
        after: TokenId,
        limit: u32,
    ) -> Result<CursorPage<StoredToken>, StoreError> {
        let tokens = self.parts.store.list_tokens(granted.visible(), after, limit.saturating_add(1)).await?;
        Ok(CursorPage::from_longer(tokens, limit))
    }

    /// Revokes a token. Every node refuses it at the latest after
    /// [`RIGHTS_CACHED_MAX`](crate::limits::RIGHTS_CACHED_MAX). The principal needs the scope `admin` to
    /// revoke a token of an administrator.
    ///
    /// # Errors
    /// [`StoreError::TokenMissing`], also if the principal may not see the token;
    /// [`ServiceError::Forbidden`].
    pub async fn revoke_token(&self, granted: Granted<Manage>, id: TokenId) -> Result<(), ServiceError> {
        let (author, visible) = (granted.author(), granted.visible());
        let before = TokenId(id.0.saturating_sub(1));
        let found = self.parts.store.list_tokens(visible, before, 1).await?.into_iter().next();
        let found = found.filter(|token| token.id == id).ok_or(StoreError::TokenMissing)?;
        if found.holder == TokenHolder::Administrator {
            granted.principal().grant::<Administer>()?;
        }
        let delete = move |parts: Arc<ServiceParts>| async move {
            let deleted = parts.store.delete_token(&author, visible, id).await;
            // Also after an error, because the outcome may be unknown.
            parts.known_credentials.forget_token(id);
            deleted
        };
        self.complete(delete).await
    }
}
