//! Principals and their rights.
//!
//! A right is checked in two steps. [`Principal::grant`] checks that the principal may perform an action at
//! all. Then a lookup finds the user or device. The store finds only those that the principal may see, so all
//! others are missing for it. The types [`Granted`] and [`Authorized`] carry the principal and the action,
//! and only these two steps create them. So an operation that needs a right cannot be called without it.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;

use device_stats_domain::{
    Actor, Author, DeviceKey, IdempotencyKey, Identity, RequestId, Scope, Scopes, TokenId, UserId,
};
use device_stats_store::Visibility;

use super::action::{Action, Allowed};
use super::sign_in::Credential;

/// The party that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    identity: Identity,
    scopes: Scopes,
    /// The credential with which it has signed in; `None` if the service is open for everybody.
    credential: Option<Credential>,
    origin: Origin,
}

/// The way in which a principal reaches the service. The audit log shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A call in this process, as in tests.
    Call,
    /// A request.
    Request {
        /// The id of the request.
        id: RequestId,
        /// The address of the client, if it is known.
        address: Option<IpAddr>,
    },
    /// A command of a person who works directly on the database.
    Command,
}

/// Reason why a principal may not perform an action, on whatever user or device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The credential of the principal lacks the scope.
    #[error("the scope {0} is missing")]
    Scope(Scope),
    /// Only administrators may perform the action.
    #[error("the principal is not an administrator")]
    NotAdministrator,
    /// Devices may not perform the action.
    #[error("the principal is a device")]
    Device,
    /// The service is open for everybody, so that anybody could create a token, and keep its rights after the
    /// service requires tokens.
    #[error("an open service creates no tokens over a network")]
    Open,
    /// A new token would allow actions that the token of the principal does not allow.
    #[error("the new token would have the scope {0}, which the principal lacks")]
    WiderScope(Scope),
}

/// A principal that may perform an action on the users and devices that it sees. Only [`Principal::grant`]
/// creates it.
///
/// ```
/// # use device_stats_domain::{Device, ListPage};
/// # use device_stats_service::{Granted, Read, Service};
/// # use device_stats_store::StoreError;
/// async fn list(service: &Service, granted: Granted<Read>) -> Result<Vec<Device>, StoreError> {
///     service.list_devices(granted, ListPage::FIRST).await
/// }
/// ```
///
/// The right to another action does not suffice. Only the action differs:
///
/// ```compile_fail,E0308
/// # use device_stats_domain::{Device, ListPage};
/// # use device_stats_service::{Granted, Ingest, Service};
/// # use device_stats_store::StoreError;
/// async fn list(service: &Service, granted: Granted<Ingest>) -> Result<Vec<Device>, StoreError> {
///     service.list_devices(granted, ListPage::FIRST).await
/// }
/// ```
#[derive(Debug)]
pub struct Granted<A> {
    principal: Principal,
    action: PhantomData<A>,
}

/// A user or device on which the principal may perform an action. Only the lookups of `access` create it.
///
/// ```
/// # use device_stats_domain::Device;
/// # use device_stats_service::{Authorized, Manage, Service, ServiceError};
/// async fn delete(service: &Service, device: &Authorized<Device, Manage>) -> Result<(), ServiceError> {
///     service.delete_device(device, None).await
/// }
/// ```
///
/// A device that was found for reading cannot be deleted. Only the action differs:
///
/// ```compile_fail,E0308
/// # use device_stats_domain::Device;
/// # use device_stats_service::{Authorized, Read, Service, ServiceError};
/// async fn delete(service: &Service, device: &Authorized<Device, Read>) -> Result<(), ServiceError> {
///     service.delete_device(device, None).await
/// }
/// ```
///
/// Other crates cannot authorize an action on a device themselves:
///
/// ```compile_fail,E0451
/// # use device_stats_domain::Device;
/// # use device_stats_service::{Authorized, Granted, Manage};
/// fn authorize(value: Device, granted: Granted<Manage>) -> Authorized<Device, Manage> {
///     Authorized { value, granted }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Authorized<T, A> {
    value: T,
    granted: Granted<A>,
}

impl Principal {
    /// Any client of a service without access control. It may do everything.
    pub(crate) const ANYONE: Self = Self::new(Identity::Administrator, Scopes::ALL);

    /// A person who works directly on the database, with the command line. It may do everything.
    pub const OPERATOR: Self = Self { origin: Origin::Command, ..Self::ANYONE };

