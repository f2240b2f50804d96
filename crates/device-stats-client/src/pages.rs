//! Lists by cursor, which the server divides into pages.

use device_stats_domain::limits::CURSOR_LIMIT_MAX;
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::ClientError;

/// An entry of a list by cursor.
pub(crate) trait Listed {
    /// Returns the id by which the list is ordered.
    fn id(&self) -> i64;
}

impl Client {
    /// Returns up to `count_max` entries of a list that match a filter.
    pub(crate) async fn list_all<T: DeserializeOwned + Listed>(
        &self,
        path: &str,
        filter: &[(&str, String)],
        count_max: u64,
    ) -> Result<Vec<T>, ClientError> {
        let (mut all, mut after): (Vec<T>, i64) = (Vec::new(), 0);
        loop {
            let limit = count_max.saturating_sub(all.len() as u64).min(CURSOR_LIMIT_MAX.into());
            if limit == 0 {
                return Ok(all);
            }
            let cursor = [("after", after.to_string()), ("limit", limit.to_string())];
            let list = || self.request(Method::GET, path).query(filter).query(&cursor);
            let page: Vec<T> = self.retry(|| self.send_for_json(list())).await?;
            let Some(last_id) = page.last().map(T::id) else { return Ok(all) };
            let is_full = page.len() as u64 == limit;
            after = last_id;
            all.extend(page);
            if !is_full {
                return Ok(all);
            }
        }
    }
}
