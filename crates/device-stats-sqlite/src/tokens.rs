//! Access tokens and sessions: each call is a transaction.

mod sessions;

use async_trait::async_trait;
use device_stats_domain::{
    AuditEvent, Author, DeviceId, DeviceKey, Identity, NewToken, Scopes, Session, SessionHash, StoredToken,
    Timestamp, TokenHash, TokenHolder, TokenId, TokenKind, TokenName, TokenPrefix, UserId,
};
use device_stats_store::limits::TOKENS_MAX;
use device_stats_store::{StoreError, TokenStore, Visibility};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::accounts::{devices, users};
use crate::audit;
use crate::database::columns::{optional_text, optional_time, text, time};
use crate::database::errors::store_error;
use crate::store::SqliteStore;

/// The columns of a token, and the text id of the device that holds it.
const SELECT: &str = "SELECT token.id, prefix, holder, token.user_id, device, device_id, scopes, token.name,
    token.created_at, expires_at, last_used_at FROM token LEFT JOIN devices ON devices.id = device";
/// Returns the condition of [`Visibility`] with its value, the parameter `?1`. Each has an index.
fn visible_tokens(visible: Visibility) -> (&'static str, Option<i64>) {
    match visible {
        Visibility::All => ("?1 IS NULL", None),
        Visibility::User(UserId(id)) => (
            "token.id IN (SELECT id FROM token WHERE user_id = ?1 UNION ALL
                SELECT token.id FROM devices JOIN token ON token.device = devices.id WHERE devices.user_id = ?1)",
            Some(id),
        ),
        Visibility::Device(DeviceKey(key)) => ("device = ?1", Some(key)),
    }
}

