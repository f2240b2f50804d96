//! A decoded page of codes: sorted, so that what is wanted of it is found without looking at every code.

use std::ops::Range;

/// The codes of consecutive readings, sorted by the page of the dictionary they belong to, and inside one by reading.
/// So it is known at once how many of the readings have a value of which page of the dictionary, and which of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodesPage {
    /// How many values a page of the dictionary has.
    page: u32,
    /// Where the codes of each page of the dictionary begin; then the number of all.
    starts: Box<[u32]>,
    /// Of each code its place inside its page of the dictionary.
    places: Box<[u16]>,
    /// Of each code its reading, from 0 for the first one of this page; they ascend inside a page of the dictionary.
    readings: Box<[u16]>,
}

impl CodesPage {
    /// Sorts the codes of at most 2^16 consecutive readings (a counting sort), all of them below `distinct`. A page of the
    /// dictionary has `page` values, at most 2^16.
    pub(crate) fn of(codes: &[u32], distinct: u32, page: u32) -> Self {
        let pages = distinct.div_ceil(page) as usize;
        let shift = page.is_power_of_two().then_some(page.trailing_zeros());
        let page_of = |code: u32| shift.map_or_else(|| code / page, |shift| code >> shift);
        let mut starts = vec![0; pages + 1];
        for code in codes {
            if let Some(count) = starts.get_mut(page_of(*code) as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let (mut places, mut readings) = (vec![0; codes.len()], vec![0; codes.len()]);
        for (reading, code) in (0..=u16::MAX).zip(codes) {
            let index = page_of(*code);
            let Some(next) = next.get_mut(index as usize) else { continue };
            let at = *next as usize;
            *next += 1;
            if let Some((place, owner)) = places.get_mut(at).zip(readings.get_mut(at)) {
                *place = u16::try_from(code - index * page).unwrap_or(u16::MAX);
                *owner = reading;
            }
        }
        Self { page, starts: starts.into(), places: places.into(), readings: readings.into() }
    }

    /// How many readings the page has.
    pub fn readings(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The codes of some of the readings, in order of time; those that the page does not have are left out.
    pub fn codes(&self, readings: Range<u32>) -> Vec<u32> {
        let readings = readings.start..readings.end.min(self.readings());
        let mut codes = vec![0; readings.len()];
        for (index, bounds) in (0..).zip(self.starts.array_windows().copied()) {
            for (reading, place) in slice(&self.readings, bounds).iter().zip(slice(&self.places, bounds)) {
                let position = u32::from(*reading).wrapping_sub(readings.start);
                if let Some(code) = codes.get_mut(position as usize) {
                    *code = index * self.page + u32::from(*place);
                }
            }
        }
        codes
    }

    /// Adds to the count of each page of the dictionary how many of the readings have a value of it.
    pub(crate) fn count(&self, readings: &Range<u32>, counts: &mut [u32]) {
        let bounds = self.starts.array_windows().copied();
        if *readings == (0..self.readings()) {
            for (count, [start, end]) in counts.iter_mut().zip(bounds) {
                *count += end - start;
            }
        } else {
            for (count, bounds) in counts.iter_mut().zip(bounds) {
                *count += u32::try_from(self.inside(bounds, readings).len()).unwrap_or(u32::MAX);
            }
        }
    }

    /// Which values of a page of the dictionary some readings have: their places inside of it, one for each reading.
    pub(crate) fn places(&self, index: usize, readings: &Range<u32>) -> &[u16] {
        let (Some(start), Some(end)) = (self.starts.get(index), self.starts.get(index + 1)) else {
            return &[];
        };
        let inside = self.inside([*start, *end], readings);
        self.places.get(inside).unwrap_or_default()
    }

    /// Where the codes of some readings are, of those of one page of the dictionary.
    fn inside(&self, bounds: [u32; 2], readings: &Range<u32>) -> Range<usize> {
        let [start, end] = bounds.map(|bound| bound as usize);
        let all = slice(&self.readings, bounds);
        let before = |row: u32| all.partition_point(|reading| u32::from(*reading) < row);
        let from = if readings.start == 0 { start } else { start + before(readings.start) };
        let to = if readings.end >= self.readings() { end } else { start + before(readings.end) };
        from..to.max(from)
    }

    /// About how much memory it takes beside its own size, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.starts.len() * 4 + self.places.len() * 4
    }
}

/// The part of a sorted column that belongs to one page of the dictionary.
fn slice(sorted: &[u16], [start, end]: [u32; 2]) -> &[u16] {
    sorted.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_codes_of_any_readings(
            codes in prop::collection::vec(0_u32..40, 1..60),
            page in 1_u32..12,
            from in 0_u32..70,
            length in 0_u32..70,
        ) {
            let sorted = CodesPage::of(&codes, 40, page);
            prop_assert_eq!(sorted.readings() as usize, codes.len());
            prop_assert_eq!(&sorted.codes(0..u32::MAX), &codes);
            let readings = from..from + length;
            let wanted: Vec<u32> = codes.iter().copied().skip(from as usize).take(length as usize).collect();
            prop_assert_eq!(&sorted.codes(readings.clone()), &wanted);
            let mut counts = vec![5; 40_u32.div_ceil(page) as usize];
            sorted.count(&readings, &mut counts);
            for (index, count) in (0..).zip(counts) {
                let of_page = wanted.iter().filter(|code| **code / page == index);
                let places: Vec<u16> = of_page.map(|code| u16::try_from(code % page).unwrap()).collect();
                prop_assert_eq!(count as usize, 5 + places.len());
                prop_assert_eq!(sorted.places(index as usize, &readings), places);
            }
        }
    }

    /// As many readings and values a page as a head may speak of.
    #[test]
    fn of_the_largest_page() {
        let codes: Vec<u32> = (0..1 << 16).map(|n| (n * 7) % (1 << 17)).collect();
        let sorted = CodesPage::of(&codes, 1 << 17, 1 << 16);
        assert_eq!(sorted.codes(0..u32::MAX), codes);
        assert_eq!(sorted.codes(65_535..65_536), codes[65_535..]);
    }
}
