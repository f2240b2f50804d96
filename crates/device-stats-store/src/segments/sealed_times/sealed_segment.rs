//! One segment of a lookup, with the head and the pages that have been read so far.

use std::collections::HashMap;

use device_stats_domain::{Axes, Axis, DeviceKey};
use device_stats_segment::{Column, Head, Page, PageId};

use crate::{Piece, PieceKey, SegmentEntry, StoreError};

/// A segment, with the head and the pages that have been read so far.
#[derive(Debug)]
pub(super) struct SealedSegment {
    pub(super) device: DeviceKey,
    pub(super) entry: SegmentEntry,
    head: Option<Head>,
    pages: HashMap<PageId, KeptPage>,
}

/// The part of a decoded page that a lookup needs.
#[derive(Debug)]
enum KeptPage {
    /// The times of readings.
    Times(Box<[i64]>),
    /// The codes of readings, in order of time.
    Codes(Box<[u32]>),
    /// The values of a dictionary.
    Values(Box<[f64]>),
}

impl KeptPage {
    fn memory_bytes(&self) -> usize {
        match self {
            Self::Times(times) => size_of_val(&**times),
            Self::Codes(codes) => size_of_val(&**codes),
            Self::Values(values) => size_of_val(&**values),
        }
    }
}

impl SealedSegment {
    pub(super) fn new(device: DeviceKey, entry: SegmentEntry) -> Self {
        Self { device, entry, head: None, pages: HashMap::new() }
    }

