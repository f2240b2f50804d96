//! Access tokens and sessions of the model.

use async_trait::async_trait;
use device_stats_domain::{
    AuditEvent, Author, Identity, NewToken, Session, SessionHash, StoredToken, Timestamp, TokenHash,
    TokenHolder, TokenId,
};

use super::state::{Model, ModelSession, State};
use crate::limits::{SESSIONS_MAX, TOKENS_MAX};
use crate::{StoreError, TokenStore, Visibility};

#[async_trait]
impl TokenStore for Model {
    async fn create_token(
        &self,
        author: &Author,
        visible: Visibility,
        token: NewToken,
    ) -> Result<StoredToken, StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        let created = state.create_token(visible, token)?;
        state.note(author, AuditEvent::create_token(&created));
        Ok(created)
    }

    async fn find_token(&self, hash: &TokenHash) -> Result<Option<StoredToken>, StoreError> {
        Ok(self.state().tokens.values().find(|(other, _)| other == hash).map(|(_, token)| token.clone()))
    }

    async fn list_tokens(
        &self,
        visible: Visibility,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        let visible = self.found(visible);
        let visible = self.state().visible_tokens(visible);
        Ok(visible.into_iter().filter(|token| token.id > after).take(limit as usize).collect())
    }

    async fn delete_token(
        &self,
        author: &Author,
        visible: Visibility,
        id: TokenId,
    ) -> Result<(), StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        let found = state.tokens.get(&id).ok_or(StoreError::TokenMissing)?;
        if !state.is_token_visible(visible, &found.1.holder) {
            return Err(StoreError::TokenMissing);
        }
        let event = AuditEvent::delete_token(&found.1);
        state.tokens.remove(&id);
        state.note(author, event);
        Ok(())
    }

    async fn note_token_uses(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        let mut state = self.state();
        for (id, time) in uses {
            if let Some((_, token)) = state.tokens.get_mut(id) {
                token.last_used_at = token.last_used_at.max(Some(*time));
            }
        }
        Ok(())
    }

    async fn create_session(
        &self,
        author: &Author,
        hash: &SessionHash,
        token: TokenId,
        created_at: Timestamp,
        ended_before: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        if !state.tokens.contains_key(&token) {
            return Err(StoreError::TokenMissing);
        }
        if state.sessions.contains_key(hash) {
            return Err(StoreError::Broken("a session has the same hash".into()));
        }
        state.sessions.retain(|_, session| session.created_at >= ended_before);
        state.sessions.insert(*hash, ModelSession { token, created_at, last_used_at: created_at });
        let of_token = state.sessions.iter().filter(|(_, session)| session.token == token);
        let mut newest_first: Vec<_> = of_token.map(|(hash, session)| (session.created_at, *hash)).collect();
        newest_first.sort_unstable_by(|one, other| other.cmp(one));
        for (_, oldest) in newest_first.into_iter().skip(SESSIONS_MAX as usize) {
            state.sessions.remove(&oldest);
        }
        state.note(author, AuditEvent::create_session(token));
        Ok(())
    }

    async fn find_session(&self, hash: &SessionHash) -> Result<Option<Session>, StoreError> {
        let state = self.state();
        Ok(state.sessions.get(hash).and_then(|session| {
            let ModelSession { token, created_at, last_used_at } = *session;
            let (_, token) = state.tokens.get(&token)?;
            Some(Session { token: token.clone(), created_at, last_used_at })
        }))
    }

    async fn delete_session(&self, author: &Author, hash: &SessionHash) -> Result<(), StoreError> {
        let mut state = self.state();
        let deleted = state.sessions.remove(hash).filter(|session| state.tokens.contains_key(&session.token));
        state.note(author, deleted.map(|session| AuditEvent::delete_session(session.token)));
        Ok(())
    }

    async fn note_session_uses(&self, uses: &[(SessionHash, Timestamp)]) -> Result<(), StoreError> {
        let mut state = self.state();
        for (hash, time) in uses {
            if let Some(session) = state.sessions.get_mut(hash) {
                session.last_used_at = session.last_used_at.max(*time);
            }
        }
        Ok(())
    }
}

impl State {
    fn create_token(&mut self, visible: Visibility, new: NewToken) -> Result<StoredToken, StoreError> {
        let holder = match new.holder {
            Identity::Administrator => TokenHolder::Administrator,
            Identity::User(id) if self.users.contains_key(&id) => TokenHolder::User(id),
            Identity::User(_) => return Err(StoreError::UserMissing),
            Identity::Device(key) => {
                let device = self.devices.get(&key).ok_or(StoreError::DeviceMissing)?;
                TokenHolder::Device { key, device_id: device.device_id.clone() }
            }
        };
        if !self.is_token_visible(visible, &holder) {
            return Err(match holder {
                TokenHolder::Device { .. } => StoreError::DeviceMissing,
                TokenHolder::Administrator | TokenHolder::User(_) => StoreError::UserMissing,
            });
        }
        if self.tokens.values().any(|(hash, _)| *hash == new.hash) {
            return Err(StoreError::Broken("a token has the same hash".into()));
        }
        let is_own = |token: &StoredToken| token.holder == holder;
        let valid =
            self.tokens.values().filter(|(_, token)| is_own(token) && token.is_valid_at(new.created_at));
        if valid.count() >= TOKENS_MAX as usize {
            return Err(StoreError::TooManyTokens);
        }
        self.tokens.retain(|_, (_, token)| !is_own(token) || token.is_valid_at(new.created_at));
        self.last_token += 1;
        let NewToken { hash, prefix, scopes, name, created_at, expires_at, .. } = new;
        let id = TokenId(self.last_token);
        let token =
            StoredToken { id, prefix, holder, scopes, name, created_at, expires_at, last_used_at: None };
        self.tokens.insert(id, (hash, token.clone()));
        Ok(token)
    }

    /// Returns the tokens that a caller may see, by ascending id.
    pub(super) fn visible_tokens(&self, visible: Visibility) -> Vec<StoredToken> {
        let tokens = self.tokens.values().map(|(_, token)| token);
        tokens.filter(|token| self.is_token_visible(visible, &token.holder)).cloned().collect()
    }

    fn is_token_visible(&self, visible: Visibility, holder: &TokenHolder) -> bool {
        match (visible, holder) {
            (Visibility::All, _) => true,
            (Visibility::User(user), TokenHolder::User(id)) => user == *id,
            (Visibility::User(_) | Visibility::Device(_), TokenHolder::Device { key, .. }) => {
                self.devices.get(key).is_some_and(|device| visible.includes_device(device))
            }
            (Visibility::User(_) | Visibility::Device(_), TokenHolder::Administrator)
            | (Visibility::Device(_), TokenHolder::User(_)) => false,
        }
    }
}
