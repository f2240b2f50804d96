//! The times of sealed readings, as far as a call has to know them: the segments that touch its readings, and of those
//! only the pages that can hold one of its times.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{BlockRange, Fault, Head, Page, PageId, Section};
use device_stats_store::{Piece, PieceKey, SegmentEntry, StoreError};

use crate::catalogue::touching;
use crate::errors::Failure;
use crate::inserting::{Spans, Timed};
use crate::pieces::{Found, find};

/// How many readings are looked up at once.
const LOOKED_UP_MAX: usize = 256;
/// How much of segments is kept from one look to the next, in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The segments that touch the readings of a call, as they were when it looked.
pub(crate) struct SealedTimes {
    segments: Vec<Sealed>,
}

/// A segment, and what was read of it.
struct Sealed {
    device: DeviceKey,
    entry: SegmentEntry,
    head: Option<Head>,
    /// Pages of its times, by their index.
    pages: HashMap<u32, Box<[i64]>>,
}

/// A page of times that has to be read.
struct Missing {
    /// Of which segment.
    segment: usize,
    page: PageId,
    place: BlockRange,
    /// In which of the pieces that are read.
    piece: usize,
}

impl SealedTimes {
    /// Looks which segments touch the spans.
    pub(crate) async fn look(transaction: &Transaction<'_>, spans: &Spans) -> Result<Self, Failure> {
        Ok(Self::of(touching(transaction, spans).await?))
    }

    fn of(segments: impl IntoIterator<Item = (DeviceKey, SegmentEntry)>) -> Self {
        let segments = segments.into_iter().map(|(device, entry)| Sealed {
            device,
            entry,
            head: None,
            pages: HashMap::new(),
        });
        Self { segments: segments.collect() }
    }

    /// Those of these segments that were not found then.
    pub(crate) fn others(&self, segments: Vec<(DeviceKey, SegmentEntry)>) -> Self {
        let known: HashSet<_> = self.segments.iter().map(|known| (known.device, known.entry.id)).collect();
        let is_other = |(device, entry): &(DeviceKey, SegmentEntry)| !known.contains(&(*device, entry.id));
        Self::of(segments.into_iter().filter(is_other))
    }