/// Returns the condition of the tokens of a holder with its value, the parameter `?1`. Each has an index.
fn tokens_of(holder: Identity) -> (&'static str, Option<i64>) {
    match holder {
        Identity::Administrator => ("holder = 'administrator' AND ?1 IS NULL", None),
        Identity::User(UserId(id)) => ("user_id = ?1", Some(id)),
        Identity::Device(DeviceKey(key)) => ("device = ?1", Some(key)),
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn create_token(
        &self,
        author: &Author,
        visible: Visibility,
        token: NewToken,
    ) -> Result<StoredToken, StoreError> {
        let author = *author;
        let create = move |connection: &Connection| {
            let created = create(connection, visible, &token)?;
            audit::note(connection, &author, &[AuditEvent::create_token(&created)])?;
            Ok(created)
        };
        self.connections.write(create).await
    }

    async fn find_token(&self, hash: &TokenHash) -> Result<Option<StoredToken>, StoreError> {
        let hash = *hash;
        self.connections.read_here(move |connection| find(connection, &hash)).await
    }

    async fn list_tokens(
        &self,
        visible: Visibility,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.connections.read(move |connection| list(connection, visible, after, limit)).await
    }

    async fn delete_token(
        &self,
        author: &Author,
        visible: Visibility,
        id: TokenId,
    ) -> Result<(), StoreError> {
        let author = *author;
        let delete = move |connection: &Connection| {
            let deleted = delete(connection, visible, id)?;
            audit::note(connection, &author, &[AuditEvent::delete_token(&deleted)])
        };
        self.connections.write(delete).await
    }

    async fn note_token_uses(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.connections.write(move |connection| note_uses(connection, &uses)).await
    }

    async fn create_session(
        &self,
        author: &Author,
        hash: &SessionHash,
        token: TokenId,
        created_at: Timestamp,
        ended_before: Timestamp,
    ) -> Result<(), StoreError> {
        let (author, hash) = (*author, *hash);
        let create = move |connection: &Connection| {
            sessions::create(connection, &hash, token, created_at, ended_before)?;
            audit::note(connection, &author, &[AuditEvent::create_session(token)])
        };
        self.connections.write(create).await
    }

    async fn find_session(&self, hash: &SessionHash) -> Result<Option<Session>, StoreError> {
        let hash = *hash;
        self.connections.read_here(move |connection| sessions::find(connection, &hash)).await
    }

    async fn delete_session(&self, author: &Author, hash: &SessionHash) -> Result<(), StoreError> {
        let (author, hash) = (*author, *hash);
        let delete = move |connection: &Connection| {
            let deleted = sessions::delete(connection, &hash)?;
            audit::note(connection, &author, &deleted.map(AuditEvent::delete_session))
        };
        self.connections.write(delete).await
    }

    async fn note_session_uses(&self, uses: &[(SessionHash, Timestamp)]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.connections.write(move |connection| sessions::note_uses(connection, &uses)).await
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    let holder = match text(row, 2, |name| name.parse())? {
        TokenKind::Administrator => TokenHolder::Administrator,
        TokenKind::User => TokenHolder::User(UserId(row.get(3)?)),
        TokenKind::Device => {
            TokenHolder::Device { key: DeviceKey(row.get(4)?), device_id: text(row, 5, DeviceId::new)? }
        }
    };
    Ok(StoredToken {
        id: TokenId(row.get(0)?),
        prefix: TokenPrefix::from_stored(row.get::<_, String>(1)?),
        holder,
        scopes: text(row, 6, |names| names.parse::<Scopes>())?,
        name: optional_text(row, 7, TokenName::new)?,
        created_at: time(row, 8)?,
        expires_at: optional_time(row, 9)?,
        last_used_at: optional_time(row, 10)?,
    })
}

fn create(connection: &Connection, visible: Visibility, new: &NewToken) -> Result<StoredToken, StoreError> {
    let holder = new.holder.token_kind().name();
    let (user_id, device) = match new.holder {
        Identity::Administrator if visible == Visibility::All => (None, None),
        Identity::Administrator => return Err(StoreError::UserMissing),
        Identity::User(id) => {
            users::find(connection, visible, id)?.ok_or(StoreError::UserMissing)?;
            (Some(id.0), None)
        }
        Identity::Device(key) => {
            let found = devices::find_by_key(connection, key)?;
            found.filter(|device| visible.includes_device(device)).ok_or(StoreError::DeviceMissing)?;
            (None, Some(key.0))
        }
    };
    let created_at = new.created_at.micros();
    let (of_holder, value) = tokens_of(new.holder);
    let delete_expired = format!("DELETE FROM token WHERE {of_holder} AND expires_at <= ?2");
    let mut delete_expired = connection.prepare_cached(&delete_expired).map_err(store_error)?;
    delete_expired.execute((value, created_at)).map_err(store_error)?;
    let count = format!("SELECT count(*) FROM token WHERE {of_holder}");
    let mut count = connection.prepare_cached(&count).map_err(store_error)?;
    let count: u32 = count.query_row([value], |row| row.get(0)).map_err(store_error)?;
    if count >= TOKENS_MAX {
        return Err(StoreError::TooManyTokens);
    }
    let insert =
        "INSERT INTO token (hash, prefix, holder, user_id, device, scopes, name, created_at, expires_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = (
        new.hash.0,
        new.prefix.as_str(),
        holder,
        user_id,
        device,
        new.scopes.to_string(),
        new.name.as_ref().map(TokenName::as_str),
        created_at,
        new.expires_at.map(Timestamp::micros),
    );
    let inserted = connection.prepare_cached(insert).and_then(|mut insert| insert.insert(values));
    let id = inserted.map_err(store_error)?;
    let select = format!("{SELECT} WHERE token.id = ?1");
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    select.query_row([id], token).map_err(store_error)
}

fn find(connection: &Connection, hash: &TokenHash) -> Result<Option<StoredToken>, StoreError> {
    let mut select = connection.prepare_cached(&format!("{SELECT} WHERE hash = ?1")).map_err(store_error)?;
    select.query_row([hash.0], token).optional().map_err(store_error)
}

pub(crate) fn list(
    connection: &Connection,
    visible: Visibility,
    after: TokenId,
    limit: u32,
) -> Result<Vec<StoredToken>, StoreError> {
    let (condition, value) = visible_tokens(visible);
    let select = format!("{SELECT} WHERE {condition} AND token.id > ?2 ORDER BY token.id LIMIT ?3");
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let tokens = select.query_map((value, after.0, limit), token);
    tokens.and_then(Iterator::collect).map_err(store_error)
}

/// Deletes a token, and returns it.
fn delete(connection: &Connection, visible: Visibility, id: TokenId) -> Result<StoredToken, StoreError> {
    let (condition, value) = visible_tokens(visible);
    let select = format!("{SELECT} WHERE {condition} AND token.id = ?2");
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let found = select.query_row((value, id.0), token).optional().map_err(store_error)?;
    let found = found.ok_or(StoreError::TokenMissing)?;
    let mut delete = connection.prepare_cached("DELETE FROM token WHERE id = ?1").map_err(store_error)?;
    delete.execute([id.0]).map_err(store_error)?;
    Ok(found)
}

fn note_uses(connection: &Connection, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    let update = "UPDATE token SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1";
    let mut update = connection.prepare_cached(update).map_err(store_error)?;
    for (id, time) in uses {
        update.execute((id.0, time.micros())).map_err(store_error)?;
    }
    Ok(())
}
