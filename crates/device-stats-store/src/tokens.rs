//! Access tokens of a store, and the sessions of browsers.

use async_trait::async_trait;
use device_stats_domain::{
    Author, NewToken, Session, SessionHash, StoredToken, Timestamp, TokenHash, TokenId,
};

use crate::{StoreError, Visibility};

/// Keeps access tokens and sessions, without their secrets. See [`Store`](crate::Store) for the promises and
/// errors common to all methods.
///
/// A method with the parameter `author` writes an entry to the audit log, as in
/// [`AccountStore`](crate::AccountStore).
///
/// A token is deleted together with the user or device that holds it. A token of a device is also deleted
/// with the owner of the device. With the parameter `visible`, a method treats the tokens of all other users
/// and devices as missing. The tokens of administrators are visible only to [`Visibility::All`].
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// Stores a token with a new id, 1 and up. Ids are never reused. Deletes the tokens of the same holder
    /// that have expired when the new one is created.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`] or [`StoreError::DeviceMissing`] if the holder does not exist or is not
    /// visible, and [`StoreError::UserMissing`] for an administrator unless all users are visible;
    /// [`StoreError::TooManyTokens`] if it holds [`TOKENS_MAX`](crate::limits::TOKENS_MAX) other tokens that
    /// have not expired; [`StoreError::Broken`] if a token has the same hash.
    async fn create_token(
        &self,
        author: &Author,
        visible: Visibility,
        token: NewToken,
    ) -> Result<StoredToken, StoreError>;

    /// Returns the token with this hash, also if it has expired.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_token(&self, hash: &TokenHash) -> Result<Option<StoredToken>, StoreError>;

    /// Returns the first `limit` tokens with ids above `after`, by ascending id.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_tokens(
        &self,
        visible: Visibility,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// Deletes a token. From then on, no call finds it.
    ///
    /// # Errors
    /// [`StoreError::TokenMissing`].
    async fn delete_token(&self, author: &Author, visible: Visibility, id: TokenId)
    -> Result<(), StoreError>;

    /// Notes the times at which tokens were used. An earlier time than the noted one, and a token that does
    /// not exist, are ignored.
    ///
    /// # Errors
    /// Only the common errors.
    async fn note_token_uses(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError>;

    /// Stores a session of a token, as of its creation. Deletes all sessions that were created before
    /// `ended_before`, and the oldest sessions of the token above
    /// [`SESSIONS_MAX`](crate::limits::SESSIONS_MAX). A session is deleted together with its token.
    ///
    /// # Errors
    /// [`StoreError::TokenMissing`]; [`StoreError::Broken`] if a session has the same hash.
    async fn create_session(
        &self,
        author: &Author,
        hash: &SessionHash,
        token: TokenId,
        created_at: Timestamp,
        ended_before: Timestamp,
    ) -> Result<(), StoreError>;

    /// Returns the session with this hash, whatever its age.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_session(&self, hash: &SessionHash) -> Result<Option<Session>, StoreError>;

    /// Deletes a session, if it exists.
    ///
    /// # Errors
    /// Only the common errors.
    async fn delete_session(&self, author: &Author, hash: &SessionHash) -> Result<(), StoreError>;

    /// Notes the times at which sessions were used, as [`Self::note_token_uses`] does.
    ///
    /// # Errors
    /// Only the common errors.
    async fn note_session_uses(&self, uses: &[(SessionHash, Timestamp)]) -> Result<(), StoreError>;
}
