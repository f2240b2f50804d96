//! Lists of users and devices, which the server divides into pages.

use device_stats_domain::limits::PAGE_LIMIT_MAX;
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Returns all entries of a list, up to a number of them.
    pub(crate) async fn list_all<T: DeserializeOwned>(
        &self,
        path: &str,
        count_max: u64,
    ) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        loop {
            let left = count_max.saturating_sub(all.len() as u64);
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_LIMIT_MAX);
            if limit == 0 {
                return Ok(all);
            }
            let page = self.list_page(path, all.len(), limit).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Returns up to `limit` entries after the first `skip` entries.
    pub(crate) async fn list_page<T: DeserializeOwned>(
        &self,
        path: &str,
        skip: usize,
        limit: u32,
    ) -> Result<Vec<T>, ClientError> {
        let page = [("skip", skip.to_string()), ("limit", limit.to_string())];
        self.retry(|| self.send_for_json(self.request(Method::GET, path).query(&page))).await
    }
}
