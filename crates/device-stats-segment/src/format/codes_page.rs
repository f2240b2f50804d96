//! A decoded page of codes, sorted by page of the dictionary, so that a scan touches only the codes it needs.

use std::ops::Range;

use super::page_layout::page_of_code;

/// The codes of consecutive readings, sorted by the page of the dictionary that they belong to, then by
/// reading.
///
/// So the number of readings with a value of a given page of the dictionary is known at once, and the codes
/// of that page are contiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodesPage {
    /// Number of values of a page of the dictionary.
    dictionary_page: u32,
    /// For each page of the dictionary, the start of its codes; then the number of all codes.
    starts: Box<[u32]>,
    /// For each code, its position in its page of the dictionary.
    positions: Box<[u16]>,
    /// For each code, its reading, counted from the first reading of this page; ascending in a page of the
    /// dictionary.
    readings: Box<[u16]>,
}

#[expect(clippy::indexing_slicing, reason = "a code must not be dropped")]
impl CodesPage {
    /// Sorts the codes of at most 2^16 consecutive readings (counting sort). All codes are below `distinct`;
    /// a page of the dictionary has `dictionary_page` values, at most 2^16.
    ///
    /// # Panics
    /// If there are more codes, or a code is beyond the dictionary.
    pub(crate) fn new(codes: &[u32], distinct: u32, dictionary_page: u32) -> Self {
        assert!(codes.len() <= 1 << 16, "a page has at most 2^16 codes");
        let pages = distinct.div_ceil(dictionary_page) as usize;
        let page_of = page_of_code(dictionary_page);
        let mut starts = vec![0; pages + 1];
        for code in codes {
            starts[page_of(*code) as usize + 1] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let (mut positions, mut readings) = (vec![0; codes.len()], vec![0; codes.len()]);
        for (reading, code) in (0..=u16::MAX).zip(codes) {
            let page = page_of(*code);
            let slot = &mut next[page as usize];
            #[expect(clippy::cast_possible_truncation, reason = "below the size of a page of the dictionary")]
            let position = (code - page * dictionary_page) as u16;
            positions[*slot as usize] = position;
            readings[*slot as usize] = reading;
            *slot += 1;
        }
        Self {
            dictionary_page,
            starts: starts.into(),
            positions: positions.into(),
            readings: readings.into(),
        }
    }

    /// Returns the number of readings of the page.
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^16")]
    pub(crate) fn readings(&self) -> u32 {
        self.readings.len() as u32
    }

    /// Returns all codes of the page, in order of time.
    pub fn to_codes(&self) -> Vec<u32> {
        self.codes(0..self.readings())
    }

    /// Returns the codes of some readings of the page, in order of time.
    pub(crate) fn codes(&self, readings: Range<u32>) -> Vec<u32> {
        let mut codes = vec![0; readings.len()];
        for (page, bounds) in (0..).zip(self.starts.array_windows().copied()) {
            let inside = self.inside(bounds, &readings);
            for (reading, position) in self.readings[inside.clone()].iter().zip(&self.positions[inside]) {
                codes[(u32::from(*reading) - readings.start) as usize] =
                    page * self.dictionary_page + u32::from(*position);
            }
        }
        codes
    }

    /// Counts the given readings by page of the dictionary, and adds the results to `counts`.
    pub(crate) fn count(&self, readings: &Range<u32>, counts: &mut [u32]) {
        let bounds = self.starts.array_windows().copied();
        if *readings == (0..self.readings()) {
            for (count, [start, end]) in counts.iter_mut().zip(bounds) {
                *count += end - start;
            }
        } else {
            for (count, bounds) in counts.iter_mut().zip(bounds) {
                #[expect(clippy::cast_possible_truncation, reason = "at most 2^16")]
                let inside = self.inside(bounds, readings).len() as u32;
                *count += inside;
            }
        }
    }

    /// Returns the values of the given readings, as positions in a page of the dictionary. Readings with a
    /// value of another page are left out.
    pub(crate) fn positions(&self, page: usize, readings: &Range<u32>) -> &[u16] {
        &self.positions[self.inside([self.starts[page], self.starts[page + 1]], readings)]
    }

    /// Returns the range of the codes of the given readings among the codes of one page of the dictionary.
    fn inside(&self, bounds: [u32; 2], readings: &Range<u32>) -> Range<usize> {
        let Range { start, end } = range(bounds);
        let all = &self.readings[start..end];
        let before = |row: u32| all.partition_point(|reading| u32::from(*reading) < row);
        let from = if readings.start == 0 { start } else { start + before(readings.start) };
        let to = if readings.end >= self.readings() { end } else { start + before(readings.end) };
        from..to.max(from)
    }

    /// Returns the approximate heap memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.starts.len() * 4 + self.positions.len() * 4
    }
}

/// The codes of one page of the dictionary.
fn range([start, end]: [u32; 2]) -> Range<usize> {
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_codes_of_any_readings_are_found(
            codes in prop::collection::vec(0_u32..40, 1..60),
            page in 1_u32..12,
            from in 0_usize..70,
            length in 0_usize..70,
        ) {
            let sorted = CodesPage::new(&codes, 40, page);
            prop_assert_eq!(sorted.readings() as usize, codes.len());
            let from = from.min(codes.len());
            let until = (from + length).min(codes.len());
            let readings = u32::try_from(from).unwrap()..u32::try_from(until).unwrap();
            let wanted = &codes[from..until];
            prop_assert_eq!(&sorted.codes(readings.clone()), wanted);
            let mut counts = vec![5; 40_u32.div_ceil(page) as usize];
            sorted.count(&readings, &mut counts);
            for (index, count) in (0..).zip(counts) {
                let of_page = wanted.iter().filter(|code| **code / page == index);
                let positions: Vec<u16> = of_page.map(|code| u16::try_from(code % page).unwrap()).collect();
                prop_assert_eq!(count as usize, 5 + positions.len());
                prop_assert_eq!(sorted.positions(index as usize, &readings), positions);
            }
        }
    }

    /// The largest page of readings and of values that a head may describe.
    #[test]
    fn the_largest_page_keeps_every_code() {
        let codes: Vec<u32> = (0..1 << 16).map(|n| (n * 7) % (1 << 17)).collect();
        let sorted = CodesPage::new(&codes, 1 << 17, 1 << 16);
        assert_eq!(sorted.codes(0..1 << 16), codes);
        assert_eq!(sorted.codes(65_535..65_536), codes[65_535..]);
    }

    #[test]
    #[should_panic = "index out of bounds"]
    fn a_code_beyond_the_dictionary_is_not_dropped() {
        CodesPage::new(&[4], 4, 4);
    }
}
