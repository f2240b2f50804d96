//! The sizes of the database.

use deadpool_postgres::Client;
use device_stats_store::StoreFigures;
use device_stats_store::limits::SEGMENTS_COUNTED_MAX;

use crate::database::columns::{column, count};
use crate::database::errors::Failure;

/// Counts up to `$1` segments and their readings. If there are more, estimates their number as the number of
/// hot readings is estimated (`readings/hot.rs`). The space includes rows that PostgreSQL has deleted and not
/// used again.
const FIGURES: &str = "WITH found AS MATERIALIZED (
        SELECT 'segment'::regclass AS table_id, counted, readings FROM (
            SELECT count(*) AS counted, coalesce(sum(readings), 0)::bigint AS readings FROM (
                SELECT readings FROM segment WHERE device > $2 ORDER BY device, last_us LIMIT $1) AS first) AS sums)
    SELECT counted, readings,
        CASE WHEN counted < $1 THEN counted ELSE greatest(
            counted, pg_stat_get_live_tuples(table_id),
            (SELECT reltuples FROM pg_class WHERE oid = table_id)::bigint) END,
        pg_table_size(table_id) + pg_table_size('segment_block'),
        pg_database_size(current_database()), current_setting('server_version')
    FROM found";

pub(crate) async fn figures(client: &Client) -> Result<StoreFigures, Failure> {
    let select = client.prepare_cached(FIGURES).await?;
    // The condition on the device makes PostgreSQL use the index from its beginning.
    let row = client.query_one(&select, &[&i64::from(SEGMENTS_COUNTED_MAX), &i64::MIN]).await?;
    let (counted, readings, segments) = (count(&row, 0)?, count(&row, 1)?, count(&row, 2)?);
    let estimate = u128::from(readings) * u128::from(segments) / u128::from(counted.max(1));
    let version: String = column(&row, 5)?;
    Ok(StoreFigures {
        database: "postgresql",
        // Distributions add their own version.
        version: version.split_whitespace().next().unwrap_or_default().to_owned(),
        segments,
        sealed_readings: u64::try_from(estimate).unwrap_or(u64::MAX),
        segment_bytes: count(&row, 3)?,
        database_bytes: count(&row, 4)?,
        free_bytes: None,
    })
}
