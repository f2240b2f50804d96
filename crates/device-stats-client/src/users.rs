//! Users: lookup by id or name, and registration.

use device_stats_domain::limits::PAGE_LIMIT_MAX;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Id of the user.
    pub id: i64,
    /// Name of the user.
    pub username: String,
}

impl Client {
    /// Returns the user with this id or name, or `None`. An integer is an id, any other text is a name.
    ///
    /// # Errors
    /// [`ClientError`], except for an unknown user.
    pub async fn find_user(&self, name_or_id: &str) -> Result<Option<User>, ClientError> {
        if let Ok(id) = name_or_id.parse::<i64>() {
            let find = || self.send_for_json(self.request(Method::GET, &format!("/api/v1/users/{id}")));
            return match self.retry(find).await {
                Ok(user) => Ok(Some(user)),
                Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
                Err(error) => Err(error),
            };
        }
        let mut skip = 0_usize;
        loop {
            let page = [("skip", skip.to_string()), ("limit", PAGE_LIMIT_MAX.to_string())];
            let list = || self.send_for_json(self.request(Method::GET, "/api/v1/users/").query(&page));
            let users: Vec<User> = self.retry(list).await?;
            if users.is_empty() {
                return Ok(None);
            }
            skip += users.len();
            if let Some(user) = users.into_iter().find(|user| user.username == name_or_id) {
                return Ok(Some(user));
            }
        }
    }

    /// Registers a user. The name must not be an integer.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if another user has this email address.
    pub async fn create_user(&self, username: &str, email: &str) -> Result<User, ClientError> {
        let user = json!({ "username": username, "email": email });
        let create = || self.send_for_json(self.request(Method::POST, "/api/v1/users/").json(&user));
        match self.retry(create).await {
            // An earlier attempt whose response was lost may have registered the user.
            Err(error @ ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }) => {
                self.find_user(username).await?.ok_or(error)
            }
            result => result,
        }
    }
}
