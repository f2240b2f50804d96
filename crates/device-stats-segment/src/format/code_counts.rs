//! A decoded page of codes without the order of its readings: the number of readings with each code.
//!
//! A count of readings that contains all of a page needs no more. The numbers take a tenth to a half of the
//! memory of a [page in order of time](super::codes_page), so that a cache holds the pages of larger devices.

use std::ops::Range;

use super::page_layout::{count_u32, page_of_code};

/// Number of codes per distinct value of a column up to which its codes are counted at once. Columns with
/// more distinct values are sorted by page of the dictionary first.
const DISTINCT_PER_CODE: usize = 8;
/// Memory of a [`Table`] in bytes, beside its numbers.
const TABLE_BYTES: usize = size_of::<Table>();

/// The numbers of readings with each code of consecutive readings, by page of the dictionary.
///
/// A page of the dictionary with many readings has a table with a number for each value. The readings of the
/// others are listed by their positions in the page of the dictionary, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCounts {
    /// Number of values of a page of the dictionary.
    dictionary_page: u32,
    /// Number of values of all pages of the dictionary.
    distinct: u32,
    /// For each page of the dictionary, the number of readings of earlier pages; then the number of all
    /// readings.
    starts: Box<[u16]>,
    /// The tables, by ascending page.
    tables: Box<[Table]>,
    /// The numbers of all tables.
    numbers: Box<[u8]>,
    /// The lowest eight bits of each listed position.
    low: Box<[u8]>,
    /// The other bits of each listed position: two bits, four positions per byte, if a page of the dictionary
    /// has at most 1024 values; otherwise a byte.
    high: Box<[u8]>,
}

/// The table of a page of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Table {
    page: u32,
    width: Width,
    /// Start of its numbers.
    start: u32,
    /// Number of readings in this table and all earlier ones.
    until: u32,
}

/// The size of the numbers of a table. Of two numbers in a byte, the first one is the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Half,
    One,
    Two,
}

impl Width {
    fn of(most: u16) -> Self {
        match most {
            0..=0xf => Self::Half,
            0x10..=0xff => Self::One,
            _ => Self::Two,
        }
    }

    fn bytes(self, values: usize) -> usize {
        match self {
            Self::Half => values.div_ceil(2),
            Self::One => values,
            Self::Two => values * 2,
        }
    }
}

/// A page while it is made.
#[derive(Default)]
struct Draft {
    starts: Vec<u16>,
    tables: Vec<Table>,
    numbers: Vec<u8>,
    /// Number of readings in tables.
    in_tables: u32,
    listed: Vec<u16>,
}

/// Maximum number of readings of a page.
pub(crate) const READINGS_MAX: u32 = u16::MAX as u32;
/// Number of values of a page of the dictionary up to which two bits complete a position.
const TWO_BITS_MAX: u32 = 1024;

#[expect(clippy::indexing_slicing, reason = "a reading must not be dropped")]
impl CodeCounts {
    /// Counts the codes of at most [`READINGS_MAX`] readings. All codes are below `distinct`; a page of the
    /// dictionary has `dictionary_page` values, at most 2^16.
    ///
    /// # Panics
    /// If there are more codes, or a code is beyond the dictionary.
    pub(crate) fn new(codes: &[u32], distinct: u32, dictionary_page: u32) -> Self {
        assert!(codes.len() <= READINGS_MAX as usize, "a page has fewer than 2^16 codes");
        let draft = if distinct as usize <= DISTINCT_PER_CODE * codes.len() {
            Draft::count(codes, distinct, dictionary_page)
        } else {
            Draft::sort(codes, distinct, dictionary_page)
        };
        let Draft { starts, tables, numbers, listed, .. } = draft;
        let low = listed.iter().map(|position| position.to_le_bytes()[0]).collect();
        let high = listed.iter().map(|position| position.to_le_bytes()[1]);
        let high = if dictionary_page <= TWO_BITS_MAX {
            let packed = listed.chunks(4).map(|four| {
                four.iter().rev().fold(0, |packed, position| packed << 2 | position.to_le_bytes()[1])
            });
            packed.collect()
        } else {
            high.collect()
        };
        Self {
            dictionary_page,
            distinct,
            starts: starts.into(),
            tables: tables.into(),
            numbers: numbers.into(),
            low,
            high,
        }
    }

