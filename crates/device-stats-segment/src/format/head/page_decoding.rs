//! Decoding of pages, and the checks of a page with the right checksum.

use std::cmp::Ordering;

use device_stats_domain::Axis;
use pco::data_types::Number;

use super::Head;
use crate::format::byte_reader::ByteReader;
use crate::format::code_counts::CodeCounts;
use crate::format::codec::{CompressedColumn, Unreadable};
use crate::format::codes_page::CodesPage;
use crate::format::cumulative_counts::CumulativeCounts;
use crate::format::fault::{Fault, Section};
use crate::format::page::{Column, DictionaryPage, Page, PageId, SumsPage};

/// The bytes of a page with the right checksum.
struct PageBytes<'h, 'b> {
    head: &'h Head,
    page: PageId,
    bytes: &'b [u8],
    /// Number of entries of the page.
    entries: usize,
}

impl Head {
    /// Decodes a page. `bytes` are exactly the bytes of the page.
    ///
    /// # Errors
    /// A [`Fault`] if the bytes do not belong to that page.
    pub fn decode(&self, page: PageId, bytes: &[u8]) -> Result<Page, Fault> {
        let bytes = self.check_page(page, bytes)?;
        match page.column {
            Column::Times => bytes.times().map(Page::Times),
            Column::Ids => bytes.single(&self.columns.ids).map(Into::into).map(Page::Ids),
            Column::Dictionary(axis) => bytes.dictionary(axis).map(Page::Dictionary),
            Column::Codes(axis) => {
                let (distinct, page) = (*self.layout.distinct.get(axis), self.layout.sizes.dictionary);
                bytes.codes(axis).map(|codes| Page::Codes(CodesPage::new(&codes, distinct, page)))
            }
            Column::CodeCounts(axis) => {
                let (distinct, page) = (*self.layout.distinct.get(axis), self.layout.sizes.dictionary);
                bytes.codes(axis).map(|codes| Page::CodeCounts(CodeCounts::new(&codes, distinct, page)))
            }
            Column::Sums(axis) => bytes.sums(axis).map(Page::Sums),
        }
    }

    /// Checks and decodes a page of codes, in order of time.
    pub(crate) fn decode_codes(&self, axis: Axis, index: u32, bytes: &[u8]) -> Result<Vec<u32>, Fault> {
        self.check_page(PageId { column: Column::Codes(axis), index }, bytes)?.codes(axis)
    }

    /// Checks length and checksum of a page.
    fn check_page<'h, 'b>(&'h self, page: PageId, bytes: &'b [u8]) -> Result<PageBytes<'h, 'b>, Fault> {
        let known = self.layout.page_entries(page).zip(self.layout.position(page));
        let entry = known.and_then(|(entries, position)| Some((entries, self.directory.entry(position)?)));
        let (entries, entry) = entry.ok_or(Fault::NoSuchPage(page))?;
        if bytes.len() != entry.length as usize {
            return Err(Fault::WrongLength { section: Section::Page(page) });
        }
        if crc32fast::hash(bytes) != entry.checksum {
            return Err(Fault::WrongChecksum { section: Section::Page(page) });
        }
        Ok(PageBytes { head: self, page, bytes, entries })
    }
}

