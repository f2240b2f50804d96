//! Users: list, lookup by id or name, registration, changes and deletion.

use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Client;
use crate::devices::Device;
use crate::error::ClientError;
use crate::pages::Listed;
use crate::user_choice::UserChoice;

const USERS: &str = "/api/v1/users/";

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id of the user.
    pub id: i64,
    /// Name of the user.
    pub username: String,
    /// Email address of the user.
    #[serde(default)]
    pub email: String,
}

impl Listed for User {
    fn id(&self) -> i64 {
        self.id
    }
}

/// A user with its devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserWithDevices {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Devices of the user, by ascending `id`.
    pub devices: Vec<Device>,
}

/// A change of a user. An absent member leaves the value unchanged.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserChange {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The new email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Client {
    /// Returns a user, or `None`.
    ///
    /// # Errors
    /// [`ClientError`], except for an unknown user.
    pub async fn find_user(&self, user: &UserChoice) -> Result<Option<User>, ClientError> {
        match user {
            UserChoice::Id(id) => {
                let find = || self.send_for_json(self.request(Method::GET, &format!("{USERS}{id}")));
                match self.retry(find).await {
                    Ok(user) => Ok(Some(user)),
                    Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            UserChoice::Name(name) => {
                let filter = [("username", name.clone())];
                Ok(self.list_all(USERS, &filter, 1).await?.pop())
            }
        }
    }

    /// Lists up to `count_max` users by ascending id. `text` selects users whose name or email address
    /// contains it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_users(&self, text: Option<&str>, count_max: u64) -> Result<Vec<User>, ClientError> {
        let filter: Vec<_> = text.iter().map(|text| ("q", (*text).to_owned())).collect();
        self.list_all(USERS, &filter, count_max).await
    }

    /// Returns a user with its devices.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the user is unknown.
    pub async fn find_user_with_devices(&self, id: i64) -> Result<UserWithDevices, ClientError> {
        self.retry(|| self.send_for_json(self.request(Method::GET, &format!("{USERS}{id}")))).await
    }

    /// Registers a new user. Does not retry: the response to a second request would not show whether the
    /// first request or another client created the existing user.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if another user has this name or email address.
    pub async fn create_new_user(&self, username: &str, email: &str) -> Result<User, ClientError> {
        let user = json!({ "username": username, "email": email });
        self.send_for_json(self.request(Method::POST, USERS).json(&user)).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the user is unknown, or another one has this name or email address.
    pub async fn update_user(&self, id: i64, change: &UserChange) -> Result<User, ClientError> {
        let path = format!("{USERS}{id}");
        self.retry(|| self.send_for_json(self.request(Method::PUT, &path).json(change))).await
    }

    /// Deletes a user with its devices and readings. Does not retry: the response to a second request would
    /// not show whether the first request deleted the user.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the user is unknown.
    pub async fn delete_user(&self, id: i64) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &format!("{USERS}{id}"))).await.map(drop)
    }

    /// Registers a user, or returns the existing user with this name.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if another user has this email address.
    pub async fn create_user(&self, username: &str, email: &str) -> Result<User, ClientError> {
        let user = json!({ "username": username, "email": email });
        let create = || self.send_for_json(self.request(Method::POST, USERS).json(&user));
        match self.retry(create).await {
            // An earlier attempt whose response was lost may have registered the user.
            Err(error @ ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }) => {
                self.find_user(&UserChoice::Name(username.to_owned())).await?.ok_or(error)
            }
            result => result,
        }
    }
}
