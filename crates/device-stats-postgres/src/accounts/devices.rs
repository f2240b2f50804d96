//! Statements about devices.

use std::collections::HashMap;

use deadpool_postgres::{Client, GenericClient, Transaction};
use device_stats_domain::{
    Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, DeviceName, ListPage, NewDevice, SearchText,
    UserId,
};
use device_stats_store::{SqlConditions, StoreError, Visibility, VisibleRows};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::database::columns::{column, each, optional_text, optional_time, text};
use crate::database::errors::{Failure, is_missing_parent, is_taken};
use crate::database::transactions::begin;

const DEVICE_ID_UNIQUE: &str = "devices_device_id_unique";
/// The parameters 2 and 3 are the [`VisibleRows`].
const DELETE: &str = "DELETE FROM devices WHERE id = $1 AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR id = $3)";

pub(crate) fn device(row: &Row) -> Result<Device, StoreError> {
    let user_id: Option<i64> = column(row, 3)?;
    Ok(Device {
        key: DeviceKey(column(row, 0)?),
        device_id: text(row, 1, DeviceId::new)?,
        name: optional_text(row, 2, DeviceName::new)?,
        user_id: user_id.map(UserId),
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
        Failure::Committing(error)
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
    new: &NewDevice,
    owned_max: Option<u32>,
) -> Result<Device, Failure> {
    let Some(limit) = OwnedLimit::new(new.user_id, owned_max) else { return insert(client, new).await };
    let transaction = begin(client).await?;
    limit.lock(&transaction).await?;
    let created = insert(&transaction, new).await?;
    limit.check(&transaction).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(created)
}

async fn insert(client: &impl GenericClient, new: &NewDevice) -> Result<Device, Failure> {
    let insert = client
        .prepare_cached(
            "INSERT INTO devices (device_id, name, user_id) VALUES ($1, $2, $3)
             RETURNING id, device_id, name, user_id, created_at",
        )
        .await?;
    let name = new.name.as_ref().map(DeviceName::as_str);
    let owner = new.user_id.map(|id| id.0);
    let created = client.query(&insert, &[&new.device_id.as_str(), &name, &owner]).await.map_err(refused)?;
    let not_returned = || StoreError::Broken("an inserted device was not returned".into());
    Ok(created.first().map(device).transpose()?.ok_or_else(not_returned)?)
}

pub(crate) async fn create_missing(
    client: &mut Client,
    owner: Option<UserId>,
    device_ids: &[DeviceId],
    owned_max: Option<u32>,
) -> Result<(), Failure> {
    let Some(limit) = OwnedLimit::new(owner, owned_max) else {
        insert_missing(client, owner, device_ids).await?;
        return Ok(());
    };
    let transaction = begin(client).await?;
    limit.lock(&transaction).await?;
    if insert_missing(&transaction, owner, device_ids).await? > 0 {
        limit.check(&transaction).await?;
    }
    transaction.commit().await.map_err(Failure::Committing)
}

/// Inserts in the order of the ids, to avoid a deadlock of two calls with the same ids. Returns the number of
/// new devices.
async fn insert_missing(
    client: &impl GenericClient,
    owner: Option<UserId>,
    device_ids: &[DeviceId],
) -> Result<u64, Failure> {
    let insert = client
        .prepare_cached(
            "INSERT INTO devices (device_id, user_id)
             SELECT id, $2::bigint FROM unnest($1::text[]) AS missing (id)
             ORDER BY id COLLATE \"C\" ON CONFLICT DO NOTHING",
        )
        .await?;
    let ids: Vec<&str> = device_ids.iter().map(DeviceId::as_str).collect();
    client.execute(&insert, &[&ids, &owner.map(|id| id.0)]).await.map_err(refused)
}

pub(crate) async fn find(
    client: &Client,
    visible: Visibility,
    device_ids: &[DeviceId],
) -> Result<Vec<Option<Device>>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at FROM devices WHERE device_id = ANY ($1)
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
        "SELECT id, device_id, name, user_id, created_at FROM devices {} ORDER BY id LIMIT {limit} OFFSET {skip}",
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
        "SELECT id, device_id, name, user_id, created_at FROM devices {} ORDER BY id LIMIT {limit}",
        conditions.clause()
    );
    let select = client.prepare_cached(&select).await?;
    let devices = client.query(&select, conditions.values()).await?;
    Ok(each(&devices, device)?)
}

