//! The party that causes an event.

use std::net::IpAddr;

use crate::device::DeviceKey;
use crate::request_id::RequestId;
use crate::token::TokenId;
use crate::user::UserId;

/// The party that causes an event, and its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    /// The party.
    pub actor: Actor,
    /// The token with which it has signed in.
    pub token: Option<TokenId>,
    /// The id of its request.
    pub request: Option<RequestId>,
    /// The network address of its client.
    pub address: Option<IpAddr>,
}

/// The kind of party that causes an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A client without a valid token, or any client of a service that is open for everybody.
    Anyone,
    /// An administrator.
    Administrator,
    /// A user.
    User(UserId),
    /// A device.
    Device(DeviceKey),
    /// A person who works directly on the database, with the command line.
    Operator,
    /// The service itself.
    Service,
}

/// Error of a name and an id that are not an actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} with the id {id:?} is not an actor")]
pub struct UnknownActor {
    name: String,
    id: Option<i64>,
}

impl Author {
    /// The service itself.
    pub const SERVICE: Self = Self::new(Actor::Service);

    /// Creates an author without a token and a request.
    pub const fn new(actor: Actor) -> Self {
        Self { actor, token: None, request: None, address: None }
    }
}

impl Actor {
    /// Returns the name of the kind, as stores keep it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Administrator => "admin",
            Self::User(_) => "user",
            Self::Device(_) => "device",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// Returns the id of the user, or the key of the device.
    pub fn id(self) -> Option<i64> {
        match self {
            Self::User(UserId(id)) | Self::Device(DeviceKey(id)) => Some(id),
            Self::Anyone | Self::Administrator | Self::Operator | Self::Service => None,
        }
    }

    /// Returns the actor with a name and an id.
    ///
    /// # Errors
    /// [`UnknownActor`] if no actor has the name, or the id is missing or superfluous.
    pub fn from_parts(name: &str, id: Option<i64>) -> Result<Self, UnknownActor> {
        match (name, id) {
            ("anyone", None) => Ok(Self::Anyone),
            ("admin", None) => Ok(Self::Administrator),
            ("user", Some(id)) => Ok(Self::User(UserId(id))),
            ("device", Some(id)) => Ok(Self::Device(DeviceKey(id))),
            ("operator", None) => Ok(Self::Operator),
            ("service", None) => Ok(Self::Service),
            _ => Err(UnknownActor { name: name.to_owned(), id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_found_by_its_name_and_id() {
        for actor in [
            Actor::Anyone,
            Actor::Administrator,
            Actor::User(UserId(3)),
            Actor::Device(DeviceKey(3)),
            Actor::Operator,
            Actor::Service,
        ] {
            assert_eq!(Actor::from_parts(actor.name(), actor.id()), Ok(actor));
            let other_id = if actor.id().is_some() { None } else { Some(3) };
            assert!(Actor::from_parts(actor.name(), other_id).is_err(), "{actor:?}");
        }
        assert!(Actor::from_parts("nobody", None).is_err());
    }
}
