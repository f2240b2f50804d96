//! The position of a client in a live stream.

use std::fmt;
use std::str::FromStr;

use device_stats_domain::Timestamp;

/// The position after an event, which is also the id of the event. Written as `EPOCH-SEQUENCE-TIME`:
/// hexadecimal, decimal, and microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch of the sequence number; 0 if there is no sequence number.
    pub(crate) epoch: u64,
    /// The sequence number up to which the client has all readings.
    pub(crate) sequence: u64,
    /// The latest time of the readings sent.
    pub(crate) newest: Timestamp,
}

/// Error of a text that is not a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event of a live stream")]
pub struct PositionError;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}-{}", self.epoch, self.sequence, self.newest.micros())
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(PositionError);
        let epoch = u64::from_str_radix(part()?, 16).map_err(|_| PositionError)?;
        let sequence = part()?.parse().map_err(|_| PositionError)?;
        let newest = part()?.parse().map_err(|_| PositionError)?;
        Ok(Self { epoch, sequence, newest: Timestamp::from_micros(newest).map_err(|_| PositionError)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_written_position_is_read_back(
            epoch: u64,
            sequence: u64,
            micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
        ) {
            let newest = Timestamp::from_micros(micros).unwrap();
            let position = Position { epoch, sequence, newest };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn no_text_panics(text in "[-0-9a-fA-F+ ]{0,40}") {
            let _ = text.parse::<Position>();
        }
    }
}
