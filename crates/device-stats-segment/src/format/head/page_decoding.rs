//! Decoding of pages, and the checks that a page with the right checksum still has to pass.

use std::cmp::Ordering;

use device_stats_domain::Axis;
use pco::data_types::Number;

use super::Head;
use crate::format::byte_reader::Reader;
use crate::format::codec::{Chunk, Unreadable};
use crate::format::page_layout::of;
use crate::{CodesPage, Column, Counts, DictionaryPage, Fault, Page, PageId, SumsPage};

/// A page with its checksum checked, about to be read.
struct Reading<'h, 'b> {
    head: &'h Head,
    page: PageId,
    bytes: &'b [u8],
    /// How many entries the page has.
    entries: usize,
}

impl Head {
    /// Checks and decodes a page.
    pub(super) fn decode_page(&self, page: PageId, bytes: &[u8]) -> Result<Page, Fault> {
        let reading = self.check_page(page, bytes)?;
        match page.column {
            Column::Times => reading.times().map(Page::Times),
            Column::Ids => reading.whole(&self.chunks.ids).map(Into::into).map(Page::Ids),
            Column::Dictionary(axis) => reading.dictionary(axis).map(Page::Dictionary),
            Column::Codes(axis) => {
                let distinct = *of(&self.layout.distinct, axis);
                let sorted = |codes: Vec<u32>| CodesPage::of(&codes, distinct, self.layout.sizes.dictionary);
                reading.codes(axis).map(sorted).map(Page::Codes)
            }
            Column::Sums(axis) => reading.sums(axis).map(Page::Sums),
        }
    }

    /// Checks and decodes a page of codes, and leaves them in order of time.
    pub(crate) fn decode_codes(&self, axis: Axis, index: u32, bytes: &[u8]) -> Result<Vec<u32>, Fault> {
        self.check_page(PageId { column: Column::Codes(axis), index }, bytes)?.codes(axis)
    }

    /// Checks that these are the bytes of a page.
    fn check_page<'h, 'b>(&'h self, page: PageId, bytes: &'b [u8]) -> Result<Reading<'h, 'b>, Fault> {
        let known = self.layout.entries_of(page).zip(self.layout.position(page));
        let entry = known.and_then(|(entries, position)| Some((entries, self.directory.entry(position)?)));
        let (entries, entry) = entry.ok_or_else(|| Fault::NoSuchPage { page: page.to_string() })?;
        if bytes.len() != entry.length as usize {
            return Err(Fault::WrongLength { part: page.to_string() });
        }
        if crc32fast::hash(bytes) != entry.checksum {
            return Err(Fault::WrongChecksum { part: page.to_string() });
        }
        Ok(Reading { head: self, page, bytes, entries })
    }
}

