//! A cache of decoded heads and pages, bounded by memory. A segment never changes and its id is never reused,
//! so no entry becomes stale. Only a derived segment can be deleted while its segment exists.
//!
//! An older copy of a database can replace it while the service runs. A store gives no id again even then. In
//! addition, the key of an entry is the whole catalogue entry of its segment, not the id alone.

use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Page, PageId};
use device_stats_store::{Piece, PieceKey, SegmentEntry, SegmentId};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Typical size of a decoded page, in bytes. Only the size of the cache's own tables depends on it.
const PAGE_BYTES_TYPICAL: u64 = 12 * 1024;

/// A segment or the segment derived from it. Both have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Layer {
    /// The readings.
    Readings,
    /// The magnitudes of the readings.
    Magnitudes,
}

/// Names a segment of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentKey {
    pub(crate) layer: Layer,
    pub(crate) device: DeviceKey,
    pub(crate) entry: SegmentEntry,
}

impl SegmentKey {
    /// Returns the key of a piece, which does not name the layer.
    pub(crate) fn piece(self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.entry.id, piece }
    }
}

/// Decoded heads and pages.
pub(crate) struct PageCache {
    entries: Cache<Key, Entry, Memory>,
}

/// The key of a page, or of the head of a segment if there is no page id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(SegmentKey, Option<PageId>);

#[derive(Clone)]
enum Entry {
    Head(Arc<Head>),
    Page(Arc<Page>),
}

/// Weighs an entry by its memory, in bytes.
#[derive(Clone)]
struct Memory;

impl Weighter<Key, Entry> for Memory {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        let payload = match entry {
            Entry::Head(head) => head.memory_bytes(),
            Entry::Page(page) => page.memory_bytes(),
        };
        (payload + size_of::<Key>() + size_of::<Entry>()) as u64
    }
}

impl PageCache {
    /// Creates a cache of at most `bytes_max` bytes; 0 disables it.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let pages = usize::try_from(bytes_max / PAGE_BYTES_TYPICAL).unwrap_or(usize::MAX);
        Self { entries: Cache::with_weighter(pages, bytes_max, Memory) }
    }

    pub(crate) fn head(&self, segment: SegmentKey) -> Option<Arc<Head>> {
        match self.entries.get(&Key(segment, None))? {
            Entry::Head(head) => Some(head),
            Entry::Page(_) => None,
        }
    }

    pub(crate) fn insert_head(&self, segment: SegmentKey, head: &Arc<Head>) {
        self.entries.insert(Key(segment, None), Entry::Head(Arc::clone(head)));
    }

    /// Returns a head, or makes and inserts it. Concurrent calls with the same key wait for the first one. If
    /// the first one fails or is cancelled, the next one makes the head.
    pub(crate) async fn head_or_insert<E>(
        &self,
        segment: SegmentKey,
        make: impl Future<Output = Result<Arc<Head>, E>>,
    ) -> Result<Option<Arc<Head>>, E> {
        let entry = async { make.await.map(Entry::Head) };
        Ok(match self.entries.get_or_insert_async(&Key(segment, None), entry).await? {
            Entry::Head(head) => Some(head),
            Entry::Page(_) => None,
        })
    }

    /// Returns the memory of all entries, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// Returns the maximum of this memory, in bytes.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.entries.capacity()
    }

    /// Returns the number of lookups that found something.
    pub(crate) fn hits(&self) -> u64 {
        self.entries.hits()
    }

    /// Returns the number of lookups that found nothing.
    pub(crate) fn misses(&self) -> u64 {
        self.entries.misses()
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    pub(crate) fn remove_head(&self, segment: SegmentKey) {
        self.entries.remove(&Key(segment, None));
    }

    /// Removes the head and all pages of the derived segment of a segment. Visits all entries.
    pub(crate) fn remove_derived(&self, device: DeviceKey, segment: SegmentId) {
        self.entries.retain(|Key(key, _), _| {
            (key.layer, key.device, key.entry.id) != (Layer::Magnitudes, device, segment)
        });
    }

    pub(crate) fn page(&self, segment: SegmentKey, page: PageId) -> Option<Arc<Page>> {
        match self.entries.get(&Key(segment, Some(page)))? {
            Entry::Page(page) => Some(page),
            Entry::Head(_) => None,
        }
    }

    pub(crate) fn insert_page(&self, segment: SegmentKey, id: PageId, page: &Arc<Page>) {
        self.entries.insert(Key(segment, Some(id)), Entry::Page(Arc::clone(page)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use device_stats_domain::Axes;
    use device_stats_segment::{Effort, Row, Segment};

    fn head(times: std::ops::Range<i64>) -> (SegmentEntry, Arc<Head>) {
        let rows = times.map(|time_us| Row { time_us, id: time_us, values: Axes { x: 1.0, y: 2.0, z: 3.0 } });
        let segment = Segment::encode(&rows.collect::<Vec<_>>(), Effort::Fast).unwrap();
        let head = Head::open(&segment.head).unwrap();
        let (first_us, last_us, readings) = (head.first_us(), head.last_us(), head.readings());
        (SegmentEntry { id: SegmentId(7), first_us, last_us, readings }, Arc::new(head))
    }

    /// After the restore of a backup, the database gave the id of a cached segment to another one.
    #[test]
    fn a_cached_head_answers_only_for_its_catalogue_entry() {
        let cache = PageCache::new(1 << 20);
        let key = |entry| SegmentKey { layer: Layer::Readings, device: DeviceKey(1), entry };
        let (before, cached) = head(0..10);
        cache.insert_head(key(before), &cached);
        assert!(cache.head(key(before)).is_some());
        for (after, _) in [head(0..11), head(1..10), head(20..30)] {
            assert!(cache.head(key(after)).is_none(), "{after:?}");
        }
        cache.clear();
        assert!(cache.head(key(before)).is_none());
    }
}
