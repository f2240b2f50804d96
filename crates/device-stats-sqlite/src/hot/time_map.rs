//! A map keyed by time, for times that usually arrive in ascending order. It takes little more memory than
//! its entries. In contrast, a `BTreeMap` leaves half of each node empty if keys ascend.

/// Maximum number of entries of a chunk.
const CHUNK_ENTRIES: usize = 256;
/// Number of entries that a full chunk moves to the next chunk at once.
const MOVED_ENTRIES: usize = 32;

/// A map from times to values, in ascending order of time.
#[derive(Debug)]
pub(super) struct TimeMap<T> {
    /// Runs of neighbouring entries; none is empty.
    chunks: Vec<Vec<(i64, T)>>,
}

impl<T> Default for TimeMap<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> TimeMap<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Inserts an entry, or replaces the entry of the same time and returns its value.
    pub(super) fn insert(&mut self, time_us: i64, value: T) -> Option<T> {
        let index = self.chunk_index(time_us);
        let is_last = index + 1 == self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(index) else {
            self.chunks.push(vec![(time_us, value)]);
            return None;
        };
        let position = match chunk.binary_search_by_key(&time_us, |(time_us, _)| *time_us) {
            Ok(found) => {
                #[expect(clippy::indexing_slicing, reason = "the search has found it")]
                let entry = &mut chunk[found];
                return Some(std::mem::replace(&mut entry.1, value));
            }
            Err(position) => position,
        };
        if chunk.len() < CHUNK_ENTRIES {
            chunk.insert(position, (time_us, value));
            return None;
        }
        if !is_last && self.move_to_next(index) {
            return self.insert(time_us, value);
        }
        #[expect(clippy::indexing_slicing, reason = "the full chunk from above")]
        let chunk = &mut self.chunks[index];
        // The last chunk is split at the new entry, so it stays nearly full: earlier times are rare.
        let half = CHUNK_ENTRIES / 2;
        let mut upper = chunk.split_off(if is_last { position.max(half) } else { half });
        if position < chunk.len() {
            chunk.insert(position, (time_us, value));
        } else {
            upper.insert(position - chunk.len(), (time_us, value));
        }
        upper.reserve_exact(CHUNK_ENTRIES.saturating_sub(upper.len()));
        self.chunks.insert(index + 1, upper);
        None
    }

    /// Moves the last entries of a full chunk to the next chunk. Returns false if the next chunk has no room.
    /// Slightly late entries arrive in the chunk before the last one. Without the move, they would split it
    /// again and again, and leave chunks half empty.
    fn move_to_next(&mut self, index: usize) -> bool {
        let Some([chunk, next]) = self.chunks.get_mut(index..).and_then(<[_]>::first_chunk_mut) else {
            return false;
        };
        let has_room = next.len() + MOVED_ENTRIES <= CHUNK_ENTRIES;
        if has_room {
            next.splice(0..0, chunk.drain(chunk.len().saturating_sub(MOVED_ENTRIES)..));
        }
        has_room
    }

    pub(super) fn get(&self, time_us: i64) -> Option<&T> {
        let chunk = self.chunks.get(self.chunk_index(time_us))?;
        let found = chunk.binary_search_by_key(&time_us, |(time_us, _)| *time_us).ok()?;
        chunk.get(found).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, time_us: i64) -> Option<&mut T> {
        let index = self.chunk_index(time_us);
        let chunk = self.chunks.get_mut(index)?;
        let found = chunk.binary_search_by_key(&time_us, |(time_us, _)| *time_us).ok()?;
        chunk.get_mut(found).map(|(_, value)| value)
    }

    /// Returns all entries, by ascending time.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, &T)> {
        self.chunks.iter().flatten().map(|(time_us, value)| (*time_us, value))
    }

    /// Returns the entries from `from_us` to before `until_us`, by ascending time.
    pub(super) fn range(&self, from_us: i64, until_us: i64) -> impl DoubleEndedIterator<Item = (i64, &T)> {
        let before = |chunk: &Vec<(i64, T)>, time_us| chunk.partition_point(|(other, _)| *other < time_us);
        let until = self.chunks.partition_point(|chunk| before(chunk, until_us) > 0);
        let chunks = self.chunks.get(self.chunk_index(from_us)..until).unwrap_or_default();
        let inside = chunks.iter().flat_map(move |chunk| {
            chunk.get(before(chunk, from_us)..before(chunk, until_us)).unwrap_or_default()
        });
        inside.map(|(time_us, value)| (*time_us, value))
    }

    /// Removes the entries at the given times for which `is_forgotten` returns true. The times ascend.
    pub(super) fn remove(&mut self, times: &[i64], is_forgotten: impl Fn(&T) -> bool) {
        let (Some(first_us), Some(last_us)) = (times.first(), times.last()) else { return };
        let begin = self.chunk_index(*first_us);
        let end = self.chunk_index(*last_us) + 1;
        let mut left = times.iter().copied().peekable();
        for chunk in self.chunks.iter_mut().take(end).skip(begin) {
            chunk.retain(|(time_us, value)| {
                while left.next_if(|time| time < time_us).is_some() {}
                left.peek() != Some(time_us) || !is_forgotten(value)
            });
            // A few entries that stay must not hold the memory of a full chunk.
            if chunk.len() <= CHUNK_ENTRIES / 2 {
                chunk.shrink_to_fit();
            }
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
    }

    /// Returns the index of the chunk to which an entry of this time belongs; 0 if there is no chunk yet.
    fn chunk_index(&self, time_us: i64) -> usize {
        let begins = |chunk: &Vec<(i64, T)>| chunk.first().is_some_and(|(first_us, _)| *first_us <= time_us);
        self.chunks.partition_point(begins).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A step of the test: inserts entries, or removes those with an even value. The fields are the first
    /// time, the number of times and their distance.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(i64, i64, i64),
        Remove(i64, i64, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let times = || (-3_000..3_000_i64, 1..900_i64, 1..9_i64);
        prop_oneof![
            3 => times().prop_map(|(from, count, apart)| Step::Insert(from, count, apart)),
            1 => times().prop_map(|(from, count, apart)| Step::Remove(from, count, apart)),
        ]
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_btree_map(steps in vec(step(), 1..12), from in -3_500..9_000_i64, length in -10..5_000_i64) {
            let (mut mine, mut theirs) = (TimeMap::default(), BTreeMap::new());
            for (number, step) in (0_i64..).zip(steps) {
                match step {
                    Step::Insert(from, count, apart) => {
                        for time in (0..count).map(|n| from + n * apart) {
                            let replaced = theirs.insert(time, number + time);
                            prop_assert_eq!(mine.insert(time, number + time), replaced);
                        }
                    }
                    Step::Remove(from, count, apart) => {
                        let times: Vec<_> = (0..count).map(|n| from + n * apart).collect();
                        mine.remove(&times, |value| value % 2 == 0);
                        theirs.retain(|time, value| !times.contains(time) || *value % 2 != 0);
                    }
                }
            }
            let expected: Vec<_> = theirs.iter().map(|(time, value)| (*time, value)).collect();
            prop_assert_eq!(mine.iter().collect::<Vec<_>>(), expected);
            let expected: Vec<_> = theirs.range(from..from + length.max(0)).map(|(time, value)| (*time, value)).collect();
            prop_assert_eq!(mine.range(from, from + length).collect::<Vec<_>>(), expected.clone());
            let reversed: Vec<_> = expected.into_iter().rev().collect();
            prop_assert_eq!(mine.range(from, from + length).rev().collect::<Vec<_>>(), reversed);
            for time in from..from + 50 {
                prop_assert_eq!(mine.get(time), theirs.get(&time));
                prop_assert_eq!(mine.get_mut(time), theirs.get_mut(&time));
            }
            prop_assert_eq!(mine.is_empty(), theirs.is_empty());
            prop_assert!(mine.chunks.iter().all(|chunk| (1..=CHUNK_ENTRIES).contains(&chunk.len())));
        }
    }

    /// Some readings of each chunk stay hot. Their chunks kept the memory of the removed ones.
    #[test]
    fn removed_entries_leave_little_room_empty() {
        let mut map = TimeMap::default();
        (0..100_000).for_each(|time_us| assert_eq!(map.insert(time_us, [0_u64; 7]), None));
        let removed: Vec<i64> = (0..100_000).filter(|time_us| time_us % 10 != 0).collect();
        map.remove(&removed, |_| true);
        let room: usize = map.chunks.iter().map(Vec::capacity).sum();
        assert_eq!(map.iter().count(), 10_000);
        assert!(room < 10_000 * 5 / 4, "{room}");
    }

    /// Eight senders take turns, but not in the order of their times. So most batches arrive a little late.
    #[test]
    fn slightly_late_times_leave_little_room_empty() {
        for batch in [1, 10, 30] {
            let mut map = TimeMap::default();
            for turn in 0..100_000 / 8 / batch {
                for sender in (0..8).map(|n| n * 3 % 8).rev() {
                    let begin = (turn * 8 + sender) * batch;
                    (begin..begin + batch)
                        .for_each(|time_us| assert_eq!(map.insert(time_us, [0_u64; 7]), None));
                }
            }
            let room: usize = map.chunks.iter().map(Vec::capacity).sum();
            assert!(room < 100_000 * 5 / 4, "{room} with batches of {batch} readings");
        }
    }
}
