//! Access tokens and sessions: each call is a transaction.

mod sessions;

use async_trait::async_trait;
use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{
    AuditEvent, Author, DeviceId, DeviceKey, Identity, NewToken, Scopes, Session, SessionHash, StoredToken,
    Timestamp, TokenHash, TokenHolder, TokenId, TokenKind, TokenName, TokenPrefix, UserId,
};
use device_stats_store::limits::TOKENS_MAX;
use device_stats_store::{StoreError, TokenStore, Visibility, VisibleRows};
use tokio_postgres::Row;

use crate::audit;
use crate::database::columns::{column, each, optional_text, optional_time, text, time};
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::store::PostgresStore;

/// The columns of a token, and the text id of the device that holds it.
const SELECT: &str = "SELECT token.id, prefix, holder, token.user_id, device, device_id, scopes, token.name,
    token.created_at, expires_at, last_used_at FROM token LEFT JOIN devices ON devices.id = device";
/// Returns the condition of [`Visibility`] with its value, the parameter `$1`. Each has an index.
fn visible_tokens(visible: Visibility) -> (&'static str, Option<i64>) {
    match visible {
        Visibility::All => ("$1::bigint IS NULL", None),
        Visibility::User(UserId(id)) => (
            "token.id IN (SELECT id FROM token WHERE user_id = $1 UNION ALL
                SELECT token.id FROM devices JOIN token ON token.device = devices.id WHERE devices.user_id = $1)",
            Some(id),
        ),
        Visibility::Device(DeviceKey(key)) => ("device = $1", Some(key)),
    }
}

/// Returns the condition of the tokens of a holder with its value, the parameter `$1`. Each has an index.
fn tokens_of(holder: Identity) -> (&'static str, Option<i64>) {
    match holder {
        Identity::Administrator => ("holder = 'administrator' AND $1::bigint IS NULL", None),
        Identity::User(UserId(id)) => ("user_id = $1", Some(id)),
        Identity::Device(DeviceKey(key)) => ("device = $1", Some(key)),
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn create_token(
        &self,
        author: &Author,
        visible: Visibility,
        token: NewToken,
    ) -> Result<StoredToken, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| create(client, author, visible, &token))
    }

    async fn find_token(&self, hash: &TokenHash) -> Result<Option<StoredToken>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| find(client, hash))
    }

    async fn list_tokens(
        &self,
        visible: Visibility,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| list(client, visible, after, limit))
    }

    async fn delete_token(
        &self,
        author: &Author,
        visible: Visibility,
        id: TokenId,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| delete(client, author, visible, id))
    }

    async fn note_token_uses(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| note_uses(client, uses))
    }

    async fn create_session(
        &self,
        author: &Author,
        hash: &SessionHash,
        token: TokenId,
        created_at: Timestamp,
        ended_before: Timestamp,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| sessions::create(
            client,
            author,
            hash,
            token,
            created_at,
            ended_before
        ))
    }

    async fn find_session(&self, hash: &SessionHash) -> Result<Option<Session>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| sessions::find(client, hash))
    }

    async fn delete_session(&self, author: &Author, hash: &SessionHash) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| sessions::delete(client, author, hash))
    }

    async fn note_session_uses(&self, uses: &[(SessionHash, Timestamp)]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| sessions::note_uses(client, uses))
    }
}

fn token(row: &Row) -> Result<StoredToken, StoreError> {
    let holder = match text(row, 2, |name| name.parse())? {
        TokenKind::Administrator => TokenHolder::Administrator,
        TokenKind::User => TokenHolder::User(UserId(column(row, 3)?)),
        TokenKind::Device => {
            TokenHolder::Device { key: DeviceKey(column(row, 4)?), device_id: text(row, 5, DeviceId::new)? }
        }
    };
    Ok(StoredToken {
        id: TokenId(column(row, 0)?),
        prefix: TokenPrefix::from_stored(column::<String>(row, 1)?),
        holder,
        scopes: text(row, 6, |names| names.parse::<Scopes>())?,
        name: optional_text(row, 7, TokenName::new)?,
        created_at: time(row, 8)?,
        expires_at: optional_time(row, 9)?,
        last_used_at: optional_time(row, 10)?,
    })
}

/// Locks the holder of a new token, so that concurrent calls for it count its tokens one after the other.
/// Fails if the holder is missing or not visible.
async fn lock_holder(
    transaction: &Transaction<'_>,
    visible: Visibility,
    holder: Identity,
) -> Result<(), Failure> {
    let VisibleRows { user_id, owner, device } = visible.rows();
    let (found, missing) = match holder {
        Identity::Administrator => {
            let lock = "SELECT pg_advisory_xact_lock(hashtext('device-stats tokens of administrators'))";
            transaction.batch_execute(lock).await?;
            (visible == Visibility::All, StoreError::UserMissing)
        }
        Identity::User(UserId(id)) => {
            let lock =
                "SELECT 1 FROM users WHERE id = $1 AND ($2::bigint IS NULL OR id = $2) FOR NO KEY UPDATE";
            let lock = transaction.prepare_cached(lock).await?;
            let found = transaction.query(&lock, &[&id, &user_id]).await?;
            (!found.is_empty(), StoreError::UserMissing)
        }
        Identity::Device(DeviceKey(key)) => {
            let lock = "SELECT 1 FROM devices WHERE id = $1 AND ($2::bigint IS NULL OR user_id = $2)
                        AND ($3::bigint IS NULL OR id = $3) FOR NO KEY UPDATE";
            let lock = transaction.prepare_cached(lock).await?;
            let found = transaction.query(&lock, &[&key, &owner, &device]).await?;
            (!found.is_empty(), StoreError::DeviceMissing)
        }
    };
    if found { Ok(()) } else { Err(missing.into()) }
}

