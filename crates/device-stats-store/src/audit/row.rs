//! An entry of the audit log as a row of a database.

use std::error::Error;

use device_stats_domain::{
    Actor, AuditAction, AuditDetails, AuditEntry, AuditEvent, AuditId, AuditObject, Author, DeviceId,
    DeviceKey, Timestamp, TokenId, UserId, Username,
};

use crate::StoreError;

/// A row of the table `audit`. Its fields are the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Name of the kind of actor.
    pub actor: String,
    /// Id of the user, or key of the device, that is the actor.
    pub actor_id: Option<i64>,
    /// Id of the token of the actor.
    pub actor_token: Option<i64>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Network address of the client.
    pub address: Option<String>,
    /// Name of the action.
    pub action: String,
    /// Id of the user that is the object.
    pub user_id: Option<i64>,
    /// Name of this user.
    pub username: Option<String>,
    /// Key of the device that is the object.
    pub device: Option<i64>,
    /// The client's name for this device. If it is missing, the store completes it.
    pub device_id: Option<String>,
    /// Id of the token that is the object.
    pub token: Option<i64>,
    /// The details as a JSON object.
    pub details: String,
}

impl AuditRow {
    /// Returns the row of a new entry.
    ///
    /// # Errors
    /// [`StoreError::Broken`]; no event causes it.
    pub fn new(author: &Author, event: &AuditEvent) -> Result<Self, StoreError> {
        let Author { actor, token: actor_token, request, address } = author;
        let AuditEvent { action, object, details } = event;
        let AuditObject { user, username, device, device_id, token } = object;
        Ok(Self {
            actor: actor.name().to_owned(),
            actor_id: actor.id(),
            actor_token: actor_token.map(|token| token.0),
            request_id: request.map(|request| request.to_string()),
            address: address.map(|address| address.to_string()),
            action: action.name().to_owned(),
            user_id: user.map(|user| user.0),
            username: username.as_ref().map(|name| name.as_str().to_owned()),
            device: device.map(|device| device.0),
            device_id: device_id.as_ref().map(|id| id.as_str().to_owned()),
            token: token.map(|token| token.0),
            details: serde_json::to_string(details).map_err(broken)?,
        })
    }

    /// Returns the entry of a stored row, with its id and its time. An unknown action becomes
    /// [`AuditAction::Other`], and unknown details are ignored, so that an older version can read the entries
    /// of a newer one.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if a column has an unknown or invalid value.
    pub fn into_entry(self, id: i64, time_us: i64) -> Result<AuditEntry, StoreError> {
        let details: AuditDetails = serde_json::from_str(&self.details).map_err(broken)?;
        let author = Author {
            actor: Actor::from_parts(&self.actor, self.actor_id).map_err(broken)?,
            token: self.actor_token.map(TokenId),
            request: self.request_id.map(|id| id.parse()).transpose().map_err(broken)?,
            address: self.address.map(|address| address.parse()).transpose().map_err(broken)?,
        };
        let object = AuditObject {
            user: self.user_id.map(UserId),
            username: self.username.map(Username::new).transpose().map_err(broken)?,
            device: self.device.map(DeviceKey),
            device_id: self.device_id.map(DeviceId::new).transpose().map_err(broken)?,
            token: self.token.map(TokenId),
        };
        let action = self.action.parse().unwrap_or(AuditAction::Other);
        let time = Timestamp::from_micros(time_us).map_err(broken)?;
        Ok(AuditEntry { id: AuditId(id), time, author, event: AuditEvent { action, object, details } })
    }
}

fn broken(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Broken(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    use super::*;

    fn read_again(author: Author, event: &AuditEvent) -> AuditEntry {
        AuditRow::new(&author, event).unwrap().into_entry(7, 1).unwrap()
    }

    #[test]
    fn a_stored_entry_is_read_again() {
        let nobody = Author::new(Actor::Anyone);
        let user = Author {
            actor: Actor::User(UserId(3)),
            token: Some(TokenId(4)),
            request: Some("r-1".parse().unwrap()),
            address: Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])),
        };
        let details = AuditDetails {
            fields: vec!["name".to_owned(), "user_id".to_owned()],
            owner: Some(None),
            name: Some("it's \u{1f6b0}".to_owned()),
            readings: Some(u64::MAX),
            settings: BTreeMap::from([("auth".to_owned(), "open".to_owned())]),
            ..AuditDetails::default()
        };
        let object = AuditObject {
            user: Some(UserId(1)),
            username: Some(Username::new("ann").unwrap()),
            device: Some(DeviceKey(2)),
            device_id: Some(DeviceId::new("pump-7").unwrap()),
            token: Some(TokenId(5)),
        };
        let full = AuditEvent { action: AuditAction::UpdateDevice, object, details };
        let empty = AuditEvent::general(AuditAction::StartService, AuditDetails::default());
        for (author, event) in [(nobody, &full), (user, &full), (nobody, &empty), (user, &empty)] {
            let entry = read_again(author, event);
            assert_eq!((entry.id, entry.time.micros()), (AuditId(7), 1));
            assert_eq!((entry.author, &entry.event), (author, event));
        }
    }

    #[test]
    fn entries_of_newer_versions_are_read_and_faults_are_reported() {
        let event = AuditEvent::general(AuditAction::StartService, AuditDetails::default());
        let row = AuditRow::new(&Author::new(Actor::Service), &event).unwrap();
        assert_eq!(row.details, "{}");
        let newer = AuditRow { details: r#"{"added_later": 1}"#.to_owned(), ..row.clone() };
        assert_eq!(newer.into_entry(1, 1).unwrap().event, event);
        let newer = AuditRow { action: "explode".to_owned(), ..row.clone() };
        assert_eq!(newer.into_entry(1, 1).unwrap().event.action, AuditAction::Other);
        for broken in [
            AuditRow { details: r#"{"readings": "many"}"#.to_owned(), ..row.clone() },
            AuditRow { actor: "nobody".to_owned(), ..row.clone() },
            AuditRow { address: Some("here".to_owned()), ..row.clone() },
            AuditRow { request_id: Some(String::new()), ..row },
        ] {
            assert!(matches!(broken.clone().into_entry(1, 1), Err(StoreError::Broken(_))), "{broken:?}");
        }
    }
}
