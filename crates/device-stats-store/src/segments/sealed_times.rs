//! The lookup of the times of sealed readings. It needs only the pages that can hold one of the requested
//! times. It does no I/O: a question returns the answer, or the pieces that have to be read first.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Head, Page, PageId};

use crate::{Piece, PieceKey, SegmentEntry, StoreError};

/// Maximum memory of heads and pages after [`SealedTimes::trim`], in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Looks up times of sealed readings in segments that the catalogue lists.
///
/// Ask a question. While the answer is [`Lookup::Missing`], read the pieces, [`add`](Self::add) them and ask
/// again. A question needs the head of a segment, then one page of times. Call [`trim`](Self::trim) before
/// the next question.
#[derive(Debug)]
pub struct SealedTimes {
    segments: Vec<SealedSegment>,
    kept_bytes: usize,
}

/// Answer to a question about sealed times.
#[derive(Debug)]
pub enum Lookup<T> {
    /// The answer.
    Known(T),
    /// These pieces have to be read and added first.
    Missing(Vec<MissingPiece>),
}

/// A piece that has to be read to answer a question.
#[derive(Debug)]
pub struct MissingPiece {
    /// The piece.
    pub key: PieceKey,
    /// Position of the segment in the lookup.
    segment: usize,
    /// The needed pages of a block; empty for a head.
    pages: Vec<PageId>,
}

/// A segment, with its head and pages as far as they have been read.
#[derive(Debug)]
struct SealedSegment {
    device: DeviceKey,
    entry: SegmentEntry,
    head: Option<Head>,
    /// Pages of times, by their index.
    pages: HashMap<u32, Box<[i64]>>,
}

impl SealedTimes {
    /// Creates a lookup in these segments. None of their pieces has been read yet.
    pub fn new(segments: impl IntoIterator<Item = (DeviceKey, SegmentEntry)>) -> Self {
        let segments = segments.into_iter().map(|(device, entry)| SealedSegment {
            device,
            entry,
            head: None,
            pages: HashMap::new(),
        });
        Self { segments: segments.collect(), kept_bytes: 0 }
    }

    /// Creates a lookup in the given segments, except for the segments of this lookup.
    #[must_use]
    pub fn with_unknown(&self, segments: impl IntoIterator<Item = (DeviceKey, SegmentEntry)>) -> Self {
        let known: HashSet<_> = self.segments.iter().map(|known| (known.device, known.entry.id)).collect();
        Self::new(segments.into_iter().filter(|(device, entry)| !known.contains(&(*device, entry.id))))
    }

    /// Returns whether a device has a sealed reading at a time.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn contains(&self, device: DeviceKey, time_us: i64) -> Result<Lookup<bool>, StoreError> {
        self.contains_between(device, time_us, time_us)
    }

    /// Returns for each device and time whether the device has a sealed reading at that time. The devices and
    /// times ascend.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn contains_each(&self, times: &[(DeviceKey, i64)]) -> Result<Lookup<Vec<bool>>, StoreError> {
        let mut found = Vec::with_capacity(times.len());
        for (device, time_us) in times {
            match self.contains(*device, *time_us)? {
                Lookup::Known(is_sealed) => found.push(is_sealed),
                Lookup::Missing(_) => return self.missing(times),
            }
        }
        Ok(Lookup::Known(found))
    }

    /// Returns whether a device has a sealed reading from `first_us` to `last_us`, both included.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn contains_between(
        &self,
        device: DeviceKey,
        first_us: i64,
        last_us: i64,
    ) -> Result<Lookup<bool>, StoreError> {
        let mut is_known = true;
        for segment in self.segments.iter().filter(|segment| segment.device == device) {
            let SegmentEntry { first_us: begin_us, last_us: end_us, .. } = segment.entry;
            if end_us < first_us || last_us < begin_us {
                continue;
            }
            // A segment has a reading at each end of its span.
            if first_us <= begin_us || end_us <= last_us {
                return Ok(Lookup::Known(true));
            }
            match segment.first_from(first_us)? {
                Some(time_us) if time_us <= last_us => return Ok(Lookup::Known(true)),
                Some(_) => {}
                None => is_known = false,
            }
        }
        if is_known { Ok(Lookup::Known(false)) } else { self.missing(&[(device, first_us)]) }
    }

    /// Returns the time of the newest sealed reading of a device in a window.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn newest_us(&self, device: DeviceKey, window: Window) -> Result<Lookup<Option<i64>>, StoreError> {
        let mut newest = None;
        for segment in self.segments.iter().filter(|segment| segment.device == device) {
            let SegmentEntry { first_us, last_us, .. } = segment.entry;
            if last_us < window.from_us || window.until_us <= first_us {
                continue;
            }
            let last = if last_us < window.until_us {
                Some(last_us)
            } else {
                segment.last_before(window.until_us)?
            };
            let Some(last) = last else {
                return self.missing(&[(device, window.until_us.saturating_sub(1))]);
            };
            newest = newest.max(Some(last).filter(|last_us| *last_us >= window.from_us));
        }
        Ok(Lookup::Known(newest))
    }

    /// Adds a missing piece.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the bytes do not belong to the piece; [`StoreError::Broken`] if another
    /// lookup reported it missing.
    pub fn add(&mut self, missing: &MissingPiece, bytes: &[u8]) -> Result<(), StoreError> {
        let MissingPiece { key, segment, pages } = missing;
        let segment = self.segments.get_mut(*segment).filter(|segment| segment.key(key.piece) == *key);
        let segment = segment.ok_or_else(|| StoreError::Broken("a piece is from another lookup".into()))?;
        self.kept_bytes += match key.piece {
            Piece::Head => segment.add_head(key, bytes)?,
            Piece::Block(_) => segment.add_pages(key, pages, bytes)?,
        };
        Ok(())
    }

    /// Drops all heads and pages if they take too much memory.
    pub fn trim(&mut self) {
        if self.kept_bytes > KEPT_BYTES_MAX {
            self.segments.iter_mut().for_each(SealedSegment::forget);
            self.kept_bytes = 0;
        }
    }

    /// Returns the missing pieces that can hold these times. For each segment, this is the head, or blocks if
    /// the head is known. The times ascend, so the pages of a block are adjacent.
    fn missing<T>(&self, times: &[(DeviceKey, i64)]) -> Result<Lookup<T>, StoreError> {
        let mut missing: Vec<MissingPiece> = Vec::new();
        for (position, segment) in self.segments.iter().enumerate() {
            for (_, time_us) in times.iter().filter(|(device, time_us)| segment.spans(*device, *time_us)) {
                let Some(head) = &segment.head else {
                    let key = segment.key(Piece::Head);
                    missing.push(MissingPiece { key, segment: position, pages: Vec::new() });
                    break;
                };
                let page = segment.page_id(head, *time_us)?;
                if segment.pages.contains_key(&page.index) {
                    continue;
                }
                let range =
                    head.block_range(page).map_err(|fault| segment.key(Piece::Head).corrupt(fault))?;
                let key = segment.key(Piece::Block(range.block));
                match missing.last_mut() {
                    Some(last) if last.key == key => {
                        if last.pages.last() != Some(&page) {
                            last.pages.push(page);
                        }
                    }
                    _ => missing.push(MissingPiece { key, segment: position, pages: vec![page] }),
                }
            }
        }
        Ok(Lookup::Missing(missing))
    }
}

