//! Blocks of reading ids.

use std::ops::Range;

use deadpool_postgres::Client;
use device_stats_store::StoreError;

use crate::database::columns::column;
use crate::database::errors::Failure;

pub(crate) async fn reserve(client: &Client, count: u32) -> Result<Range<i64>, Failure> {
    let update = client
        .prepare_cached("UPDATE id_block SET next = next + $1 WHERE name = 'reading' RETURNING next")
        .await?;
    let updated = client.query(&update, &[&i64::from(count)]).await.map_err(Failure::Committing)?;
    let no_block = || StoreError::Broken("the database has no block of reading ids".into());
    let next: i64 = column(updated.first().ok_or_else(no_block)?, 0)?;
    Ok(next - i64::from(count)..next)
}