pub(crate) async fn list_by_user(client: &Client, user: UserId) -> Result<Vec<Device>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at FROM devices WHERE user_id = $1 ORDER BY id",
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

/// Begins a transaction, locks a device, and checks that it equals the expected device.
async fn begin_expected<'c>(
    client: &'c mut Client,
    visible: Visibility,
    key: DeviceKey,
    expected: &Device,
    purpose: Purpose,
) -> Result<Transaction<'c>, Failure> {
    let transaction = begin(client).await?;
    let lock = match purpose {
        Purpose::Update => "FOR NO KEY UPDATE",
        Purpose::Delete => "FOR UPDATE",
    };
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at FROM devices WHERE id = $1
         AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR id = $3) {lock}"
    );
    let select = transaction.prepare_cached(&select).await?;
    let VisibleRows { owner, device: visible, .. } = visible.rows();
    let found = transaction.query(&select, &[&key.0, &owner, &visible]).await?;
    match found.first().map(device).transpose()? {
        None => Err(StoreError::DeviceMissing.into()),
        Some(device) if device != *expected => Err(StoreError::Changed.into()),
        Some(_) => Ok(transaction),
    }
}

pub(crate) async fn update(
    client: &mut Client,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
    change: &DeviceChange,
) -> Result<Device, Failure> {
    let Some(expected) = expected else { return set(client, visible, key, change).await };
    let transaction = begin_expected(client, visible, key, expected, Purpose::Update).await?;
    let updated = set(&transaction, visible, key, change).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(updated)
}

/// Sets the fields that a change names.
async fn set(
    client: &impl GenericClient,
    visible: Visibility,
    key: DeviceKey,
    change: &DeviceChange,
) -> Result<Device, Failure> {
    let update = client
        .prepare_cached(
            "UPDATE devices SET
                 name = CASE WHEN $2::boolean THEN $3 ELSE name END,
                 user_id = CASE WHEN $4::boolean THEN $5 ELSE user_id END
             WHERE id = $1 AND ($6::bigint IS NULL OR user_id = $6) AND ($7::bigint IS NULL OR id = $7)
             RETURNING id, device_id, name, user_id, created_at",
        )
        .await?;
    let name = change.name.as_ref().and_then(Option::as_ref).map(DeviceName::as_str);
    let owner = change.user_id.flatten().map(|id| id.0);
    let (has_name, has_owner) = (change.name.is_some(), change.user_id.is_some());
    let VisibleRows { owner: visible_owner, device: visible_key, .. } = visible.rows();
    let values: &[&(dyn ToSql + Sync)] =
        &[&key.0, &has_name, &name, &has_owner, &owner, &visible_owner, &visible_key];
    let updated = client.query(&update, values).await;
    let updated = updated.map_err(refused)?;
    Ok(updated.first().map(device).transpose()?.ok_or(StoreError::DeviceMissing)?)
}

/// Deletes a device. A trigger notes that its readings are left to [`purge`](crate::accounts::purge). The
/// statement waits for running appends and seals, and later ones do not find the device.
pub(crate) async fn delete(
    client: &mut Client,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
) -> Result<(), Failure> {
    let VisibleRows { owner, device: visible_key, .. } = visible.rows();
    if let Some(expected) = expected {
        let transaction = begin_expected(client, visible, key, expected, Purpose::Delete).await?;
        transaction.execute(DELETE, &[&key.0, &owner, &visible_key]).await?;
        return transaction.commit().await.map_err(Failure::Committing);
    }
    let delete = client.prepare_cached(DELETE).await?;
    match client.execute(&delete, &[&key.0, &owner, &visible_key]).await.map_err(Failure::Committing)? {
        0 => Err(StoreError::DeviceMissing.into()),
        _ => Ok(()),
    }
}
