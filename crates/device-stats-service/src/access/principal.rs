//! Principals and their rights. Today every principal may do everything. In future, a principal without the
//! right to see a user or device gets the error of a missing user or device.

use std::ops::Deref;

use device_stats_store::StoreError;

/// The party that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Any client of the service.
    Anyone,
}

/// An action that needs a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See a user or device, its readings, or statistics of them.
    Read,
    /// Create, change or delete a user or device.
    Manage,
    /// Append readings.
    Ingest,
}

/// A value on which the principal may perform the requested action. Only `access` creates such values.
#[derive(Clone, Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }

    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Authorized<U> {
        Authorized(convert(self.0))
    }

    /// Returns the value without the authorization.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Principal {
    /// Checks that the principal has the right to an action, before a user or device is looked up.
    ///
    /// # Errors
    /// The principal has no such right.
    #[expect(clippy::unnecessary_wraps, reason = "a principal with fewer rights will be refused here")]
    pub(super) fn check(self, action: Action) -> Result<(), StoreError> {
        match (self, action) {
            (Self::Anyone, Action::Read | Action::Manage | Action::Ingest) => Ok(()),
        }
    }
}