impl<'b> Reading<'_, 'b> {
    fn inconsistent(&self, what: &'static str) -> Fault {
        Fault::Inconsistent { part: self.page.to_string(), what }
    }

    /// The numbers that all of `bytes` stand for.
    fn numbers<T: Number + Default>(&self, chunk: &Chunk<T>, bytes: &[u8]) -> Result<Vec<T>, Fault> {
        chunk.read(&self.head.chunks.reader, bytes, self.entries).map_err(|why| match why {
            Unreadable::WrongLength => Fault::WrongLength { part: self.page.to_string() },
            Unreadable::Corrupt => self.inconsistent("pco cannot decompress it"),
        })
    }

    /// The numbers of a page that is nothing else.
    fn whole<T: Number + Default>(&self, chunk: &Chunk<T>) -> Result<Vec<T>, Fault> {
        self.numbers(chunk, self.bytes)
    }

    /// The bytes of each of several parts: all but the last have their length in front.
    fn parts(&self, count: usize) -> Result<Vec<&'b [u8]>, Fault> {
        let named = |fault| match fault {
            Fault::WrongLength { .. } => Fault::WrongLength { part: self.page.to_string() },
            other => other,
        };
        let mut reader = Reader::new(self.bytes, "");
        let mut parts = Vec::with_capacity(count);
        for _ in 1..count {
            let length = reader.u32().map_err(named)?;
            parts.push(reader.bytes(length as usize).map_err(named)?);
        }
        parts.push(reader.rest());
        Ok(parts)
    }

    fn times(&self) -> Result<Box<[i64]>, Fault> {
        let times = self.whole(&self.head.chunks.times)?;
        let index = self.page.index as usize;
        let fences = &self.head.time_fences;
        let next = fences.get(index + 1);
        let ends = times.last().is_some_and(|last| match next {
            Some(next) => last < next,
            None => *last == self.head.last_us,
        });
        if times.first() != fences.get(index) || !ends {
            return Err(self.inconsistent("it does not lie between its fences"));
        }
        if !times.array_windows().all(|[before, after]| before < after) {
            return Err(self.inconsistent("its times do not ascend"));
        }
        Ok(times.into())
    }

    fn codes(&self, axis: Axis) -> Result<Vec<u32>, Fault> {
        let codes = self.whole(&of(&self.head.chunks.axes, axis).codes)?;
        let distinct = *of(&self.head.layout.distinct, axis);
        if codes.iter().fold(0, |most, code| most.max(*code)) >= distinct {
            return Err(self.inconsistent("it has a code beyond the dictionary"));
        }
        Ok(codes)
    }

    fn dictionary(&self, axis: Axis) -> Result<DictionaryPage, Fault> {
        let chunks = of(&self.head.chunks.axes, axis);
        let [values, counts] = self.parts(2)?[..] else {
            return Err(self.inconsistent("it has not two parts"));
        };
        let values = self.numbers(&chunks.values, values)?;
        self.check_values(axis, &values)?;
        let counts = self.cumulate(axis, &self.numbers(&chunks.counts, counts)?)?;
        Ok(DictionaryPage { values: values.into(), counts })
    }

    fn check_values(&self, axis: Axis, values: &[f64]) -> Result<(), Fault> {
        let head = of(&self.head.axes, axis);
        let index = self.page.index as usize;
        let ends = values.last().is_some_and(|last| match head.first.get(index + 1) {
            Some(next) => last.total_cmp(next) == Ordering::Less,
            None => last.to_bits() == head.totals.max.to_bits(),
        });
        let bits = |value: &f64| value.to_bits();
        if values.first().map(bits) != head.first.get(index).map(bits) || !ends {
            return Err(self.inconsistent("it does not lie between its fences"));
        }
        // Between two finite values there are only finite ones.
        if !values.array_windows().all(|[before, after]| before.total_cmp(after) == Ordering::Less) {
            return Err(self.inconsistent("its values do not ascend"));
        }
        Ok(())
    }

    /// Sums counts up from the fence of the page to that of the next.
    fn cumulate(&self, axis: Axis, counts: &[u32]) -> Result<Counts, Fault> {
        let below = &of(&self.head.axes, axis).below;
        let index = self.page.index as usize;
        let before = below.get(index).copied().unwrap_or(0);
        let mut sum = u64::from(before);
        let mut lowest = u32::MAX;
        let until = counts
            .iter()
            .map(|count| {
                lowest = lowest.min(*count);
                sum += u64::from(*count);
                u32::try_from(sum).unwrap_or(u32::MAX)
            })
            .collect();
        if lowest == 0 || below.get(index + 1).copied().map(u64::from) != Some(sum) {
            return Err(self.inconsistent("its counts do not add up"));
        }
        Ok(Counts::new(before, until))
    }

    fn sums(&self, axis: Axis) -> Result<SumsPage, Fault> {
        let chunks = &of(&self.head.chunks.axes, axis).sums;
        let words_per_sum = chunks.len();
        let mut words = vec![0; self.entries * words_per_sum];
        for (place, (chunk, bytes)) in chunks.iter().zip(self.parts(words_per_sum)?).enumerate() {
            let numbers = self.numbers(chunk, bytes)?;
            for (word, number) in words.iter_mut().skip(place).step_by(words_per_sum).zip(numbers) {
                *word = number.cast_unsigned();
            }
        }
        Ok(SumsPage { words: words.into(), words_per_sum })
    }
}