    /// Those of the readings, which are in order, that are not sealed.
    pub(crate) async fn without_sealed<'r>(
        &mut self,
        transaction: &Transaction<'_>,
        readings: &[Timed<'r>],
    ) -> Result<Vec<Timed<'r>>, Failure> {
        let mut others = Vec::with_capacity(readings.len());
        for part in readings.chunks(LOOKED_UP_MAX) {
            let times: Vec<_> = part.iter().map(|(_, new, time)| (new.device, time.micros())).collect();
            self.read_for(transaction, &times).await?;
            let is_other = |(_, new, time): &&Timed<'r>| !self.contain(new.device, time.micros());
            others.extend(part.iter().filter(is_other));
        }
        Ok(others)
    }

    /// Whether a reading is sealed.
    pub(crate) async fn have(
        &mut self,
        transaction: &Transaction<'_>,
        device: DeviceKey,
        time_us: i64,
    ) -> Result<bool, Failure> {
        let is_known = |sealed: &Sealed| !sealed.spans(device, time_us) || sealed.page_of(time_us).is_some();
        if !self.segments.iter().all(is_known) {
            self.read_for(transaction, &[(device, time_us)]).await?;
        }
        Ok(self.contain(device, time_us))
    }

    /// Whether a device has a sealed reading in a span; both ends belong to it. The span is one that was looked for.
    pub(crate) async fn have_any(
        &mut self,
        transaction: &Transaction<'_>,
        device: DeviceKey,
        first_us: i64,
        last_us: i64,
    ) -> Result<bool, Failure> {
        let has_end_inside = |sealed: &Sealed| {
            let SegmentEntry { first_us: first, last_us: last, .. } = sealed.entry;
            [first, last].iter().any(|end| (first_us..=last_us).contains(end))
        };
        if self.segments.iter().any(has_end_inside) {
            return Ok(true);
        }
        self.read_for(transaction, &[(device, first_us)]).await?;
        let first_inside =
            |sealed: &Sealed| sealed.first_from(first_us).filter(|time_us| *time_us <= last_us);
        Ok(self.segments.iter().any(|sealed| first_inside(sealed).is_some()))
    }

    /// When the newest sealed reading of a device inside a window was taken. The window is one that was looked for.
    pub(crate) async fn newest_us(
        &mut self,
        transaction: &Transaction<'_>,
        device: DeviceKey,
        window: Window,
    ) -> Result<Option<i64>, Failure> {
        let end = window.until_us.saturating_sub(1);
        // Of a segment that ends inside, the catalogue says it all.
        let goes_on = |sealed: &Sealed| sealed.spans(device, end) && sealed.entry.last_us > end;
        if self.segments.iter().any(|sealed| goes_on(sealed) && sealed.page_of(end).is_none()) {
            self.read_for(transaction, &[(device, end)]).await?;
        }
        let of_device = self.segments.iter().filter(|sealed| sealed.device == device);
        let last = of_device.filter_map(|sealed| {
            if goes_on(sealed) { sealed.last_until(end) } else { Some(sealed.entry.last_us) }
        });
        Ok(last.filter(|last_us| (window.from_us..=end).contains(last_us)).max())
    }

    /// Whether a reading, whose page was read, is sealed.
    fn contain(&self, device: DeviceKey, time_us: i64) -> bool {
        let mut spanning = self.segments.iter().filter(|sealed| sealed.spans(device, time_us));
        spanning.any(|sealed| {
            sealed.page_of(time_us).is_some_and(|(_, times)| times.binary_search(&time_us).is_ok())
        })
    }

    /// Reads the pages in which these times, which are in order, can be.
    async fn read_for(
        &mut self,
        transaction: &Transaction<'_>,
        times: &[(DeviceKey, i64)],
    ) -> Result<(), Failure> {
        if self.segments.iter().map(Sealed::kept_bytes).sum::<usize>() > KEPT_BYTES_MAX {
            self.segments.iter_mut().for_each(Sealed::forget);
        }
        self.read_heads(transaction, times).await?;
        self.read_pages(transaction, times).await
    }

    async fn read_heads(
        &mut self,
        transaction: &Transaction<'_>,
        times: &[(DeviceKey, i64)],
    ) -> Result<(), Failure> {
        let is_needed = |sealed: &Sealed| {
            sealed.head.is_none() && times.iter().any(|(device, time_us)| sealed.spans(*device, *time_us))
        };
        let mut needed: Vec<&mut Sealed> =
            self.segments.iter_mut().filter(|sealed| is_needed(sealed)).collect();
        let heads: Vec<_> = needed.iter().map(|sealed| sealed.piece(Piece::Head)).collect();
        for (sealed, found) in needed.iter_mut().zip(find(transaction, &heads).await?) {
            let bytes = sealed.bytes(found, Section::Head)?;
            let head = Head::open(&bytes).and_then(|head| sealed.entry_agrees(head));
            sealed.head = Some(head.map_err(|fault| sealed.corrupt(fault))?);
        }
        Ok(())
    }

    async fn read_pages(
        &mut self,
        transaction: &Transaction<'_>,
        times: &[(DeviceKey, i64)],
    ) -> Result<(), Failure> {
        let (missing, blocks) = self.missing(times)?;
        let found = find(transaction, &blocks).await?;
        for Missing { segment, page, place, piece } in missing {
            let (Some(sealed), Some(found)) = (self.segments.get_mut(segment), found.get(piece)) else {
                continue;
            };
            let section = Section::Block(place.block);
            let block = sealed.bytes(found.clone(), section)?;
            let bytes = block.get(place.bytes).ok_or(Fault::WrongLength { section });
            let head = sealed.head.as_ref().ok_or(Fault::NotASegment);
            let decoded = head.and_then(|head| head.decode(page, bytes?));
            if let Page::Times(times) = decoded.map_err(|fault| sealed.corrupt(fault))? {
                sealed.pages.insert(page.index, times);
            }
        }
        Ok(())
    }

    /// The pages in which these times can be, and the blocks that hold them. Times of a page are next to each other, and
    /// so are pages of a block.
    fn missing(&self, times: &[(DeviceKey, i64)]) -> Result<(Vec<Missing>, Vec<PieceKey>), StoreError> {
        let mut missing: Vec<Missing> = Vec::new();
        let mut blocks = Vec::new();
        for (segment, sealed) in self.segments.iter().enumerate() {
            let Some(head) = &sealed.head else { continue };
            let inside = times.iter().filter(|(device, time_us)| sealed.spans(*device, *time_us));
            for page in inside.filter_map(|(_, time_us)| head.page_of_time(*time_us)) {
                let is_last = missing.last().is_some_and(|last| (last.segment, last.page) == (segment, page));
                if is_last || sealed.pages.contains_key(&page.index) {
                    continue;
                }
                let place = head.block_range(page).map_err(|fault| sealed.corrupt(fault))?;
                let block = sealed.piece(Piece::Block(place.block));
                if blocks.last() != Some(&block) {
                    blocks.push(block);
                }
                missing.push(Missing { segment, page, place, piece: blocks.len() - 1 });
            }
        }
        Ok((missing, blocks))
    }
}

