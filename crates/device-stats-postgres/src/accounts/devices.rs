//! Statements about devices.

use std::collections::HashMap;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{
    AuditEvent, Author, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, DeviceName,
    ExpectedInterval, ListPage, NewDevice, SearchText, UserId,
};
use device_stats_store::{SqlConditions, StoreError, Visibility, VisibleRows};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::audit;
use crate::database::columns::{column, each, optional_interval, optional_text, optional_time, text};
use crate::database::errors::{Failure, is_missing_parent, is_taken};
use crate::database::transactions::begin;
use crate::tokens;

const DEVICE_ID_UNIQUE: &str = "devices_device_id_unique";

pub(crate) fn device(row: &Row) -> Result<Device, StoreError> {
    let user_id: Option<i64> = column(row, 3)?;
    Ok(Device {
        key: DeviceKey(column(row, 0)?),
        device_id: text(row, 1, DeviceId::new)?,
        name: optional_text(row, 2, DeviceName::new)?,
        user_id: user_id.map(UserId),
        expected_interval: optional_interval(row, 5)?,
        created_at: optional_time(row, 4)?,
    })
}

/// Converts an error of a statement that sets a device id or an owner. The database checks the device id
/// first.
fn refused(error: Error) -> Failure {
    if is_taken(&error, DEVICE_ID_UNIQUE) {
        StoreError::DeviceIdTaken.into()
    } else if is_missing_parent(&error) {
        StoreError::UserMissing.into()
    } else {
        Failure::Before(error)
    }
}

/// A limit on the devices of a user, for the devices that a transaction creates.
#[derive(Clone, Copy)]
struct OwnedLimit {
    owner: UserId,
    devices_max: u32,
}

impl OwnedLimit {
    fn new(owner: Option<UserId>, owned_max: Option<u32>) -> Option<Self> {
        Some(Self { owner: owner?, devices_max: owned_max? })
    }

    /// Locks the owner, so that concurrent transactions with a limit count one after the other. Appends and
    /// transactions without a limit do not wait.
    async fn lock(self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        let lock = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE";
        let lock = transaction.prepare_cached(lock).await?;
        transaction.query(&lock, &[&self.owner.0]).await?;
        Ok(())
    }

    /// Checks the number of devices after the transaction has created some. The count is a statement of its
    /// own, so that it sees the devices of the transaction before.
    async fn check(self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        let count = "SELECT count(*) FROM devices WHERE user_id = $1";
        let count = transaction.prepare_cached(count).await?;
        let owned: i64 = column(&transaction.query_one(&count, &[&self.owner.0]).await?, 0)?;
        let Self { devices_max, .. } = self;
        if owned > i64::from(devices_max) {
            return Err(StoreError::TooManyOwnedDevices { devices_max }.into());
        }
        Ok(())
    }
}

pub(crate) async fn create(
    client: &mut Client,
    author: &Author,
    new: &NewDevice,
    owned_max: Option<u32>,
) -> Result<Device, Failure> {
    let limit = OwnedLimit::new(new.user_id, owned_max);
    let transaction = begin(client).await?;
    if let Some(limit) = limit {
        limit.lock(&transaction).await?;
    }
    let created = insert(&transaction, new).await?;
    if let Some(limit) = limit {
        limit.check(&transaction).await?;
    }
    audit::note(&transaction, author, &[AuditEvent::create_device(&created)]).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(created)
}

