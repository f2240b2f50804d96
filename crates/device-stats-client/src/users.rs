//! Users by id or by name.

use device_stats_domain::limits::PAGE_LIMIT_MAX;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;

/// A user, as far as this client cares.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Number of the user.
    pub id: i64,
    /// Name of the user.
    pub username: String,
}

impl Client {
    /// The user with that id, or else with that name; `None` where there is neither. A text that is an integer is an
    /// id.
    ///
    /// # Errors
    /// [`ClientError`] but for an unknown user.
    pub async fn find_user(&self, name_or_id: &str) -> Result<Option<User>, ClientError> {
        if let Ok(id) = name_or_id.parse::<i64>() {
            let find = || self.json(self.request(Method::GET, &format!("/api/v1/users/{id}")));
            return match self.patiently(find).await {
                Ok(user) => Ok(Some(user)),
                Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
                Err(error) => Err(error),
            };
        }
        let mut skip = 0_u64;
        loop {
            let page = [("skip", skip), ("limit", PAGE_LIMIT_MAX.into())];
            let list = || self.json(self.request(Method::GET, "/api/v1/users/").query(&page));
            let users: Vec<User> = self.patiently(list).await?;
            let Some(count) = u64::try_from(users.len()).ok().filter(|count| *count > 0) else {
                return Ok(None);
            };
            if let Some(user) = users.into_iter().find(|user| user.username == name_or_id) {
                return Ok(Some(user));
            }
            skip += count;
        }
    }

    /// Registers a user, whose name is no integer.
    ///
    /// # Errors
    /// [`ClientError`]; refused where the address is taken by a user of another name.
    pub async fn create_user(&self, username: &str, email: &str) -> Result<User, ClientError> {
        let user = json!({ "username": username, "email": email });
        let create = || self.json(self.request(Method::POST, "/api/v1/users/").json(&user));
        match self.patiently(create).await {
            // Perhaps taken by an attempt whose answer was lost.
            Err(error @ ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }) => {
                self.find_user(username).await?.ok_or(error)
            }
            result => result,
        }
    }
}
