//! Windows of time.

use crate::time::{RequestTime, Timestamp};

/// A half-open span of time `[from_us, until_us)`, in microseconds since 1970 UTC. Empty if `from_us >=
/// until_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first microsecond of the window.
    pub from_us: i64,
    /// The first microsecond after the window.
    pub until_us: i64,
}

impl Window {
    /// All time.
    pub const ALL: Self = Self { from_us: i64::MIN, until_us: i64::MAX };

    /// Makes the window of a closed period: both ends belong to it, as in the HTTP contract. If `start` or
    /// `end` is missing, the window is open on that side.
    pub fn from_inclusive(start: Option<RequestTime>, end: Option<RequestTime>) -> Self {
        Self {
            from_us: start.map_or(i64::MIN, RequestTime::micros),
            until_us: end.map_or(i64::MAX, |end| end.micros().saturating_add(1)),
        }
    }

    /// Returns whether both ends are set.
    pub fn is_bounded(self) -> bool {
        self.from_us > i64::MIN && self.until_us < i64::MAX
    }

    /// Replaces an open start by `first`, and an open end by the microsecond after `last`.
    #[must_use]
    pub fn bounded_by(self, first: Timestamp, last: Timestamp) -> Self {
        Self {
            from_us: if self.from_us == i64::MIN { first.micros() } else { self.from_us },
            until_us: if self.until_us == i64::MAX { last.micros() + 1 } else { self.until_us },
        }
    }

    /// Returns whether `time` is in the window.
    pub fn contains(self, time: Timestamp) -> bool {
        self.from_us <= time.micros() && time.micros() < self.until_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_period_belong_to_its_window() {
        let at = |us| Timestamp::from_micros(us).unwrap();
        let moment = |us| Some(RequestTime::from_micros(us));
        let window = Window::from_inclusive(moment(10), moment(12));
        let inside: Vec<_> = (8..15).filter(|us| window.contains(at(*us))).collect();
        assert_eq!(inside, [10, 11, 12]);
        assert!(Window::from_inclusive(None, None).contains(Timestamp::MAX));
        assert!(Window::from_inclusive(None, None).contains(Timestamp::MIN));
        assert!(!Window::from_inclusive(moment(12), moment(10)).contains(at(11)));
    }

    #[test]
    fn open_ends_are_replaced_by_those_of_the_readings() {
        let (first, last) = (Timestamp::from_micros(3).unwrap(), Timestamp::from_micros(8).unwrap());
        let bounded = |from_us, until_us| {
            let window = Window { from_us, until_us }.bounded_by(first, last);
            assert!(window.is_bounded());
            (window.from_us, window.until_us)
        };
        assert_eq!(bounded(i64::MIN, i64::MAX), (3, 9));
        assert_eq!(bounded(1, i64::MAX), (1, 9));
        assert_eq!(bounded(i64::MIN, 12), (3, 12));
        assert_eq!(bounded(1, 12), (1, 12));
        assert!(!Window::ALL.is_bounded());
    }
}
