//! A cache of decoded heads and pages, bounded by memory. A segment never changes and its id is never reused,
//! so no entry becomes stale. Only a derived segment can be deleted while its segment exists.

use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Page, PageId};
use device_stats_store::{Piece, PieceKey, SegmentId};
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
    pub(crate) segment: SegmentId,
}

impl SegmentKey {
    /// Returns the key of a piece, which does not name the layer.
    pub(crate) fn piece(self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.segment, piece }
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

    pub(crate) fn remove_head(&self, segment: SegmentKey) {
        self.entries.remove(&Key(segment, None));
    }

    /// Removes the head and all pages of a segment. Visits all entries.
    pub(crate) fn remove_segment(&self, segment: SegmentKey) {
        self.entries.retain(|key, _| key.0 != segment);
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
