//! Scopes: the kinds of actions that a credential allows.

use std::fmt;
use std::str::FromStr;

/// A kind of action that a credential allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Append readings.
    Ingest,
    /// See users and devices, their readings, and statistics of them.
    Read,
    /// Create, change and delete devices, delete readings, and change users.
    Manage,
    /// Actions that only an administrator may perform, such as creating users.
    Admin,
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

/// Error of a text that is not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope; use ingest, read, manage or admin")]
pub struct UnknownScope(String);

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Manage, Self::Admin];

    /// Returns the name, as in requests and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(0b1111);

    /// Returns whether the set has a scope.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Returns whether `other` has all scopes of this set.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Returns the scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    fn bit(scope: Scope) -> u8 {
        1 << scope as u8
    }
}

impl fmt::Display for Scopes {
    /// Writes the names, separated by commas.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::name).collect();
        formatter.write_str(&names.join(","))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Parses names that are separated by commas.
    fn from_str(names: &str) -> Result<Self, UnknownScope> {
        names.split(',').map(str::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(Self::bit).fold(0, |all, bit| all | bit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scope_is_read_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for name in ["", "Read", "read ", "write"] {
            assert_eq!(name.parse::<Scope>(), Err(UnknownScope(name.to_owned())));
        }
        assert_eq!(Scope::ALL.into_iter().collect::<Scopes>(), Scopes::ALL);
    }

    proptest! {
        #[test]
        fn scopes_are_a_set(
            one in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=4),
            other in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=4),
        ) {
            let (ones, others) = (one.iter().copied().collect::<Scopes>(), other.iter().copied().collect());
            prop_assert_eq!(ones.iter().collect::<Vec<_>>(), one.clone());
            if !one.is_empty() {
                prop_assert_eq!(ones.to_string().parse(), Ok(ones));
            }
            prop_assert_eq!(ones.is_within(others), one.iter().all(|scope| other.contains(scope)));
        }
    }
}