    pub(super) fn key(&self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.entry.id, piece }
    }

    /// Returns the key of the piece that has a page; `None` stands for the head.
    pub(super) fn key_of(&self, page: Option<PageId>) -> Result<PieceKey, StoreError> {
        let head = self.key(Piece::Head);
        let Some((page, opened)) = page.zip(self.head.as_ref()) else { return Ok(head) };
        let range = opened.block_range(page).map_err(|fault| head.corrupt(fault))?;
        Ok(self.key(Piece::Block(range.block)))
    }

    /// Returns whether the segment is of a device and a time lies in its span.
    pub(super) fn spans(&self, device: DeviceKey, time_us: i64) -> bool {
        self.device == device && (self.entry.first_us..=self.entry.last_us).contains(&time_us)
    }

    fn page_id(&self, head: &Head, time_us: i64) -> Result<PageId, StoreError> {
        let page = head.page_of_time(time_us);
        page.ok_or_else(|| {
            self.key(Piece::Head).inconsistent("no page has a time between its first and last")
        })
    }

    /// Returns the index of the page that can hold a time of the span, and the times of the page. Returns
    /// `None` and adds the page or the head to `missing` if it has not been read.
    pub(super) fn page_of_times(
        &self,
        time_us: i64,
        missing: &mut Vec<Option<PageId>>,
    ) -> Result<Option<(u32, &[i64])>, StoreError> {
        let Some(head) = &self.head else {
            missing.push(None);
            return Ok(None);
        };
        let page = self.page_id(head, time_us)?;
        let Some(KeptPage::Times(times)) = self.pages.get(&page) else {
            missing.push(Some(page));
            return Ok(None);
        };
        Ok(Some((page.index, times)))
    }

    /// Returns the page that can hold a time of the span; `None` if the page has not been read.
    fn page(&self, time_us: i64) -> Result<Option<(u32, &[i64])>, StoreError> {
        self.page_of_times(time_us, &mut Vec::new())
    }

    /// Returns the values of the reading at a time of the span; `None` if there is no such reading. If pages
    /// have not been read, adds them to `missing` and returns `None`.
    pub(super) fn values_at(
        &self,
        time_us: i64,
        missing: &mut Vec<Option<PageId>>,
    ) -> Result<Option<Axes<f64>>, StoreError> {
        let (Some(head), Some((page, times))) = (&self.head, self.page_of_times(time_us, missing)?) else {
            return Ok(None);
        };
        let Ok(reading) = times.binary_search(&time_us) else { return Ok(None) };
        let mut value = |axis| self.value_at(head, axis, (page, reading), missing);
        let (x, y, z) = (value(Axis::X)?, value(Axis::Y)?, value(Axis::Z)?);
        Ok(x.zip(y).zip(z).map(|((x, y), z)| Axes { x, y, z }))
    }

    /// Returns the value of an axis of a reading. The reading is given as the page and the position in it.
    /// Returns `None` and adds a page to `missing` if it has not been read.
    fn value_at(
        &self,
        head: &Head,
        axis: Axis,
        (page, reading): (u32, usize),
        missing: &mut Vec<Option<PageId>>,
    ) -> Result<Option<f64>, StoreError> {
        let codes = PageId { column: Column::Codes(axis), index: page };
        let Some(KeptPage::Codes(codes)) = self.pages.get(&codes) else {
            missing.push(Some(codes));
            return Ok(None);
        };
        let too_short =
            || self.key(Piece::Head).inconsistent("a page of codes is shorter than that of times");
        let code = *codes.get(reading).ok_or_else(too_short)?;
        let (dictionary, position) = head.page_of_code(axis, code);
        let Some(KeptPage::Values(values)) = self.pages.get(&dictionary) else {
            missing.push(Some(dictionary));
            return Ok(None);
        };
        let no_value = || self.key(Piece::Head).inconsistent("a code is beyond its dictionary");
        values.get(position).copied().map(Some).ok_or_else(no_value)
    }

    /// Returns the first time of the segment at or after `time_us`; `None` if the page has not been read.
    /// `time_us` lies in the span of the segment.
    pub(super) fn first_from(&self, time_us: i64) -> Result<Option<i64>, StoreError> {
        let (Some(head), Some((page, times))) = (&self.head, self.page(time_us)?) else { return Ok(None) };
        let in_page = times.get(times.partition_point(|time| *time < time_us)).copied();
        let next_page = usize::try_from(page).ok().map(|index| index + 1);
        let first = in_page.or_else(|| head.time_fences().get(next_page?).copied());
        let no_last = || self.key(Piece::Head).inconsistent("the last page lacks the last time");
        first.map(Some).ok_or_else(no_last)
    }

    /// Returns the last time of the segment before `time_us`; `None` if the page has not been read. `time_us`
    /// is after the first time of the segment, and not after the last.
    pub(super) fn last_before(&self, time_us: i64) -> Result<Option<i64>, StoreError> {
        let Some((_, times)) = self.page(time_us.saturating_sub(1))? else { return Ok(None) };
        let before = times.partition_point(|time| *time < time_us).checked_sub(1);
        let last = before.and_then(|position| times.get(position).copied());
        let no_fence = || self.key(Piece::Head).inconsistent("a page of times begins after its fence");
        last.map(Some).ok_or_else(no_fence)
    }

    /// Adds the head, and returns its memory in bytes.
    pub(super) fn add_head(&mut self, key: &PieceKey, bytes: &[u8]) -> Result<usize, StoreError> {
        let head = self.entry.open_head(bytes).map_err(|fault| key.corrupt(fault))?;
        Ok(self.head.insert(head).memory_bytes())
    }

    /// Adds pages of a block, and returns their memory in bytes.
    pub(super) fn add_pages(
        &mut self,
        key: &PieceKey,
        pages: &[PageId],
        bytes: &[u8],
    ) -> Result<usize, StoreError> {
        let not_opened = || StoreError::Broken("a block was added before its head".into());
        let head = self.head.as_ref().ok_or_else(not_opened)?;
        let mut memory_bytes = 0;
        for page in pages {
            let kept = match key.decode(head, *page, bytes)? {
                Page::Times(times) => KeptPage::Times(times),
                Page::Codes(codes) => KeptPage::Codes(codes.to_codes().into()),
                Page::Dictionary(dictionary) => KeptPage::Values(dictionary.values),
                Page::Ids(_) | Page::Sums(_) | Page::CodeCounts(_) => {
                    return Err(StoreError::Broken("no lookup needs a page of this column".into()));
                }
            };
            memory_bytes += kept.memory_bytes();
            self.pages.insert(*page, kept);
        }
        Ok(memory_bytes)
    }

    /// Drops the head and all pages.
    pub(super) fn forget(&mut self) {
        self.head = None;
        self.pages.clear();
    }
}