async fn create(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    new: &NewToken,
) -> Result<StoredToken, Failure> {
    let transaction = begin(client).await?;
    lock_holder(&transaction, visible, new.holder).await?;
    // The count is a statement of its own, so that it sees the tokens of the calls before.
    let (of_holder, value) = tokens_of(new.holder);
    let created_at = new.created_at.micros();
    let delete_expired = format!("DELETE FROM token WHERE {of_holder} AND expires_at <= $2");
    let delete_expired = transaction.prepare_cached(&delete_expired).await?;
    transaction.execute(&delete_expired, &[&value, &created_at]).await?;
    let count = transaction.prepare_cached(&format!("SELECT count(*) FROM token WHERE {of_holder}")).await?;
    let count: i64 = column(&transaction.query_one(&count, &[&value]).await?, 0)?;
    if count >= i64::from(TOKENS_MAX) {
        return Err(StoreError::TooManyTokens.into());
    }
    let holder = new.holder.token_kind().name();
    let (user_id, device) = match new.holder {
        Identity::Administrator => (None, None),
        Identity::User(UserId(id)) => (Some(id), None),
        Identity::Device(DeviceKey(key)) => (None, Some(key)),
    };
    let insert =
        "INSERT INTO token (hash, prefix, holder, user_id, device, scopes, name, created_at, expires_at)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    let insert = transaction.prepare_cached(insert).await?;
    let (hash, scopes) = (new.hash.0.as_slice(), new.scopes.to_string());
    let (name, expires_at) =
        (new.name.as_ref().map(TokenName::as_str), new.expires_at.map(Timestamp::micros));
    let id = transaction
        .query_one(
            &insert,
            &[
                &hash,
                &new.prefix.as_str(),
                &holder,
                &user_id,
                &device,
                &scopes,
                &name,
                &created_at,
                &expires_at,
            ],
        )
        .await?;
    let id: i64 = column(&id, 0)?;
    let select = transaction.prepare_cached(&format!("{SELECT} WHERE token.id = $1")).await?;
    let created = token(&transaction.query_one(&select, &[&id]).await?)?;
    audit::note(&transaction, author, &[AuditEvent::create_token(&created)]).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(created)
}

async fn find(client: &Client, hash: &TokenHash) -> Result<Option<StoredToken>, Failure> {
    let select = client.prepare_cached(&format!("{SELECT} WHERE hash = $1")).await?;
    let found = client.query(&select, &[&hash.0.as_slice()]).await?;
    Ok(found.first().map(token).transpose()?)
}

async fn list(
    client: &Client,
    visible: Visibility,
    after: TokenId,
    limit: u32,
) -> Result<Vec<StoredToken>, Failure> {
    let (condition, value) = visible_tokens(visible);
    let select = format!("{SELECT} WHERE {condition} AND token.id > $2 ORDER BY token.id LIMIT $3");
    let select = client.prepare_cached(&select).await?;
    let tokens = client.query(&select, &[&value, &after.0, &i64::from(limit)]).await?;
    Ok(each(&tokens, token)?)
}

/// Locks the tokens that end with a deletion, by ascending id, and returns them. A call that revokes one of
/// them goes first or finds none, so that its end has one entry in the audit log.
pub(crate) async fn lock_all(
    transaction: &Transaction<'_>,
    visible: Visibility,
) -> Result<Vec<StoredToken>, Failure> {
    let (condition, value) = visible_tokens(visible);
    let select = format!("{SELECT} WHERE {condition} ORDER BY token.id FOR UPDATE OF token");
    let select = transaction.prepare_cached(&select).await?;
    Ok(each(&transaction.query(&select, &[&value]).await?, token)?)
}

async fn delete(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    id: TokenId,
) -> Result<(), Failure> {
    let (condition, value) = visible_tokens(visible);
    let transaction = begin(client).await?;
    // Of several calls, one deletes the token. The others wait for it, and find none.
    let select = format!("{SELECT} WHERE {condition} AND token.id = $2 FOR UPDATE OF token");
    let select = transaction.prepare_cached(&select).await?;
    let found = transaction.query(&select, &[&value, &id.0]).await?;
    let found = found.first().map(token).transpose()?.ok_or(StoreError::TokenMissing)?;
    let delete = transaction.prepare_cached("DELETE FROM token WHERE id = $1").await?;
    transaction.execute(&delete, &[&id.0]).await?;
    audit::note(&transaction, author, &[AuditEvent::delete_token(&found)]).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

/// Updates in the order of the ids, to avoid a deadlock of two nodes that note uses of the same tokens.
async fn note_uses(client: &Client, uses: &[(TokenId, Timestamp)]) -> Result<(), Failure> {
    let update = "WITH used AS (
        SELECT token.id, uses.time FROM token
        JOIN (SELECT id, max(time) AS time FROM unnest($1::bigint[], $2::bigint[]) AS pairs (id, time)
            GROUP BY id) AS uses ON uses.id = token.id
        ORDER BY token.id FOR NO KEY UPDATE OF token
    )
    UPDATE token SET last_used_at = greatest(last_used_at, used.time) FROM used WHERE token.id = used.id";
    let update = client.prepare_cached(update).await?;
    let ids: Vec<i64> = uses.iter().map(|(id, _)| id.0).collect();
    let times: Vec<i64> = uses.iter().map(|(_, time)| time.micros()).collect();
    client.execute(&update, &[&ids, &times]).await.map_err(Failure::Committing)?;
    Ok(())
}
