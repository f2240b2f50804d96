//! At which times a device has sealed readings. As little as possible is read: nothing but the catalogue where the span
//! of no segment has the time that is asked for; else the head, and the one page of times.

use device_stats_domain::{DeviceKey, Timestamp, Window};
use device_stats_segment::{Fault, Head, Page, PageId, Section};
use device_stats_store::{Piece, PieceKey, SegmentEntry, SegmentId, StoreError};
use rusqlite::Connection;

use crate::{catalogue, pieces};

/// The times of the segments of a device that touch a window. What has been read is kept until another page of the same
/// segment is needed; so who asks in order of time has each page read once.
#[derive(Debug)]
pub(crate) struct SealedTimes<'c> {
    source: Source<'c>,
    segments: Vec<(SegmentEntry, Option<Opened>)>,
}

impl<'c> SealedTimes<'c> {
    /// Looks into the catalogue only.
    pub(crate) fn inside(
        connection: &'c Connection,
        device: DeviceKey,
        window: Window,
    ) -> Result<Self, StoreError> {
        let touching = catalogue::touching(connection, device, window)?;
        let segments = touching.into_iter().map(|entry| (entry, None)).collect();
        Ok(Self { source: Source { connection, device }, segments })
    }

    /// Whether the device has a sealed reading of that time, which the window has, too.
    pub(crate) fn has(&mut self, time: Timestamp) -> Result<bool, StoreError> {
        self.has_between(time.micros(), time.micros())
    }

    /// Whether the device has a sealed reading from the one time to the other. Both are included, and inside the window.
    pub(crate) fn has_between(&mut self, first_us: i64, last_us: i64) -> Result<bool, StoreError> {
        for (entry, opened) in &mut self.segments {
            if entry.last_us < first_us || last_us < entry.first_us {
                continue;
            }
            // A segment has a reading at either end.
            if first_us <= entry.first_us || entry.last_us <= last_us {
                return Ok(true);
            }
            let opened = self.source.opened(opened, *entry)?;
            if self.source.first_from(opened, first_us)? <= last_us {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the newest sealed reading of the device inside of `window` was taken, which lies inside the window of all.
    pub(crate) fn newest_us(&mut self, window: Window) -> Result<Option<i64>, StoreError> {
        let mut newest = None;
        for (entry, opened) in &mut self.segments {
            if entry.last_us < window.from_us || window.until_us <= entry.first_us {
                continue;
            }
            let last = if entry.last_us < window.until_us {
                entry.last_us
            } else {
                self.source.last_before(self.source.opened(opened, *entry)?, window.until_us)?
            };
            newest = newest.max(Some(last).filter(|last| *last >= window.from_us));
        }
        Ok(newest)
    }
}

/// A segment into which somebody has looked.
#[derive(Debug)]
struct Opened {
    id: SegmentId,
    head: Head,
    /// The page of the times that was read last.
    page: Option<(PageId, Box<[i64]>)>,
}

/// Where the bytes of the segments of a device come from.
#[derive(Clone, Copy, Debug)]
struct Source<'c> {
    connection: &'c Connection,
    device: DeviceKey,
}

impl Source<'_> {
    fn open(self, entry: SegmentEntry) -> Result<Opened, StoreError> {
        let bytes = self.read(entry.id, Piece::Head)?;
        let head = Head::open(&bytes).map_err(|fault| self.corrupt(entry.id, fault))?;
        if (head.first_us(), head.last_us(), head.readings())
            != (entry.first_us, entry.last_us, entry.readings)
        {
            return Err(self.corrupt(entry.id, inconsistent("it is the head of another segment")));
        }
        Ok(Opened { id: entry.id, head, page: None })
    }

    fn opened(self, opened: &mut Option<Opened>, entry: SegmentEntry) -> Result<&mut Opened, StoreError> {
        match opened {
            Some(opened) => Ok(opened),
            None => Ok(opened.insert(self.open(entry)?)),
        }
    }

    /// The first time of a segment from `time_us` on, which lies between the first and the last one.
    fn first_from(self, opened: &mut Opened, time_us: i64) -> Result<i64, StoreError> {
        let (page, times) = self.page_of(opened, time_us)?;
        let behind = times.get(times.partition_point(|time| *time < time_us)).copied();
        let next_page = usize::try_from(page.index).ok().map(|index| index + 1);
        let first = behind.or_else(|| opened.head.time_fences().get(next_page?).copied());
        first.ok_or_else(|| self.corrupt(opened.id, inconsistent("the last time is missing")))
    }

    /// The last time of a segment before `time_us`, which lies behind the first one and not behind the last one.
    fn last_before(self, opened: &mut Opened, time_us: i64) -> Result<i64, StoreError> {
        let (_, times) = self.page_of(opened, time_us.saturating_sub(1))?;
        let before = times.partition_point(|time| *time < time_us).checked_sub(1);
        let last = before.and_then(|place| times.get(place).copied());
        last.ok_or_else(|| self.corrupt(opened.id, inconsistent("a page begins before its fence")))
    }

    /// The page in which a time is, if the segment has it.
    fn page_of(self, opened: &mut Opened, time_us: i64) -> Result<(PageId, &[i64]), StoreError> {
        let Opened { id, head, page } = opened;
        let wanted = head.page_of_time(time_us);
        let wanted = wanted.ok_or_else(|| self.corrupt(*id, inconsistent("no page has the time")))?;
        if page.as_ref().is_none_or(|(read, _)| *read != wanted) {
            *page = Some((wanted, self.times(*id, head, wanted)?));
        }
        Ok((wanted, page.as_ref().map(|(_, times)| &**times).unwrap_or_default()))
    }

    /// A page of the times.
    fn times(self, id: SegmentId, head: &Head, page: PageId) -> Result<Box<[i64]>, StoreError> {
        let place = head.block_range(page).map_err(|fault| self.corrupt(id, fault))?;
        let block = self.read(id, Piece::Block(place.block))?;
        // What a short block has of the page does not match its checksum.
        let bytes = block.get(place.bytes).unwrap_or_default();
        match head.decode(page, bytes).map_err(|fault| self.corrupt(id, fault))? {
            Page::Times(times) => Ok(times),
            _ => Err(self.corrupt(id, inconsistent("a page of times holds something else"))),
        }
    }

    fn read(self, segment: SegmentId, piece: Piece) -> Result<Vec<u8>, StoreError> {
        let read = pieces::read(self.connection, &[PieceKey { device: self.device, segment, piece }])?;
        // What the catalogue lists is there in the same transaction; without it, no byte is right.
        Ok(read.into_iter().flatten().next().unwrap_or_default())
    }

    fn corrupt(self, segment: SegmentId, fault: Fault) -> StoreError {
        StoreError::Corrupt { device: self.device, segment, fault }
    }
}

fn inconsistent(reason: &'static str) -> Fault {
    Fault::Inconsistent { section: Section::Head, reason }
}