    /// Creates a principal with the rights of its identity, limited to scopes.
    pub(crate) const fn new(identity: Identity, scopes: Scopes) -> Self {
        Self { identity, scopes, credential: None, origin: Origin::Call }
    }

    /// Creates a principal that has signed in.
    pub(crate) const fn signed_in(identity: Identity, scopes: Scopes, credential: Credential) -> Self {
        Self { identity, scopes, credential: Some(credential), origin: Origin::Call }
    }

    /// Returns the identity.
    pub fn identity(self) -> Identity {
        self.identity
    }

    /// Returns the kinds of actions that its credential allows.
    pub fn scopes(self) -> Scopes {
        self.scopes
    }

    /// Returns the id of the token with which it has signed in.
    pub fn token_id(self) -> Option<TokenId> {
        self.credential.map(|credential| credential.token)
    }

    /// Returns the credential with which it has signed in.
    pub(crate) fn credential(self) -> Option<Credential> {
        self.credential
    }

    /// Returns the principal as the sender of a request.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Returns the author of the entries of the audit log about the actions of the principal.
    pub(crate) fn author(self) -> Author {
        let actor = match (self.identity, self.origin) {
            (_, Origin::Command) => Actor::Operator,
            (Identity::Administrator, _) if self.credential.is_none() => Actor::Anyone,
            (Identity::Administrator, _) => Actor::Administrator,
            (Identity::User(user), _) => Actor::User(user),
            (Identity::Device(device), _) => Actor::Device(device),
        };
        let author = Author { token: self.token_id(), ..Author::new(actor) };
        self.origin.complete(author)
    }

    /// Checks that the principal may perform an action at all, before a user or device is looked up.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn grant<A: Action>(self) -> Result<Granted<A>, Forbidden> {
        match (self.identity, A::ALLOWED) {
            (Identity::Administrator, _)
            | (Identity::User(_), Allowed::All | Allowed::AdministratorsAndUsers)
            | (Identity::Device(_), Allowed::All) => {}
            (Identity::User(_) | Identity::Device(_), Allowed::Administrators) => {
                return Err(Forbidden::NotAdministrator);
            }
            (Identity::Device(_), Allowed::AdministratorsAndUsers) => return Err(Forbidden::Device),
        }
        if self.scopes.contains(A::SCOPE) {
            Ok(Granted { principal: self, action: PhantomData })
        } else {
            Err(Forbidden::Scope(A::SCOPE))
        }
    }

    /// Returns the users and devices that the principal may see.
    pub(crate) fn visible(self) -> Visibility {
        match self.identity {
            Identity::Administrator => Visibility::All,
            Identity::User(user) => Visibility::User(user),
            Identity::Device(device) => Visibility::Device(device),
        }
    }

    /// Returns whether the principal is a device. It sees no user, not even its owner.
    pub(crate) fn is_device(self) -> bool {
        matches!(self.identity, Identity::Device(_))
    }

    /// Returns the owner of the devices that the principal creates without naming one.
    pub(super) fn default_owner(self) -> Option<UserId> {
        match self.identity {
            Identity::User(user) => Some(user),
            Identity::Administrator | Identity::Device(_) => None,
        }
    }
}

/// Returns an idempotency key as the key of a principal with this identity. Administrators share their keys
/// with the clients of a service without access control.
pub(crate) fn own_key(owner: Identity, key: &IdempotencyKey) -> IdempotencyKey {
    match owner {
        Identity::Administrator => key.clone(),
        Identity::User(UserId(id)) => key.of_owner(&format!("user {id}")),
        Identity::Device(DeviceKey(device_key)) => key.of_owner(&format!("device {device_key}")),
    }
}

impl Origin {
    /// Returns the author of the entries of the audit log about a request without a valid credential.
    pub(crate) fn anyone(self) -> Author {
        self.complete(Author::new(Actor::Anyone))
    }

    fn complete(self, author: Author) -> Author {
        match self {
            Self::Request { id, address } => Author { request: Some(id), address, ..author },
            Self::Call | Self::Command => author,
        }
    }
}

impl<A> Granted<A> {
    /// Returns the author of the entries of the audit log about the actions of the principal.
    pub(crate) fn author(&self) -> Author {
        self.principal.author()
    }

    /// Returns the principal.
    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// Returns the users and devices on which the principal may perform the action.
    pub(crate) fn visible(&self) -> Visibility {
        self.principal.visible()
    }