    /// Counts the readings by page of the dictionary, and adds the results to `counts`.
    pub(crate) fn count(&self, counts: &mut [u32]) {
        for (count, [start, end]) in counts.iter_mut().zip(self.starts.array_windows()) {
            *count += u32::from(end - start);
        }
    }

    /// Adds the number of readings with each value of a page of the dictionary to `counts`, which has an
    /// entry for each value of the page.
    pub(crate) fn add_to(&self, page: usize, counts: &mut [u32]) {
        match self.table(page) {
            Ok(table) => {
                let numbers = self.numbers_of(table);
                match table.width {
                    Width::Half => {
                        let (pairs, last) = counts.as_chunks_mut();
                        for ([low, high], number) in pairs.iter_mut().zip(numbers) {
                            *low += u32::from(number & 0xf);
                            *high += u32::from(number >> 4);
                        }
                        for (count, number) in last.iter_mut().zip(numbers.last()) {
                            *count += u32::from(number & 0xf);
                        }
                    }
                    Width::One => {
                        for (count, number) in counts.iter_mut().zip(numbers) {
                            *count += u32::from(*number);
                        }
                    }
                    Width::Two => {
                        for (count, number) in counts.iter_mut().zip(numbers.as_chunks().0) {
                            *count += u32::from(u16::from_le_bytes(*number));
                        }
                    }
                }
            }
            Err(listed) => self.positions(listed).for_each(|position| counts[position] += 1),
        }
    }

    /// Returns the first and the last position in a page of the dictionary that a reading has; `None` if no
    /// reading has a value of the page.
    pub(crate) fn outer_positions(&self, page: usize) -> Option<[usize; 2]> {
        match self.table(page) {
            Ok(table) => {
                let numbers = self.numbers_of(table);
                let first = numbers.iter().position(|number| *number > 0)?;
                let last = numbers.iter().rposition(|number| *number > 0)?;
                Some(match table.width {
                    Width::Half => [
                        2 * first + usize::from(numbers[first].trailing_zeros() >= 4),
                        2 * last + usize::from(numbers[last] > 0xf),
                    ],
                    Width::One => [first, last],
                    Width::Two => [first / 2, last / 2],
                })
            }
            Err(listed) => self.positions(listed).fold(None, |outer: Option<[usize; 2]>, position| {
                let [first, last] = outer.unwrap_or([position; 2]);
                Some([first.min(position), last.max(position)])
            }),
        }
    }

    /// Returns the table of a page of the dictionary, or the range of its listed positions.
    fn table(&self, page: usize) -> Result<&Table, Range<usize>> {
        let index = self.tables.partition_point(|table| (table.page as usize) < page);
        if let Some(table) = self.tables.get(index).filter(|table| table.page as usize == page) {
            return Ok(table);
        }
        let in_tables = index.checked_sub(1).map_or(0, |before| self.tables[before].until as usize);
        let [start, end] = [self.starts[page], self.starts[page + 1]].map(usize::from);
        Err(start - in_tables..end - in_tables)
    }

    fn numbers_of(&self, table: &Table) -> &[u8] {
        let values = values_of(table.page, self.distinct, self.dictionary_page);
        let start = table.start as usize;
        &self.numbers[start..start + table.width.bytes(values)]
    }

    fn positions(&self, listed: Range<usize>) -> impl Iterator<Item = usize> {
        let has_two_bits = self.dictionary_page <= TWO_BITS_MAX;
        listed.map(move |index| {
            let high =
                if has_two_bits { self.high[index / 4] >> (2 * (index % 4)) & 3 } else { self.high[index] };
            usize::from(high) << 8 | usize::from(self.low[index])
        })
    }

    /// Returns the approximate heap memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.starts.len() * 2
            + self.tables.len() * TABLE_BYTES
            + self.numbers.len()
            + self.low.len()
            + self.high.len()
    }
}

