//! Statements about users.

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{
    AuditEvent, Author, Email, ListPage, NewUser, SearchText, User, UserChange, UserFilter, UserId, Username,
};
use device_stats_store::{SqlConditions, StoreError, UserState, Visibility};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::accounts::devices::{Purpose, device};
use crate::audit;
use crate::database::columns::{column, each, optional_time, text};
use crate::database::errors::{Failure, is_taken};
use crate::database::transactions::{UNLIMITED, begin};
use crate::tokens;

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

pub(crate) async fn create(client: &mut Client, author: &Author, new: &NewUser) -> Result<User, Failure> {
    let transaction = begin(client).await?;
    let insert = transaction
        .prepare_cached(
            "INSERT INTO users (username, email) VALUES ($1, $2) RETURNING id, username, email, created_at",
        )
        .await?;
    match transaction.query(&insert, &[&new.username.as_str(), &new.email.as_str()]).await {
        Ok(created) => {
            let created = created.first().map(user).transpose()?.ok_or_else(not_returned)?;
            audit::note(&transaction, author, &[AuditEvent::create_user(&created)]).await?;
            transaction.commit().await.map_err(Failure::Committing)?;
            Ok(created)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(refused(client, error, None, Some(&new.email)).await)
        }
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
    author: &Author,
    visible: Visibility,
    id: UserId,
    expected: Option<&UserState>,
    change: &UserChange,
) -> Result<User, Failure> {
    let transaction = begin(client).await?;
    let before = match expected {
        None => lock_user(&transaction, visible, id).await?,
        Some(expected) => {
            let found = lock(&transaction, visible, id, Purpose::Update).await?;
            check(&found, Some(expected))?;
            found.user
        }
    };
    match try_update(&transaction, visible, id, change).await? {
        Ok(updated) => {
            audit::note(&transaction, author, &AuditEvent::update_user(&before, &updated)).await?;
            transaction.commit().await.map_err(Failure::Committing)?;
            Ok(updated)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(refused(client, error, Some(id), change.email.as_ref()).await)
        }
    }
}

/// Changes a user. Returns the error of the statement that sets the values.
async fn try_update(
    transaction: &Transaction<'_>,
    visible: Visibility,
    id: UserId,
    change: &UserChange,
) -> Result<Result<User, Error>, Failure> {
    let update = transaction
        .prepare_cached(
            "UPDATE users SET username = coalesce($2, username), email = coalesce($3, email) WHERE id = $1
             AND ($4::bigint IS NULL OR id = $4)
             RETURNING id, username, email, created_at",
        )
        .await?;
    let username = change.username.as_ref().map(Username::as_str);
    let email = change.email.as_ref().map(Email::as_str);
    match transaction.query(&update, &[&id.0, &username, &email, &visible.rows().user_id]).await {
        Ok(updated) => Ok(Ok(updated.first().map(user).transpose()?.ok_or(StoreError::UserMissing)?)),
        Err(error) => Ok(Err(error)),
    }
}

/// Locks a user, and returns it.
async fn lock_user(transaction: &Transaction<'_>, visible: Visibility, id: UserId) -> Result<User, Failure> {
    let select = "SELECT id, username, email, created_at FROM users WHERE id = $1
                  AND ($2::bigint IS NULL OR id = $2) FOR UPDATE";
    let select = transaction.prepare_cached(select).await?;
    let found = transaction.query(&select, &[&id.0, &visible.rows().user_id]).await?;
    Ok(found.first().map(user).transpose()?.ok_or(StoreError::UserMissing)?)
}

/// Locks a user and its devices by ascending key, as in an append, and returns them. With the user locked, it
/// gets no further device. The statement timeout limits the wait for running appends.
async fn lock(
    transaction: &Transaction<'_>,
    visible: Visibility,
    id: UserId,
    purpose: Purpose,
) -> Result<UserState, Failure> {
    let found = lock_user(transaction, visible, id).await?;
    let lock = match purpose {
        Purpose::Update => "FOR SHARE",
        Purpose::Delete => "FOR UPDATE",
    };
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE user_id = $1 ORDER BY id {lock}"
    );
    let select = transaction.prepare_cached(&select).await?;
    let devices = each(&transaction.query(&select, &[&id.0]).await?, device)?;
    Ok(UserState { user: found, devices })
}

/// Checks that a user and its devices equal the expected state, if there is one.
fn check(found: &UserState, expected: Option<&UserState>) -> Result<(), StoreError> {
    if expected.is_none_or(|expected| found == expected) { Ok(()) } else { Err(StoreError::Changed) }
}

/// Deletes a user. A foreign key deletes its devices. A trigger notes that their readings are left to
/// [`purge`](crate::accounts::purge). The statement timeout does not limit the deletion of the devices,
/// because a user can have many.
pub(crate) async fn delete(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    id: UserId,
    expected: Option<&UserState>,
) -> Result<(), Failure> {
    let transaction = begin(client).await?;
    // A user that the caller may not see is not locked: others do not wait for the call.
    let found = lock(&transaction, visible, id, Purpose::Delete).await?;
    check(&found, expected)?;
    let tokens = tokens::lock_all(&transaction, Visibility::User(id)).await?;
    transaction.batch_execute(UNLIMITED).await?;
    transaction.execute("DELETE FROM users WHERE id = $1", &[&id.0]).await?;
    audit::note(&transaction, author, &AuditEvent::delete_user(&found.user, &found.devices, &tokens)).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

/// Converts an error of a statement that sets the username and the email address of the user `id`; `None` for
/// a new user. The database reports only one violated constraint. If both values are taken, this function
/// returns `EmailTaken`.
async fn refused(client: &Client, error: Error, id: Option<UserId>, email: Option<&Email>) -> Failure {
    if is_taken(&error, EMAIL_UNIQUE) {
        return StoreError::EmailTaken.into();
    }
    if !is_taken(&error, USERNAME_UNIQUE) {
        return Failure::Before(error);
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
