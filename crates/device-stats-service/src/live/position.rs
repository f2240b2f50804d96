//! Where in a live stream a client is.

use std::fmt;
use std::str::FromStr;

use device_stats_domain::Timestamp;

/// Behind which event a client wants to go on. Written `EPOCH-SEQUENCE-TIME`: hexadecimal, decimal, microseconds since 1970
/// UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Under which the number was given; 0 where none was.
    pub(crate) epoch: u64,
    /// The number of the event.
    pub(crate) sequence: u64,
    /// The latest time of the readings that were sent.
    pub(crate) newest: Timestamp,
}

/// A text that is no [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no id of an event")]
pub struct NoPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}-{}", self.epoch, self.sequence, self.newest.micros())
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(NoPosition);
        let epoch = u64::from_str_radix(part()?, 16).map_err(|_| NoPosition)?;
        let sequence = part()?.parse().map_err(|_| NoPosition)?;
        let newest = part()?.parse().map_err(|_| NoPosition)?;
        Ok(Self { epoch, sequence, newest: Timestamp::from_micros(newest).map_err(|_| NoPosition)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_is_read_as_it_was_written(
            epoch: u64,
            sequence: u64,
            micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
        ) {
            let newest = Timestamp::from_micros(micros).unwrap();
            let position = Position { epoch, sequence, newest };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn any_text_may_be_asked_for(text in "[-0-9a-fA-F+ ]{0,40}") {
            let _ = text.parse::<Position>();
        }
    }
}
