//! The lookup of sealed readings by their times. It needs only the pages that can contain a requested time,
//! and the pages of the values at that time. It does no I/O: a question returns the answer, or the pieces
//! that the caller has to read first.

mod sealed_segment;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::PageId;

use self::sealed_segment::SealedSegment;
use crate::{Piece, PieceKey, SegmentEntry, StoreError};

/// Maximum memory of heads and pages after [`SealedTimes::trim`], in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Looks up sealed readings by their times, in segments that the catalogue lists.
///
/// Ask a question. While the answer is [`Lookup::Missing`], read the pieces, [`add`](Self::add) them and ask
/// again. A question needs the head of a segment, then one page of times, and for values one page of codes
/// and one page of the dictionary of each axis. Call [`trim`](Self::trim) before the next question.
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

impl SealedTimes {
    /// Creates a lookup in these segments. None of their pieces has been read yet.
    pub fn new(segments: impl IntoIterator<Item = (DeviceKey, SegmentEntry)>) -> Self {
        let segments = segments.into_iter().map(|(device, entry)| SealedSegment::new(device, entry));
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

    /// Returns for each device and time the values of the sealed reading of the device at that time; `None`
    /// if there is no such reading.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn values_each(
        &self,
        times: &[(DeviceKey, i64)],
    ) -> Result<Lookup<Vec<Option<Axes<f64>>>>, StoreError> {
        let mut missing = MissingPieces::default();
        let mut found = vec![None; times.len()];
        for ((device, time_us), found) in times.iter().zip(&mut found) {
            for (position, segment) in self.segments.iter().enumerate() {
                if segment.spans(*device, *time_us) && found.is_none() {
                    let mut pages = Vec::new();
                    *found = segment.values_at(*time_us, &mut pages)?;
                    missing.add(position, segment, pages)?;
                }
            }
        }
        Ok(if missing.is_empty() { Lookup::Known(found) } else { missing.into_lookup() })
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
    /// the head is known.
    fn missing<T>(&self, times: &[(DeviceKey, i64)]) -> Result<Lookup<T>, StoreError> {
        let mut missing = MissingPieces::default();
        for (position, segment) in self.segments.iter().enumerate() {
            for (_, time_us) in times.iter().filter(|(device, time_us)| segment.spans(*device, *time_us)) {
                let mut pages = Vec::new();
                segment.page_of_times(*time_us, &mut pages)?;
                missing.add(position, segment, pages)?;
            }
        }
        Ok(missing.into_lookup())
    }
}

/// Collects missing pieces, each once.
#[derive(Default)]
struct MissingPieces {
    /// By position of the segment in the lookup.
    pieces: BTreeMap<(usize, Piece), MissingPiece>,
}

impl MissingPieces {
    /// Adds the pages of a segment that have not been read; `None` stands for its head.
    fn add(
        &mut self,
        position: usize,
        segment: &SealedSegment,
        pages: Vec<Option<PageId>>,
    ) -> Result<(), StoreError> {
        for page in pages {
            let key = segment.key_of(page)?;
            let piece = self.pieces.entry((position, key.piece)).or_insert_with(|| MissingPiece {
                key,
                segment: position,
                pages: Vec::new(),
            });
            piece.pages.extend(page.filter(|page| !piece.pages.contains(page)));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn into_lookup<T>(self) -> Lookup<T> {
        Lookup::Missing(self.pieces.into_values().collect())
    }
}