/// Returns the number of values in a page of the dictionary.
fn values_of(page: u32, distinct: u32, dictionary_page: u32) -> usize {
    (distinct - page * dictionary_page).min(dictionary_page) as usize
}

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "fewer than 2^16 readings")]
impl Draft {
    /// Counts all codes at once.
    fn count(codes: &[u32], distinct: u32, dictionary_page: u32) -> Self {
        let mut all = vec![0_u16; distinct as usize];
        for code in codes {
            all[*code as usize] += 1;
        }
        let mut draft = Self { starts: vec![0], ..Self::default() };
        let mut until = 0;
        for (page, counts) in (0..).zip(all.chunks(dictionary_page as usize)) {
            let readings = counts.iter().sum::<u16>();
            until += readings;
            draft.starts.push(until);
            if readings > 0 && !draft.add_table(page, counts, readings) {
                for (position, count) in (0..=u16::MAX).zip(counts) {
                    draft.listed.extend(std::iter::repeat_n(position, (*count).into()));
                }
            }
        }
        draft
    }

    /// Sorts the codes by page of the dictionary (counting sort). The codes of a page with many readings are
    /// then counted; the others are listed.
    fn sort(codes: &[u32], distinct: u32, dictionary_page: u32) -> Self {
        let pages = distinct.div_ceil(dictionary_page) as usize;
        let page_of = page_of_code(dictionary_page);
        let mut starts = vec![0_u16; pages + 1];
        for code in codes {
            starts[page_of(*code) as usize + 1] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut positions = vec![0_u16; codes.len()];
        for code in codes {
            let page = page_of(*code);
            let slot = &mut next[page as usize];
            positions[usize::from(*slot)] = (code - page * dictionary_page) as u16;
            *slot += 1;
        }
        let mut draft = Self::default();
        let mut counts = Vec::new();
        for (page, [start, end]) in (0..).zip(starts.array_windows().copied()) {
            let of_page = &positions[start.into()..end.into()];
            let values = values_of(page, distinct, dictionary_page);
            if is_worthwhile(Width::Half, values, of_page.len()) {
                counts.clear();
                counts.resize(values, 0);
                for position in of_page {
                    counts[usize::from(*position)] += 1;
                }
                if draft.add_table(page, &counts, end - start) {
                    continue;
                }
            }
            draft.listed.extend(of_page);
        }
        Self { starts, ..draft }
    }

    /// Adds the table of a page of the dictionary, unless a list takes less memory. Returns whether it did.
    fn add_table(&mut self, page: u32, counts: &[u16], readings: u16) -> bool {
        let width = Width::of(counts.iter().fold(0, |most, count| most.max(*count)));
        if !is_worthwhile(width, counts.len(), readings.into()) {
            return false;
        }
        self.in_tables += u32::from(readings);
        let (start, until) = (count_u32(self.numbers.len()), self.in_tables);
        self.tables.push(Table { page, width, start, until });
        match width {
            Width::Half => self.numbers.extend(counts.chunks(2).map(|pair| {
                let high = pair.get(1).copied().unwrap_or(0);
                (pair[0] | high << 4) as u8
            })),
            Width::One => self.numbers.extend(counts.iter().map(|count| *count as u8)),
            Width::Two => self.numbers.extend(counts.iter().flat_map(|count| count.to_le_bytes())),
        }
        true
    }
}

/// Returns whether a table takes less memory than a list, which takes ten bits or more per reading.
fn is_worthwhile(width: Width, values: usize, readings: usize) -> bool {
    TABLE_BYTES + width.bytes(values) < readings + readings / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares everything with plain counts.
    fn check(codes: &[u32], distinct: u32, dictionary_page: u32) -> CodeCounts {
        let counted = CodeCounts::new(codes, distinct, dictionary_page);
        let mut by_page = vec![5; distinct.div_ceil(dictionary_page) as usize];
        counted.count(&mut by_page);
        for (page, of_page) in (0..).zip(by_page) {
            let inside = codes.iter().filter(|code| **code / dictionary_page == page);
            let positions: Vec<usize> = inside.map(|code| (code % dictionary_page) as usize).collect();
            assert_eq!(of_page as usize, 5 + positions.len(), "page {page}");
            let outer = positions.iter().min().zip(positions.iter().max());
            assert_eq!(
                counted.outer_positions(page as usize),
                outer.map(|(min, max)| [*min, *max]),
                "page {page}"
            );
            let mut counts = vec![3; values_of(page, distinct, dictionary_page)];
            let mut expected = counts.clone();
            counted.add_to(page as usize, &mut counts);
            for position in &positions {
                expected[*position] += 1;
            }
            assert_eq!(counts, expected, "page {page}");
        }
        counted
    }

    proptest! {
        /// Few and many distinct values, evenly used and not, with pages of any size.
        #[test]
        fn any_codes_are_counted(
            distinct in prop_oneof![1_u32..40, 1_u32..5_000],
            page in prop_oneof![1_u32..12, 1_u32..3_000, Just(1_024)],
            numbers in prop::collection::vec(any::<u32>(), 1..600),
            most in prop_oneof![1_u32..4, 1_u32..5_000],
        ) {
            let codes: Vec<u32> = numbers.iter().map(|number| number % most % distinct).collect();
            check(&codes, distinct, page);
            let spread: Vec<u32> = numbers.iter().map(|number| number % distinct).collect();
            check(&spread, distinct, page);
        }
    }

    #[test]
    fn each_kind_of_table_and_list_is_used() {
        let tables =
            |counted: &CodeCounts| counted.tables.iter().map(|table| table.width).collect::<Vec<_>>();
        let even: Vec<u32> = (0..4_096).map(|n| n * 7 % 3_000).collect();
        assert_eq!(tables(&check(&even, 3_000, 1_024)), [Width::Half; 3]);
        let few: Vec<u32> = (0..4_096).map(|n| n % 100).collect();
        assert_eq!(tables(&check(&few, 100, 1_024)), [Width::One]);
        assert_eq!(tables(&check(&[99; 4_096], 100, 1_024)), [Width::Two]);
        let sparse: Vec<u32> = (0..4_096).map(|n| n * 31 % 20_000).collect();
        assert_eq!(tables(&check(&sparse, 20_000, 1_024)), []);
        // One page of the dictionary has most readings; the others are sorted, and listed.
        let uneven = (0..4_096).map(|n| if n % 2 == 0 { 499_712 + n % 1_000 } else { n * 200 });
        let uneven = check(&uneven.collect::<Vec<_>>(), 1_000_000, 1_024);
        assert_eq!(uneven.tables.len(), 1);
        assert!(!uneven.low.is_empty());
    }

    #[test]
    fn the_largest_page_is_counted() {
        let codes: Vec<u32> = (0..READINGS_MAX).map(|n| n * 7 % (1 << 17)).collect();
        check(&codes, 1 << 17, 1 << 16);
        check(&vec![3; READINGS_MAX as usize], 4, 4);
        check(&[1 << 20], (1 << 20) + 1, 1 << 16);
    }

    /// The counts of a page of a typical device take less than a fifth of its codes.
    #[test]
    fn counts_take_little_memory() {
        let wave = |n: u32| 6_000.0 + 1_200.0 * (f64::from(n) / 700.0).sin();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test")]
        let codes: Vec<u32> = (0..4_096).map(|n| wave(n) as u32 + n * 7_919 % 240).collect();
        assert!(check(&codes, 12_000, 1_024).memory_bytes() < 16 * 1024 / 5);
        let noise: Vec<u32> = (0..4_096).map(|n| n * 7_919 % (1 << 20)).collect();
        assert!(check(&noise, 1 << 20, 1_024).memory_bytes() < 8 * 1024);
    }

    #[test]
    #[should_panic = "index out of bounds"]
    fn a_code_beyond_the_dictionary_is_not_dropped() {
        CodeCounts::new(&[4], 4, 4);
    }
}
