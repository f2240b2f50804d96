//! The choice of a user by its name or id.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Mark in front of a name, for names that look like an id.
const NAME_MARK: &str = "name:";

/// A user, by its name or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChoice {
    /// The user with this id.
    Id(i64),
    /// The user with this name.
    Name(String),
}

impl FromStr for UserChoice {
    type Err = Infallible;

    /// Reads an integer as an id, and any other text as a name. A text of `name:` and an integer is the
    /// integer as a name: `name:123`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let marked = text.strip_prefix(NAME_MARK).filter(|name| name.parse::<i64>().is_ok());
        Ok(match (marked, text.parse()) {
            (Some(name), _) => Self::Name(name.to_owned()),
            (None, Ok(id)) => Self::Id(id),
            (None, Err(_)) => Self::Name(text.to_owned()),
        })
    }
}

impl fmt::Display for UserChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "\"{id}\"; an integer is an id, and {NAME_MARK}{id} is a name"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_digits_needs_its_mark() {
        let choice = |text: &str| text.parse::<UserChoice>().unwrap();
        let name = |name: &str| UserChoice::Name(name.to_owned());
        assert_eq!(choice("123"), UserChoice::Id(123));
        assert_eq!(choice("-5"), UserChoice::Id(-5));
        assert_eq!(choice("name:123"), name("123"));
        // These are the names of other users.
        assert_eq!(choice("name:ann"), name("name:ann"));
        assert_eq!(choice("name:name:123"), name("name:name:123"));
        // No id is as large.
        assert_eq!(choice("99999999999999999999"), name("99999999999999999999"));
        assert_eq!(choice("ann 1"), name("ann 1"));
    }
}