    /// Returns whether the principal sees all users and devices.
    pub(crate) fn sees_all(&self) -> bool {
        self.visible() == Visibility::All
    }

    /// Authorizes the action on a value. The caller has found it within [`Self::visible`].
    pub(super) fn authorize<T>(self, value: T) -> Authorized<T, A> {
        Authorized { value, granted: self }
    }
}

// Derived implementations would require the action itself to be `Clone` and `Copy`.
impl<A> Clone for Granted<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Granted<A> {}

impl<T, A> Authorized<T, A> {
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Authorized<U, A> {
        Authorized { value: convert(self.value), granted: self.granted }
    }

    /// Returns the right to the action.
    pub(crate) fn granted(&self) -> Granted<A> {
        self.granted
    }

    /// Returns the value without the authorization.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T, A> Deref for Authorized<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::TokenHash;

    use super::*;
    use crate::access::action::{Administer, Ingest, Manage, Read};
    use crate::access::sign_in::CredentialKey;

    /// After a renaming, the example would fail to compile because of the name, and would prove nothing.
    #[test]
    fn the_example_of_a_forged_right_fails_only_because_the_fields_are_private() {
        let granted: Granted<Manage> = Principal::ANYONE.grant().unwrap();
        let authorize = |value: u8, granted| Authorized { value, granted };
        assert_eq!(*authorize(1, granted), 1);
        let mut lines = include_str!("principal.rs").lines();
        assert!(lines.any(|line| line == "///     Authorized { value, granted }"));
    }

    /// The scopes that each identity can use, by `Action::ALLOWED`.
    #[test]
    fn an_identity_and_a_scope_are_needed_for_each_action() {
        let administrator = Identity::Administrator;
        let user = Identity::User(UserId(1));
        let device = Identity::Device(DeviceKey(1));
        for scope in Scope::ALL {
            let scopes = Scopes::from_iter([scope]);
            for (identity, usable) in [
                (administrator, &Scope::ALL[..]),
                (user, &[Scope::Ingest, Scope::Read, Scope::Manage]),
                (device, &[Scope::Ingest, Scope::Read]),
            ] {
                let principal = Principal::new(identity, scopes);
                let granted = [
                    (Scope::Ingest, principal.grant::<Ingest>().is_ok()),
                    (Scope::Read, principal.grant::<Read>().is_ok()),
                    (Scope::Manage, principal.grant::<Manage>().is_ok()),
                    (Scope::Admin, principal.grant::<Administer>().is_ok()),
                ];
                for (action, is_granted) in granted {
                    let expected = action == scope && usable.contains(&action);
                    assert_eq!(is_granted, expected, "{identity:?} {scope} {action}");
                }
            }
        }
    }

    #[test]
    fn the_author_of_a_change_is_its_principal_with_its_request() {
        let (user, device) = (Identity::User(UserId(3)), Identity::Device(DeviceKey(4)));
        let credential = Credential { token: TokenId(5), key: CredentialKey::Token(TokenHash([0; 32])) };
        let id: RequestId = "r-1".parse().unwrap();
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        for (identity, actor) in [
            (Identity::Administrator, Actor::Administrator),
            (user, Actor::User(UserId(3))),
            (device, Actor::Device(DeviceKey(4))),
        ] {
            let principal = Principal::signed_in(identity, Scopes::ALL, credential);
            let author = Author { token: Some(TokenId(5)), ..Author::new(actor) };
            assert_eq!(principal.author(), author);
            let author = Author { request: Some(id), address, ..author };
            assert_eq!(principal.with_origin(Origin::Request { id, address }).author(), author);
        }
        let anyone = Author { request: Some(id), address, ..Author::new(Actor::Anyone) };
        assert_eq!(Principal::ANYONE.with_origin(Origin::Request { id, address }).author(), anyone);
        assert_eq!(Origin::Request { id, address }.anyone(), anyone);
        assert_eq!(Principal::OPERATOR.author(), Author::new(Actor::Operator));
    }

    #[test]
    fn each_principal_has_its_own_idempotency_keys() {
        let key = IdempotencyKey::new("k").unwrap();
        let identities = [
            Identity::Administrator,
            Identity::User(UserId(1)),
            Identity::User(UserId(2)),
            Identity::Device(DeviceKey(1)),
        ];
        let mut keys: Vec<_> = identities.iter().map(|identity| own_key(*identity, &key)).collect();
        assert_eq!(keys[0], key);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), identities.len());
    }
}
