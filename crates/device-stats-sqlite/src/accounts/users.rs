//! Statements about users.

use device_stats_domain::{
    AuditEvent, Author, Email, ListPage, NewUser, SearchText, TokenId, User, UserChange, UserFilter, UserId,
    Username,
};
use device_stats_store::{SqlConditions, StoreError, UserState, Visibility};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::accounts::{devices, now_us};
use crate::audit;
use crate::database::columns::{optional_time, text};
use crate::database::errors::store_error;
use crate::hot::HotView;
use crate::tokens;

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get(0)?),
        username: text(row, 1, Username::new)?,
        email: text(row, 2, |text| Email::parse(&text))?,
        created_at: optional_time(row, 3)?,
    })
}

pub(crate) fn create(connection: &Connection, new: &NewUser) -> Result<User, StoreError> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO users (username, email, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
             RETURNING id, username, email, created_at",
        )
        .map_err(store_error)?;
    let created = insert.query_row((new.username.as_str(), new.email.as_str(), now_us()), user).optional();
    match created.map_err(store_error)? {
        Some(created) => Ok(created),
        None if is_email_taken(connection, None, &new.email)? => Err(StoreError::EmailTaken),
        None => Err(StoreError::UsernameTaken),
    }
}

pub(crate) fn find(
    connection: &Connection,
    visible: Visibility,
    id: UserId,
) -> Result<Option<User>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT id, username, email, created_at FROM users WHERE id = ?1 AND (?2 IS NULL OR id = ?2)",
        )
        .map_err(store_error)?;
    select.query_row((id.0, visible.rows().user_id), user).optional().map_err(store_error)
}

pub(crate) fn list(
    connection: &Connection,
    visible: Visibility,
    page: ListPage,
) -> Result<Vec<User>, StoreError> {
    let user_id = visible.rows().user_id;
    let mut conditions: SqlConditions<'_, dyn ToSql> = SqlConditions::new('?');
    add_visible(&mut conditions, user_id.as_ref());
    let (limit, skip) = (conditions.value(&page.limit), conditions.value(&page.skip));
    let select = format!(
        "SELECT id, username, email, created_at FROM users {} ORDER BY id LIMIT {limit} OFFSET {skip}",
        conditions.clause()
    );
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let users = select.query_map(conditions.values(), user);
    users.and_then(Iterator::collect).map_err(store_error)
}

/// Adds the condition of [`Visibility`].
fn add_visible<'v>(conditions: &mut SqlConditions<'v, dyn ToSql + 'v>, user_id: Option<&'v i64>) {
    if let Some(user_id) = user_id {
        conditions.add("id = @", user_id);
    }
}

pub(crate) fn list_after(
    connection: &Connection,
    visible: Visibility,
    after: UserId,
    filter: &UserFilter,
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let UserFilter { username, text } = filter;
    let username = username.as_ref().map(Username::as_str);
    let text = text.as_ref().map(SearchText::as_lower_case);
    let mut conditions: SqlConditions<'_, dyn ToSql> = SqlConditions::new('?');
    conditions.add("id > @", &after.0);
    let user_id = visible.rows().user_id;
    add_visible(&mut conditions, user_id.as_ref());
    if let Some(username) = &username {
        conditions.add("username = @", username);
    }
    if let Some(text) = &text {
        conditions.add("(instr(lower(username), @) > 0 OR instr(lower(email), @) > 0)", text);
    }
    let limit = conditions.value(&limit);
    let select = format!(
        "SELECT id, username, email, created_at FROM users {} ORDER BY id LIMIT {limit}",
        conditions.clause()
    );
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let users = select.query_map(conditions.values(), user);
    users.and_then(Iterator::collect).map_err(store_error)
}

pub(crate) fn update(
    connection: &Connection,
    visible: Visibility,
    id: UserId,
    change: &UserChange,
) -> Result<User, StoreError> {
    let mut update = connection
        .prepare_cached(
            "UPDATE OR IGNORE users SET username = coalesce(?2, username), email = coalesce(?3, email)
             WHERE id = ?1 AND (?4 IS NULL OR id = ?4) RETURNING id, username, email, created_at",
        )
        .map_err(store_error)?;
    let username = change.username.as_ref().map(Username::as_str);
    let email = change.email.as_ref().map(Email::as_str);
    let updated = update
        .query_row((id.0, username, email, visible.rows().user_id), user)
        .optional()
        .map_err(store_error)?;
    match (updated, &change.email) {
        (Some(updated), _) => Ok(updated),
        (None, _) if find(connection, visible, id)?.is_none() => Err(StoreError::UserMissing),
        (None, Some(email)) if is_email_taken(connection, Some(id), email)? => Err(StoreError::EmailTaken),
        (None, _) => Err(StoreError::UsernameTaken),
    }
}

/// Checks that a user and its devices equal the expected state, if there is one.
pub(crate) fn check(
    connection: &Connection,
    visible: Visibility,
    id: UserId,
    expected: Option<&UserState>,
) -> Result<(), StoreError> {
    let Some(UserState { user, devices }) = expected else { return Ok(()) };
    let found = find(connection, visible, id)?.ok_or(StoreError::UserMissing)?;
    let is_unchanged = found == *user && devices::list_by_user(connection, id)? == *devices;
    if is_unchanged { Ok(()) } else { Err(StoreError::Changed) }
}

/// Deletes a user. A foreign key deletes the devices. A trigger notes that their segments are left to
/// [`purge`](crate::accounts::purge).
pub(crate) fn delete(
    connection: &Connection,
    hot: &HotView,
    author: &Author,
    visible: Visibility,
    id: UserId,
) -> Result<(), StoreError> {
    let devices = devices::list_by_user(connection, id)?;
    let tokens = tokens::list(connection, Visibility::User(id), TokenId(0), u32::MAX)?;
    let mut delete = connection
        .prepare_cached(
            "DELETE FROM users WHERE id = ?1 AND (?2 IS NULL OR id = ?2)
             RETURNING id, username, email, created_at",
        )
        .map_err(store_error)?;
    let deleted = delete.query_row((id.0, visible.rows().user_id), user).optional().map_err(store_error)?;
    let deleted = deleted.ok_or(StoreError::UserMissing)?;
    audit::note(connection, author, &AuditEvent::delete_user(&deleted, &devices, &tokens))?;
    devices::delete_hot_readings(connection, hot, devices.iter().map(|device| device.key))
}

/// Returns whether a user other than `id` has the email address. The caller asks after a row was refused, in
/// the same transaction, to find out which of the two unique indexes refused it.
fn is_email_taken(connection: &Connection, id: Option<UserId>, email: &Email) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM users WHERE email = ?1 AND id IS NOT ?2)")
        .map_err(store_error)?;
    select.query_row((email.as_str(), id.map(|id| id.0)), |row| row.get(0)).map_err(store_error)
}