impl<'b> PageBytes<'_, 'b> {
    fn inconsistent(&self, reason: &'static str) -> Fault {
        Fault::in_page(self.page, reason)
    }

    /// Decompresses the numbers of one chunk.
    fn numbers<T: Number + Default>(
        &self,
        column: &CompressedColumn<T>,
        bytes: &[u8],
    ) -> Result<Vec<T>, Fault> {
        column.read(&self.head.columns.reader, bytes, self.entries).map_err(|reason| match reason {
            Unreadable::WrongLength => Fault::WrongLength { section: Section::Page(self.page) },
            Unreadable::Corrupt => self.inconsistent("pco cannot decompress it"),
        })
    }

    /// Decompresses the numbers of a page with a single chunk.
    fn single<T: Number + Default>(&self, column: &CompressedColumn<T>) -> Result<Vec<T>, Fault> {
        self.numbers(column, self.bytes)
    }

    /// Splits a page into the bytes of its `count` chunks. Before the bytes of each chunk except the last is
    /// their length.
    fn chunks(&self, count: usize) -> Result<Vec<&'b [u8]>, Fault> {
        let mut reader = ByteReader::new(self.bytes, Section::Page(self.page));
        let mut chunks = Vec::with_capacity(count);
        for _ in 1..count {
            let length = reader.u32()?;
            chunks.push(reader.bytes(length as usize)?);
        }
        chunks.push(reader.rest());
        Ok(chunks)
    }

    fn times(&self) -> Result<Box<[i64]>, Fault> {
        let times = self.single(&self.head.columns.times)?;
        let index = self.page.index as usize;
        let fences = &self.head.time_fences;
        let ends_right = times.last().is_some_and(|last| match fences.get(index + 1) {
            Some(next) => last < next,
            None => *last == self.head.last_us,
        });
        if times.first() != fences.get(index) || !ends_right {
            return Err(self.inconsistent("it does not lie between its fences"));
        }
        if !times.array_windows().all(|[before, after]| before < after) {
            return Err(self.inconsistent("its times do not ascend"));
        }
        Ok(times.into())
    }

    fn codes(&self, axis: Axis) -> Result<Vec<u32>, Fault> {
        let codes = self.single(&self.head.columns.axes.get(axis).codes)?;
        let distinct = *self.head.layout.distinct.get(axis);
        if codes.iter().fold(0, |most, code| most.max(*code)) >= distinct {
            return Err(self.inconsistent("it has a code beyond the dictionary"));
        }
        Ok(codes)
    }

    fn dictionary(&self, axis: Axis) -> Result<DictionaryPage, Fault> {
        let columns = self.head.columns.axes.get(axis);
        let [values, counts] = self.chunks(2)?[..] else { unreachable!("two chunks were requested") };
        let values = self.numbers(&columns.values, values)?;
        self.check_values(axis, &values)?;
        let counts = self.cumulate(axis, &self.numbers(&columns.counts, counts)?)?;
        Ok(DictionaryPage { values: values.into(), counts })
    }

    fn check_values(&self, axis: Axis, values: &[f64]) -> Result<(), Fault> {
        let head = self.head.axes.get(axis);
        let index = self.page.index as usize;
        let ends_right = values.last().is_some_and(|last| match head.first.get(index + 1) {
            Some(next) => last.total_cmp(next) == Ordering::Less,
            None => last.to_bits() == head.totals.max.to_bits(),
        });
        let bits = |value: &f64| value.to_bits();
        if values.first().map(bits) != head.first.get(index).map(bits) || !ends_right {
            return Err(self.inconsistent("it does not lie between its fences"));
        }
        // All values between two finite values are finite.
        if !values.array_windows().all(|[before, after]| before.total_cmp(after) == Ordering::Less) {
            return Err(self.inconsistent("its values do not ascend"));
        }
        Ok(())
    }

    /// Returns the cumulative counts of the page. They start at the fence of the page and must end at the
    /// fence of the next page.
    #[expect(
        clippy::indexing_slicing,
        reason = "the fences have one count more than the dictionary has pages"
    )]
    fn cumulate(&self, axis: Axis, counts: &[u32]) -> Result<CumulativeCounts, Fault> {
        let below = &self.head.axes.get(axis).below;
        let index = self.page.index as usize;
        let mut sum = u64::from(below[index]);
        let mut least = u32::MAX;
        let until = counts.iter().map(|count| {
            least = least.min(*count);
            sum += u64::from(*count);
            #[expect(clippy::cast_possible_truncation, reason = "the largest sum is compared with a fence")]
            let until = sum as u32;
            until
        });
        let until = until.collect();
        if least == 0 || sum != u64::from(below[index + 1]) {
            return Err(self.inconsistent("its counts do not add up"));
        }
        Ok(CumulativeCounts::new(below[index], until))
    }

    fn sums(&self, axis: Axis) -> Result<SumsPage, Fault> {
        let columns = &self.head.columns.axes.get(axis).sums;
        let words_per_sum = columns.len();
        let mut words = vec![0; self.entries * words_per_sum];
        for (position, (column, bytes)) in columns.iter().zip(self.chunks(words_per_sum)?).enumerate() {
            let numbers = self.numbers(column, bytes)?;
            for (word, number) in words.iter_mut().skip(position).step_by(words_per_sum).zip(numbers) {
                *word = number.cast_unsigned();
            }
        }
        Ok(SumsPage { words: words.into(), words_per_sum })
    }
}
