//! Statements about users.

use deadpool_postgres::{Client, GenericClient, Transaction};
use device_stats_domain::{
    Email, ListPage, NewUser, SearchText, User, UserChange, UserFilter, UserId, Username,
};
use device_stats_store::{SqlConditions, StoreError, UserState, Visibility};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::accounts::devices::{Purpose, device};
use crate::database::columns::{column, each, optional_time, text};
use crate::database::errors::{Failure, is_taken};
use crate::database::transactions::{BEGIN, UNLIMITED, at_once, begin, try_join, try_join3};

const EMAIL_UNIQUE: &str = "users_email_unique";
const USERNAME_UNIQUE: &str = "users_username_unique";

fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(column(row, 0)?),
        username: text(row, 1, Username::new)?,
        email: text(row, 2, |text| Email::parse(&text))?,
        created_at: optional_time(row, 3)?,
    })
}

pub(crate) async fn create(client: &Client, new: &NewUser) -> Result<User, Failure> {
    let insert = client
        .prepare_cached(
            "INSERT INTO users (username, email) VALUES ($1, $2) RETURNING id, username, email, created_at",
        )
        .await?;
    match client.query(&insert, &[&new.username.as_str(), &new.email.as_str()]).await {
        Ok(created) => Ok(created.first().map(user).transpose()?.ok_or_else(not_returned)?),
        Err(error) => Err(refused(client, error, None, Some(&new.email)).await),
    }
}

fn not_returned() -> StoreError {
    StoreError::Broken("an inserted user was not returned".into())
}

pub(crate) async fn find(client: &Client, visible: Visibility, id: UserId) -> Result<Option<User>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, username, email, created_at FROM users WHERE id = $1
             AND ($2::bigint IS NULL OR id = $2)",
        )
        .await?;
    let found = client.query(&select, &[&id.0, &visible.rows().user_id]).await?;
    Ok(found.first().map(user).transpose()?)
}

pub(crate) async fn list(client: &Client, visible: Visibility, page: ListPage) -> Result<Vec<User>, Failure> {
    let (user_id, page_limit) = (visible.rows().user_id, i64::from(page.limit));
    let mut conditions: SqlConditions<'_, dyn ToSql + Sync> = SqlConditions::new('$');
    add_visible(&mut conditions, user_id.as_ref());
    let (limit, skip) = (conditions.value(&page_limit), conditions.value(&page.skip));
    let select = format!(
        "SELECT id, username, email, created_at FROM users {} ORDER BY id LIMIT {limit} OFFSET {skip}",
        conditions.clause()
    );
    let select = client.prepare_cached(&select).await?;
    let users = client.query(&select, conditions.values()).await?;
    Ok(each(&users, user)?)
}

/// Adds the condition of [`Visibility`].
fn add_visible<'v>(conditions: &mut SqlConditions<'v, dyn ToSql + Sync + 'v>, user_id: Option<&'v i64>) {
    if let Some(user_id) = user_id {
        conditions.add("id = @", user_id);
    }
}

pub(crate) async fn list_after(
    client: &Client,
    visible: Visibility,
    after: UserId,
    filter: &UserFilter,
    limit: u32,
) -> Result<Vec<User>, Failure> {
    let UserFilter { username, text } = filter;
    let (username, limit) = (username.as_ref().map(Username::as_str), i64::from(limit));
    let text = text.as_ref().map(SearchText::as_lower_case);
    let mut conditions: SqlConditions<'_, dyn ToSql + Sync> = SqlConditions::new('$');
    conditions.add("id > @", &after.0);
    let user_id = visible.rows().user_id;
    add_visible(&mut conditions, user_id.as_ref());
    if let Some(username) = &username {
        conditions.add("username = @", username);
    }
    if let Some(text) = &text {
        conditions.add("(strpos(lower(username), @) > 0 OR strpos(lower(email), @) > 0)", text);
    }
    let limit = conditions.value(&limit);
    let select = format!(
        "SELECT id, username, email, created_at FROM users {} ORDER BY id LIMIT {limit}",
        conditions.clause()
    );
    let select = client.prepare_cached(&select).await?;
    let users = client.query(&select, conditions.values()).await?;
    Ok(each(&users, user)?)
}

pub(crate) async fn update(
    client: &mut Client,
    visible: Visibility,
    id: UserId,
    expected: Option<&UserState>,
    change: &UserChange,
) -> Result<User, Failure> {
    let updated = match expected {
        None => try_update(client, visible, id, change).await?,
        Some(expected) => {
            let transaction = begin_expected(client, visible, id, expected, Purpose::Update).await?;
            let updated = try_update(&transaction, visible, id, change).await?;
            match updated {
                Ok(_) => transaction.commit().await.map_err(Failure::Committing)?,
                Err(_) => transaction.rollback().await?,
            }
            updated
        }
    };
    match updated {
        Ok(updated) => Ok(updated),
        Err(error) => Err(refused(client, error, Some(id), change.email.as_ref()).await),
    }
}

