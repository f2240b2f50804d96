//! How many readings have each of some values.

/// How many readings have one of the first so many of some ascending values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Readings with a value below all of these.
    before: u32,
    /// For each value, how many readings have that value or a smaller one; nothing where each value has one reading, as
    /// that takes no memory.
    until: Option<Box<[u32]>>,
}

impl Counts {
    /// Each value has one reading; `before` readings have a value below all of them.
    pub(crate) fn once(before: u32) -> Self {
        Self { before, until: None }
    }

    /// `until` says for each value how many readings have that value or a smaller one.
    pub(crate) fn new(before: u32, until: Vec<u32>) -> Self {
        let is_once = (before + 1..).zip(&until).all(|(once, until)| once == *until);
        Self { before, until: (!is_once).then(|| until.into()) }
    }

    /// How many readings have one of the first `values` of the values, or a value below all of them.
    pub fn until(&self, values: usize) -> u32 {
        let Some(last) = values.checked_sub(1) else { return self.before };
        match &self.until {
            Some(until) => until.get(last).or(until.last()).copied().unwrap_or(self.before),
            None => self.before + u32::try_from(values).unwrap_or(u32::MAX),
        }
    }

    /// How many readings have one of the first `values` of the values.
    pub(crate) fn among(&self, values: usize) -> u32 {
        self.until(values).saturating_sub(self.before)
    }

    /// The place of the first value, from `place` on, that a reading has; behind the last one where there is none.
    pub(crate) fn next(&self, place: usize) -> usize {
        match self.until.as_ref().and_then(|until| until.get(place..)) {
            Some(until) => {
                let passed = self.until(place);
                place + until.partition_point(|until| *until <= passed)
            }
            None => place,
        }
    }

    /// The place of the last of the first `values` values that a reading has.
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

    /// About how much memory it takes beside its own size, in bytes.
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
        fn of_any_values(before in 0_u32..9, counts in prop::collection::vec(0_u32..3, 1..20), once in any::<bool>()) {
            let counts: Vec<u32> = counts.into_iter().map(|count| if once { 1 } else { count }).collect();
            let until = counts.iter().scan(before, |sum, count| { *sum += count; Some(*sum) });
            let found = Counts::new(before, until.collect());
            prop_assert_eq!(found.memory_bytes() == 0, counts.iter().all(|count| *count == 1));
            if once {
                prop_assert_eq!(&found, &Counts::once(before));
            }
            for place in 0..=counts.len() {
                let among: u32 = counts[..place].iter().sum();
                prop_assert_eq!((found.until(place), found.among(place)), (before + among, among));
                let next = counts[place..].iter().position(|count| *count > 0);
                let last = counts[..place].iter().rposition(|count| *count > 0);
                prop_assert_eq!(found.last(place), last);
                prop_assert_eq!(found.next(place), next.map_or(counts.len(), |next| place + next));
            }
        }
    }
}
