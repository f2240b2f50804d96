//! Cumulative reading counts over ascending values.

/// Message of the panic on counts that descend. [`CumulativeCounts::new`] requires ascending counts.
const ASCENDS: &str = "cumulative counts never descend";

/// Cumulative reading counts over ascending values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CumulativeCounts {
    /// Number of readings with a value smaller than all of these values.
    before: u32,
    /// For each value, the number of readings with that value or a smaller one; `None` if each value has one
    /// reading, to save memory.
    until: Option<Box<[u32]>>,
}

impl CumulativeCounts {
    /// Creates counts of one reading per value, and `before` readings with smaller values.
    pub(crate) fn once(before: u32) -> Self {
        Self { before, until: None }
    }

    /// Creates counts from `until`, which has for each value the number of readings with that value or a
    /// smaller one. `until` ascends from `before`.
    pub(crate) fn new(before: u32, until: Vec<u32>) -> Self {
        let is_once = (before + 1..).zip(&until).all(|(once, until)| once == *until);
        Self { before, until: (!is_once).then(|| until.into()) }
    }

    /// Returns the number of readings with one of the first `values` values, or with a value smaller than all
    /// values.
    ///
    /// # Panics
    /// If there are fewer values, unless each has one reading.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "documented")]
    pub(crate) fn until(&self, values: usize) -> u32 {
        let Some(last) = values.checked_sub(1) else { return self.before };
        match &self.until {
            Some(until) => until[last],
            #[expect(clippy::cast_possible_truncation, reason = "at most as many values as readings")]
            None => self.before + values as u32,
        }
    }

    /// Returns the number of readings with one of the first `values` values.
    ///
    /// # Panics
    /// As [`until`](Self::until).
    #[inline]
    #[expect(clippy::expect_used, reason = "a number that wraps around would give a wrong statistic")]
    pub(crate) fn among(&self, values: usize) -> u32 {
        self.until(values).checked_sub(self.before).expect(ASCENDS)
    }

    /// Returns the number of readings with the value at a position.
    ///
    /// # Panics
    /// As [`until`](Self::until).
    #[expect(clippy::expect_used, reason = "a number that wraps around would give a wrong statistic")]
    pub(crate) fn at(&self, position: usize) -> u32 {
        self.until(position + 1).checked_sub(self.until(position)).expect(ASCENDS)
    }

    /// Returns the position of the first value at or after `position` that a reading has; the number of
    /// values if there is none.
    pub(crate) fn next(&self, position: usize) -> usize {
        match self.until.as_ref().and_then(|until| until.get(position..)) {
            Some(until) => {
                let passed = self.until(position);
                position + until.partition_point(|until| *until <= passed)
            }
            None => position,
        }
    }

    /// Returns the position of the last value that a reading has, among the first `values` values.
    pub(crate) fn last(&self, values: usize) -> Option<usize> {
        let last = values.checked_sub(1)?;
        match &self.until {
            Some(until) => {
                let all = self.until(values);
                (self.among(values) > 0).then(|| until.partition_point(|until| *until < all).min(last))
            }
            None => Some(last),
        }
    }

    /// Returns the approximate heap memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.until.as_ref().map_or(0, |until| until.len() * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_equal_adding_up(before in 0_u32..9, counts in prop::collection::vec(0_u32..3, 1..20), once in any::<bool>()) {
            let counts: Vec<u32> = counts.into_iter().map(|count| if once { 1 } else { count }).collect();
            let until = counts.iter().scan(before, |sum, count| { *sum += count; Some(*sum) });
            let found = CumulativeCounts::new(before, until.collect());
            prop_assert_eq!(found.memory_bytes() == 0, counts.iter().all(|count| *count == 1));
            if once {
                prop_assert_eq!(&found, &CumulativeCounts::once(before));
            }
            for position in 0..=counts.len() {
                let among: u32 = counts[..position].iter().sum();
                prop_assert_eq!((found.until(position), found.among(position)), (before + among, among));
                let next = counts[position..].iter().position(|count| *count > 0);
                let last = counts[..position].iter().rposition(|count| *count > 0);
                prop_assert_eq!(found.last(position), last);
                if let Some(count) = counts.get(position) {
                    prop_assert_eq!(found.at(position), *count);
                }
                prop_assert_eq!(found.next(position), next.map_or(counts.len(), |next| position + next));
            }
        }
    }
}