async fn insert(transaction: &Transaction<'_>, new: &NewDevice) -> Result<Device, Failure> {
    let insert = transaction
        .prepare_cached(
            "INSERT INTO devices (device_id, name, user_id, expected_interval_us) VALUES ($1, $2, $3, $4)
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .await?;
    let name = new.name.as_ref().map(DeviceName::as_str);
    let owner = new.user_id.map(|id| id.0);
    let interval_us = new.expected_interval.map(ExpectedInterval::micros);
    let values: &[&(dyn ToSql + Sync)] = &[&new.device_id.as_str(), &name, &owner, &interval_us];
    let created = transaction.query(&insert, values).await;
    let created = created.map_err(refused)?;
    let not_returned = || StoreError::Broken("an inserted device was not returned".into());
    Ok(created.first().map(device).transpose()?.ok_or_else(not_returned)?)
}

pub(crate) async fn create_missing(
    client: &mut Client,
    author: &Author,
    owner: Option<UserId>,
    device_ids: &[DeviceId],
    owned_max: Option<u32>,
) -> Result<(), Failure> {
    let limit = OwnedLimit::new(owner, owned_max);
    let transaction = begin(client).await?;
    if let Some(limit) = limit {
        limit.lock(&transaction).await?;
    }
    let created = insert_missing(&transaction, owner, device_ids).await?;
    if let Some(limit) = limit.filter(|_| !created.is_empty()) {
        limit.check(&transaction).await?;
    }
    let events: Vec<_> = created.iter().map(AuditEvent::create_device).collect();
    audit::note(&transaction, author, &events).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

/// Inserts in the order of the ids, to avoid a deadlock of two calls with the same ids. Returns the new
/// devices.
async fn insert_missing(
    transaction: &Transaction<'_>,
    owner: Option<UserId>,
    device_ids: &[DeviceId],
) -> Result<Vec<Device>, Failure> {
    let insert = transaction
        .prepare_cached(
            "INSERT INTO devices (device_id, user_id)
             SELECT id, $2::bigint FROM unnest($1::text[]) AS missing (id)
             ORDER BY id COLLATE \"C\" ON CONFLICT DO NOTHING
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .await?;
    let ids: Vec<&str> = device_ids.iter().map(DeviceId::as_str).collect();
    let created = transaction.query(&insert, &[&ids, &owner.map(|id| id.0)]).await.map_err(refused)?;
    Ok(each(&created, device)?)
}

pub(crate) async fn find(
    client: &Client,
    visible: Visibility,
    device_ids: &[DeviceId],
) -> Result<Vec<Option<Device>>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE device_id = ANY ($1)
             AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR id = $3)",
        )
        .await?;
    let ids: Vec<&str> = device_ids.iter().map(DeviceId::as_str).collect();
    let VisibleRows { owner, device: key, .. } = visible.rows();
    let found = client.query(&select, &[&ids, &owner, &key]).await?;
    let found: HashMap<_, _> =
        each(&found, device)?.into_iter().map(|device| (device.device_id.clone(), device)).collect();
    Ok(device_ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(crate) async fn list(
    client: &Client,
    visible: Visibility,
    page: ListPage,
) -> Result<Vec<Device>, Failure> {
    let VisibleRows { owner, device: key, .. } = visible.rows();
    let page_limit = i64::from(page.limit);
    let mut conditions: SqlConditions<'_, dyn ToSql + Sync> = SqlConditions::new('$');
    add_visible(&mut conditions, owner.as_ref(), key.as_ref());
    let (limit, skip) = (conditions.value(&page_limit), conditions.value(&page.skip));
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices {} ORDER BY id LIMIT {limit} OFFSET {skip}",
        conditions.clause()
    );
    let select = client.prepare_cached(&select).await?;
    let devices = client.query(&select, conditions.values()).await?;
    Ok(each(&devices, device)?)
}

/// Adds the conditions of [`Visibility`].
fn add_visible<'v>(
    conditions: &mut SqlConditions<'v, dyn ToSql + Sync + 'v>,
    owner: Option<&'v i64>,
    key: Option<&'v i64>,
) {
    if let Some(owner) = owner {
        conditions.add("user_id = @", owner);
    }
    if let Some(key) = key {
        conditions.add("id = @", key);
    }
}

pub(crate) async fn list_after(
    client: &Client,
    visible: Visibility,
    after: DeviceKey,
    filter: &DeviceFilter,
    limit: u32,
) -> Result<Vec<Device>, Failure> {
    let DeviceFilter { user_id, prefix, text } = filter;
    let (owner, limit) = (user_id.map(|id| id.0), i64::from(limit));
    let range = prefix.as_ref().map(|prefix| (prefix.as_str(), prefix.end()));
    let text = text.as_ref().map(SearchText::as_lower_case);
    let mut conditions: SqlConditions<'_, dyn ToSql + Sync> = SqlConditions::new('$');
    conditions.add("id > @", &after.0);
    let VisibleRows { owner: visible_owner, device: key, .. } = visible.rows();
    add_visible(&mut conditions, visible_owner.as_ref(), key.as_ref());
    if let Some(owner) = &owner {
        conditions.add("user_id = @", owner);
    }
    if let Some((first, end)) = &range {
        conditions.add("device_id >= @", first);
        if let Some(end) = end {
            conditions.add("device_id < @", end);
        }
    }
    if let Some(text) = &text {
        conditions.add("(strpos(lower(device_id), @) > 0 OR strpos(lower(name), @) > 0)", text);
    }
    let limit = conditions.value(&limit);
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices {} ORDER BY id LIMIT {limit}",
        conditions.clause()
    );
    let select = client.prepare_cached(&select).await?;
    let devices = client.query(&select, conditions.values()).await?;
    Ok(each(&devices, device)?)
}

