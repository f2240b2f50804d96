//! A cache of decoded heads and pages, bounded by memory. A segment never changes and its id is never reused,
//! so no entry becomes stale.

use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Page, PageId};
use device_stats_store::SegmentId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Typical size of a decoded page, in bytes. Only the size of the cache's own tables depends on it.
const PAGE_BYTES_TYPICAL: u64 = 12 * 1024;

/// Decoded heads and pages.
pub(crate) struct PageCache {
    entries: Cache<Key, Entry, Memory>,
}

/// The key of a page, or of the head of a segment if there is no page id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(DeviceKey, SegmentId, Option<PageId>);

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

    pub(crate) fn head(&self, device: DeviceKey, segment: SegmentId) -> Option<Arc<Head>> {
        match self.entries.get(&Key(device, segment, None))? {
            Entry::Head(head) => Some(head),
            Entry::Page(_) => None,
        }
    }

    pub(crate) fn insert_head(&self, device: DeviceKey, segment: SegmentId, head: &Arc<Head>) {
        self.entries.insert(Key(device, segment, None), Entry::Head(Arc::clone(head)));
    }

    pub(crate) fn page(&self, device: DeviceKey, segment: SegmentId, page: PageId) -> Option<Arc<Page>> {
        match self.entries.get(&Key(device, segment, Some(page)))? {
            Entry::Page(page) => Some(page),
            Entry::Head(_) => None,
        }
    }

    pub(crate) fn insert_page(&self, device: DeviceKey, segment: SegmentId, id: PageId, page: &Arc<Page>) {
        self.entries.insert(Key(device, segment, Some(id)), Entry::Page(Arc::clone(page)));
    }
}
