//! Principals and their rights. Today every principal may do everything. A principal without the right to see
//! something will get the same error as if it did not exist.

use std::ops::Deref;

use device_stats_store::StoreError;

/// The party on whose behalf a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Anyone who reaches the service.
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

/// A value on which the principal may perform the requested action. Only `access` creates it.
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
    /// Checks that the principal may perform the action at all.
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