/// Changes a user. Returns the error of the statement that sets the values.
async fn try_update(
    client: &impl GenericClient,
    visible: Visibility,
    id: UserId,
    change: &UserChange,
) -> Result<Result<User, Error>, Failure> {
    let update = client
        .prepare_cached(
            "UPDATE users SET username = coalesce($2, username), email = coalesce($3, email) WHERE id = $1
             AND ($4::bigint IS NULL OR id = $4)
             RETURNING id, username, email, created_at",
        )
        .await?;
    let username = change.username.as_ref().map(Username::as_str);
    let email = change.email.as_ref().map(Email::as_str);
    match client.query(&update, &[&id.0, &username, &email, &visible.rows().user_id]).await {
        Ok(updated) => Ok(Ok(updated.first().map(user).transpose()?.ok_or(StoreError::UserMissing)?)),
        Err(error) => Ok(Err(error)),
    }
}

/// Begins a transaction, locks a user and its devices in the order of a deletion, and checks that they equal
/// the expected state. With the user locked, it gets no further device.
async fn begin_expected<'c>(
    client: &'c mut Client,
    visible: Visibility,
    id: UserId,
    expected: &UserState,
    purpose: Purpose,
) -> Result<Transaction<'c>, Failure> {
    let transaction = begin(client).await?;
    let select = "SELECT id, username, email, created_at FROM users WHERE id = $1
                  AND ($2::bigint IS NULL OR id = $2) FOR UPDATE";
    let select = transaction.prepare_cached(select).await?;
    let found = transaction.query(&select, &[&id.0, &visible.rows().user_id]).await?;
    let found = found.first().map(user).transpose()?.ok_or(StoreError::UserMissing)?;
    let lock = match purpose {
        Purpose::Update => "FOR SHARE",
        Purpose::Delete => "FOR UPDATE",
    };
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at FROM devices WHERE user_id = $1 ORDER BY id {lock}"
    );
    let select = transaction.prepare_cached(&select).await?;
    let devices = each(&transaction.query(&select, &[&id.0]).await?, device)?;
    let found = UserState { user: found, devices };
    if found == *expected { Ok(transaction) } else { Err(StoreError::Changed.into()) }
}

pub(crate) async fn delete(
    client: &mut Client,
    visible: Visibility,
    id: UserId,
    expected: Option<&UserState>,
) -> Result<(), Failure> {
    match expected {
        None => delete_any(client, visible, id).await,
        Some(expected) => delete_expected(client, visible, id, expected).await,
    }
}

async fn delete_expected(
    client: &mut Client,
    visible: Visibility,
    id: UserId,
    expected: &UserState,
) -> Result<(), Failure> {
    let transaction = begin_expected(client, visible, id, expected, Purpose::Delete).await?;
    transaction.batch_execute(UNLIMITED).await?;
    transaction.execute("DELETE FROM users WHERE id = $1", &[&id.0]).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

/// Deletes a user. A foreign key deletes its devices. A trigger notes that their readings are left to
/// [`purge`](crate::accounts::purge). The devices are locked by ascending key, as in an append. The statement
/// timeout limits the wait for running appends. It does not limit the deletion of the devices, because a user
/// can have many.
async fn delete_any(client: &Client, visible: Visibility, id: UserId) -> Result<(), Failure> {
    let lock = "SELECT 1 FROM users WHERE id = $1 AND ($2::bigint IS NULL OR id = $2) FOR UPDATE";
    let lock = client.prepare_cached(lock).await?;
    let lock_devices = "SELECT 1 FROM devices WHERE user_id = $1 AND ($2::bigint IS NULL OR user_id = $2)
                        ORDER BY id FOR UPDATE";
    let lock_devices = client.prepare_cached(lock_devices).await?;
    let delete = "DELETE FROM users WHERE id = $1 AND ($2::bigint IS NULL OR id = $2)";
    let delete = client.prepare_cached(delete).await?;
    // A user that the caller may not see is not locked either: others do not wait for the call.
    let user: &[&(dyn ToSql + Sync)] = &[&id.0, &visible.rows().user_id];
    let work = try_join3(
        try_join(client.execute(&lock, user), client.execute(&lock_devices, user)),
        client.batch_execute(UNLIMITED),
        client.execute(&delete, user),
    );
    match at_once(client, BEGIN, Box::pin(work)).await.map_err(Failure::Committing)? {
        (_, (), 0) => Err(StoreError::UserMissing.into()),
        _ => Ok(()),
    }
}

/// Converts an error of a statement that sets the username and the email address of the user `id`; `None` for
/// a new user. The database reports only one violated constraint. If both values are taken, this function
/// returns `EmailTaken`.
async fn refused(client: &Client, error: Error, id: Option<UserId>, email: Option<&Email>) -> Failure {
    if is_taken(&error, EMAIL_UNIQUE) {
        return StoreError::EmailTaken.into();
    }
    if !is_taken(&error, USERNAME_UNIQUE) {
        return Failure::Committing(error);
    }
    let Some(email) = email else { return StoreError::UsernameTaken.into() };
    match is_email_taken(client, id, email).await {
        Ok(true) => StoreError::EmailTaken.into(),
        Ok(false) => StoreError::UsernameTaken.into(),
        Err(error) => error.into(),
    }
}

/// Returns whether a user other than `id` has the email address.
async fn is_email_taken(client: &Client, id: Option<UserId>, email: &Email) -> Result<bool, Error> {
    let select =
        client.prepare_cached("SELECT 1 FROM users WHERE email = $1 AND id IS DISTINCT FROM $2").await?;
    Ok(!client.query(&select, &[&email.as_str(), &id.map(|id| id.0)]).await?.is_empty())
}