pub(crate) async fn list_by_user(client: &Client, user: UserId) -> Result<Vec<Device>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE user_id = $1 ORDER BY id",
        )
        .await?;
    let devices = client.query(&select, &[&user.0]).await?;
    Ok(each(&devices, device)?)
}

/// What a transaction does to rows after it has checked that they are unchanged. It decides which lock the
/// check takes. Every append holds `FOR KEY SHARE` on its device, so an update must not take the lock of a
/// deletion: on a device with continuous appends, it would never get it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Update,
    Delete,
}

/// Locks a device, checks that it equals the expected one, if there is one, and returns it.
async fn lock(
    transaction: &Transaction<'_>,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
    purpose: Purpose,
) -> Result<Device, Failure> {
    let lock = match purpose {
        Purpose::Update => "FOR NO KEY UPDATE",
        Purpose::Delete => "FOR UPDATE",
    };
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE id = $1
         AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR id = $3) {lock}"
    );
    let select = transaction.prepare_cached(&select).await?;
    let VisibleRows { owner, device: visible, .. } = visible.rows();
    let found = transaction.query(&select, &[&key.0, &owner, &visible]).await?;
    let found = found.first().map(device).transpose()?.ok_or(StoreError::DeviceMissing)?;
    if expected.is_none_or(|expected| found == *expected) {
        Ok(found)
    } else {
        Err(StoreError::Changed.into())
    }
}

pub(crate) async fn update(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
    change: &DeviceChange,
) -> Result<Device, Failure> {
    let transaction = begin(client).await?;
    let before = lock(&transaction, visible, key, expected, Purpose::Update).await?;
    let updated = set(&transaction, visible, key, change).await?;
    audit::note(&transaction, author, &AuditEvent::update_device(&before, &updated)).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(updated)
}

/// Sets the fields that a change names.
async fn set(
    transaction: &Transaction<'_>,
    visible: Visibility,
    key: DeviceKey,
    change: &DeviceChange,
) -> Result<Device, Failure> {
    let update = transaction
        .prepare_cached(
            "UPDATE devices SET
                 name = CASE WHEN $2::boolean THEN $3 ELSE name END,
                 user_id = CASE WHEN $4::boolean THEN $5 ELSE user_id END,
                 expected_interval_us = CASE WHEN $8::boolean THEN $9 ELSE expected_interval_us END
             WHERE id = $1 AND ($6::bigint IS NULL OR user_id = $6) AND ($7::bigint IS NULL OR id = $7)
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .await?;
    let name = change.name.as_ref().and_then(Option::as_ref).map(DeviceName::as_str);
    let owner = change.user_id.flatten().map(|id| id.0);
    let interval_us = change.expected_interval.flatten().map(ExpectedInterval::micros);
    let (has_name, has_owner) = (change.name.is_some(), change.user_id.is_some());
    let has_interval = change.expected_interval.is_some();
    let VisibleRows { owner: visible_owner, device: visible_key, .. } = visible.rows();
    let values: &[&(dyn ToSql + Sync)] = &[
        &key.0,
        &has_name,
        &name,
        &has_owner,
        &owner,
        &visible_owner,
        &visible_key,
        &has_interval,
        &interval_us,
    ];
    let updated = transaction.query(&update, values).await.map_err(refused)?;
    Ok(updated.first().map(device).transpose()?.ok_or(StoreError::DeviceMissing)?)
}

/// Deletes a device. A trigger notes that its readings are left to [`purge`](crate::accounts::purge). The
/// lock waits for running appends and seals, and later ones do not find the device.
pub(crate) async fn delete(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
) -> Result<(), Failure> {
    let transaction = begin(client).await?;
    let deleted = lock(&transaction, visible, key, expected, Purpose::Delete).await?;
    let tokens = tokens::lock_all(&transaction, Visibility::Device(key)).await?;
    transaction.execute("DELETE FROM devices WHERE id = $1", &[&key.0]).await?;
    audit::note(&transaction, author, &AuditEvent::delete_device(&deleted, &tokens)).await?;
    transaction.commit().await.map_err(Failure::Committing)
}