impl SealedSegment {
    fn key(&self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.entry.id, piece }
    }

    fn spans(&self, device: DeviceKey, time_us: i64) -> bool {
        self.device == device && (self.entry.first_us..=self.entry.last_us).contains(&time_us)
    }

    fn page_id(&self, head: &Head, time_us: i64) -> Result<PageId, StoreError> {
        let page = head.page_of_time(time_us);
        page.ok_or_else(|| {
            self.key(Piece::Head).inconsistent("no page has a time between its first and last")
        })
    }

    /// Returns the page that can hold a time of the span; `None` if the page has not been read.
    fn page(&self, time_us: i64) -> Result<Option<(PageId, &[i64])>, StoreError> {
        let Some(head) = &self.head else { return Ok(None) };
        let page = self.page_id(head, time_us)?;
        Ok(self.pages.get(&page.index).map(|times| (page, &**times)))
    }

    /// Returns the first time of the segment at or after `time_us`; `None` if the page has not been read.
    /// `time_us` lies in the span of the segment.
    fn first_from(&self, time_us: i64) -> Result<Option<i64>, StoreError> {
        let (Some(head), Some((page, times))) = (&self.head, self.page(time_us)?) else { return Ok(None) };
        let in_page = times.get(times.partition_point(|time| *time < time_us)).copied();
        let next_page = usize::try_from(page.index).ok().map(|index| index + 1);
        let first = in_page.or_else(|| head.time_fences().get(next_page?).copied());
        let no_last = || self.key(Piece::Head).inconsistent("the last page lacks the last time");
        first.map(Some).ok_or_else(no_last)
    }

    /// Returns the last time of the segment before `time_us`; `None` if the page has not been read. `time_us`
    /// is after the first time of the segment, and not after the last.
    fn last_before(&self, time_us: i64) -> Result<Option<i64>, StoreError> {
        let Some((_, times)) = self.page(time_us.saturating_sub(1))? else { return Ok(None) };
        let before = times.partition_point(|time| *time < time_us).checked_sub(1);
        let last = before.and_then(|position| times.get(position).copied());
        let no_fence = || self.key(Piece::Head).inconsistent("a page of times begins after its fence");
        last.map(Some).ok_or_else(no_fence)
    }

    /// Adds the head, and returns its memory in bytes.
    fn add_head(&mut self, key: &PieceKey, bytes: &[u8]) -> Result<usize, StoreError> {
        let head = self.entry.open_head(bytes).map_err(|fault| key.corrupt(fault))?;
        Ok(self.head.insert(head).memory_bytes())
    }

    /// Adds pages of a block, and returns their memory in bytes.
    fn add_pages(&mut self, key: &PieceKey, pages: &[PageId], bytes: &[u8]) -> Result<usize, StoreError> {
        let not_opened = || StoreError::Broken("a block was added before its head".into());
        let head = self.head.as_ref().ok_or_else(not_opened)?;
        let mut memory_bytes = 0;
        for page in pages {
            let Page::Times(times) = key.decode(head, *page, bytes)? else {
                return Err(key.inconsistent("a page of times was decoded as another column"));
            };
            memory_bytes += size_of_val(&*times);
            self.pages.insert(page.index, times);
        }
        Ok(memory_bytes)
    }

    fn forget(&mut self) {
        self.head = None;
        self.pages.clear();
    }
}