impl Sealed {
    fn spans(&self, device: DeviceKey, time_us: i64) -> bool {
        self.device == device && (self.entry.first_us..=self.entry.last_us).contains(&time_us)
    }

    /// The page that was read in which a time can be, and its index.
    fn page_of(&self, time_us: i64) -> Option<(u32, &[i64])> {
        let index = self.head.as_ref()?.page_of_time(time_us)?.index;
        Some((index, self.pages.get(&index)?))
    }

    /// The first time of the segment that is not before this one, whose page was read.
    fn first_from(&self, time_us: i64) -> Option<i64> {
        let (index, times) = self.page_of(time_us)?;
        let inside = times.get(times.partition_point(|time| *time < time_us)).copied();
        let next = || self.head.as_ref()?.time_fences().get(usize::try_from(index).ok()? + 1).copied();
        inside.or_else(next)
    }

    /// The last time of the segment that is not behind this one, whose page was read.
    fn last_until(&self, time_us: i64) -> Option<i64> {
        let (_, times) = self.page_of(time_us)?;
        times.get(times.partition_point(|time| *time <= time_us).checked_sub(1)?).copied()
    }

    fn piece(&self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.entry.id, piece }
    }

    /// The head, where it says of the segment what the catalogue says.
    fn entry_agrees(&self, head: Head) -> Result<Head, Fault> {
        let SegmentEntry { id: _, first_us, last_us, readings } = self.entry;
        if (head.first_us(), head.last_us(), head.readings()) == (first_us, last_us, readings) {
            Ok(head)
        } else {
            Err(Fault::Inconsistent { section: Section::Head, reason: "the catalogue says otherwise" })
        }
    }

    fn bytes(&self, found: Found, section: Section) -> Result<Vec<u8>, Failure> {
        match found {
            Found::Bytes(bytes) => Ok(bytes),
            Found::Lost | Found::Never => Err(self.corrupt(Fault::WrongLength { section }).into()),
            Found::Gone => Err(Failure::Overtaken),
        }
    }

    fn corrupt(&self, fault: Fault) -> StoreError {
        StoreError::Corrupt { device: self.device, segment: self.entry.id, fault }
    }

    fn kept_bytes(&self) -> usize {
        let pages: usize = self.pages.values().map(|times| times.len() * size_of::<i64>()).sum();
        self.head.as_ref().map_or(0, Head::memory_bytes) + pages
    }

    fn forget(&mut self) {
        self.head = None;
        self.pages.clear();
    }
}
