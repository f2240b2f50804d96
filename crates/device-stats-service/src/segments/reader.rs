//! The reader of segments. It finds segments by id and returns their decoded heads and pages, from the cache
//! or the store.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::analysis::{Pages, Part, SegmentPage, cut};
use device_stats_segment::{Fault, Head, Page};
use device_stats_store::{Piece, PieceKey, SegmentEntry, SegmentId, Store, StoreError};
use tokio::runtime::Handle;

use super::cache::PageCache;

/// Maximum number of pieces in one call to the store. It bounds the memory of pieces before they are decoded.
const PIECES_MAX: usize = 512;

/// Reason why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The segment was merged or its device deleted since the snapshot. Take a new snapshot.
    #[error("a segment was merged or deleted")]
    Gone,
    /// The store failed, or the segment is corrupt.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// Returns the error of a broken invariant.
    pub(crate) fn broken(invariant: &'static str) -> Self {
        Self::Store(StoreError::Broken(invariant.into()))
    }
}

/// Reads the segments of one store through one cache.
pub(crate) struct SegmentReader {
    store: Arc<dyn Store>,
    cache: PageCache,
}

/// A segment with its head.
struct OpenSegment {
    device: DeviceKey,
    id: SegmentId,
    head: Arc<Head>,
}

impl OpenSegment {
    fn key(&self, piece: Piece) -> PieceKey {
        PieceKey { device: self.device, segment: self.id, piece }
    }
}

/// Open segments of one query. A [`Part`] or [`SegmentPage`] refers to its segment by position.
pub(crate) struct OpenSegments {
    reader: Arc<SegmentReader>,
    runtime: Handle,
    segments: Vec<OpenSegment>,
}

impl SegmentReader {
    /// Reads from `store`, and caches up to `cache_bytes_max` bytes of decoded heads and pages.
    pub(crate) fn new(store: Arc<dyn Store>, cache_bytes_max: u64) -> Self {
        Self { store, cache: PageCache::new(cache_bytes_max) }
    }

    /// Opens segments, in the order of `entries`. Call it inside a runtime.
    pub(crate) async fn open(
        self: &Arc<Self>,
        entries: &[(DeviceKey, SegmentEntry)],
    ) -> Result<OpenSegments, ReadError> {
        let heads = self.heads(entries).await?;
        let segments = entries.iter().zip(heads);
        let segments =
            segments.map(|((device, entry), head)| OpenSegment { device: *device, id: entry.id, head });
        let segments = segments.collect();
        Ok(OpenSegments { reader: Arc::clone(self), runtime: Handle::current(), segments })
    }

    async fn heads(&self, entries: &[(DeviceKey, SegmentEntry)]) -> Result<Vec<Arc<Head>>, ReadError> {
        let mut heads: Vec<Option<Arc<Head>>> =
            entries.iter().map(|(device, entry)| self.cache.head(*device, entry.id)).collect();
        let mut missing: Vec<_> = heads.iter_mut().zip(entries).filter(|(head, _)| head.is_none()).collect();
        for missing in missing.chunks_mut(PIECES_MAX) {
            let key = |(device, entry): &(DeviceKey, SegmentEntry)| PieceKey {
                device: *device,
                segment: entry.id,
                piece: Piece::Head,
            };
            let keys: Vec<PieceKey> = missing.iter().map(|(_, entry)| key(entry)).collect();
            let pieces = read_pieces(self.store.as_ref(), &keys).await?;
            for (((head, (_, entry)), key), bytes) in missing.iter_mut().zip(&keys).zip(pieces) {
                let opened = Arc::new(entry.open_head(&bytes).map_err(|fault| key.corrupt(fault))?);
                self.cache.insert_head(key.device, key.segment, &opened);
                **head = Some(opened);
            }
        }
        let heads = heads.into_iter().collect::<Option<Vec<_>>>();
        heads.ok_or_else(|| ReadError::broken("a segment has no head after all were read"))
    }
}

/// Reads pieces, in the order of `keys`.
async fn read_pieces(store: &dyn Store, keys: &[PieceKey]) -> Result<Vec<Vec<u8>>, ReadError> {
    let pieces = store.read_pieces(keys).await?;
    if pieces.len() != keys.len() {
        return Err(ReadError::broken("the store returned a wrong number of pieces"));
    }
    pieces.into_iter().collect::<Option<Vec<_>>>().ok_or(ReadError::Gone)
}

impl OpenSegments {
    /// Returns each segment as an uncut part.
    pub(crate) fn whole_parts(&self) -> Vec<Part> {
        let segments = self.segments.iter().enumerate();
        segments.map(|(index, segment)| Part::new(index, Arc::clone(&segment.head))).collect()
    }

    /// Cuts all segments at ascending bounds, and returns the parts of each span `[bounds[n], bounds[n +
    /// 1])`. May block, like [`Pages::read`].
    pub(crate) fn cut(&self, bounds: &[i64]) -> Result<Vec<Vec<Part>>, ReadError> {
        cut(&self.whole_parts(), bounds, self)
    }

    /// Returns the parts of all segments inside a window. May block, like [`Pages::read`].
    pub(crate) fn cut_window(&self, window: Window) -> Result<Vec<Part>, ReadError> {
        let spans = self.cut(&[window.from_us, window.until_us])?.into_iter().next();
        spans.ok_or_else(|| ReadError::broken("segments cut at two bounds have no span"))
    }

    fn segment(&self, index: usize) -> Result<&OpenSegment, ReadError> {
        self.segments.get(index).ok_or_else(|| ReadError::broken("the segment of a page is not open"))
    }

    fn cached(&self, page: &SegmentPage) -> Option<Arc<Page>> {
        let segment = self.segments.get(page.segment)?;
        self.reader.cache.page(segment.device, segment.id, page.page)
    }

    /// Reads pages from the store.
    async fn load(&self, missing: &[SegmentPage]) -> Result<HashMap<SegmentPage, Arc<Page>>, ReadError> {
        let mut blocks: HashMap<PieceKey, Vec<SegmentPage>> = HashMap::new();
        for page in missing {
            blocks.entry(self.block_key(page)?).or_default().push(*page);
        }
        let mut blocks: Vec<(PieceKey, Vec<SegmentPage>)> = blocks.into_iter().collect();
        // In this order, neighbouring blocks of the store are read one after the other.
        blocks.sort_unstable_by_key(|(key, _)| (key.device, key.segment, key.piece));
        let mut loaded = HashMap::with_capacity(missing.len());
        for blocks in blocks.chunks(PIECES_MAX) {
            let keys: Vec<PieceKey> = blocks.iter().map(|(key, _)| *key).collect();
            let pieces = read_pieces(self.reader.store.as_ref(), &keys).await?;
            for ((key, pages), bytes) in blocks.iter().zip(pieces) {
                for page in pages {
                    if let Entry::Vacant(entry) = loaded.entry(*page) {
                        entry.insert(self.decode(key, page, &bytes)?);
                    }
                }
            }
        }
        Ok(loaded)
    }

    fn block_key(&self, page: &SegmentPage) -> Result<PieceKey, ReadError> {
        let segment = self.segment(page.segment)?;
        let range = segment.head.block_range(page.page);
        let range = range.map_err(|fault| segment.key(Piece::Head).corrupt(fault))?;
        Ok(segment.key(Piece::Block(range.block)))
    }

    /// Decodes a page of a block, and caches it.
    fn decode(&self, key: &PieceKey, page: &SegmentPage, block: &[u8]) -> Result<Arc<Page>, ReadError> {
        let head = &self.segment(page.segment)?.head;
        let decoded = Arc::new(key.decode(head, page.page, block)?);
        self.reader.cache.insert_page(key.device, key.segment, page.page, &decoded);
        Ok(decoded)
    }
}

impl Pages for OpenSegments {
    type Error = ReadError;

    /// Blocks while pages are read from the store. Do not call it on a thread of the runtime.
    fn read(&self, pages: &[SegmentPage]) -> Result<Vec<Arc<Page>>, ReadError> {
        let cached: Vec<Option<Arc<Page>>> = pages.iter().map(|page| self.cached(page)).collect();
        let missing = pages.iter().zip(&cached).filter(|(_, cached)| cached.is_none());
        let missing: Vec<SegmentPage> = missing.map(|(page, _)| *page).collect();
        let loaded =
            if missing.is_empty() { HashMap::new() } else { self.runtime.block_on(self.load(&missing))? };
        let found = pages.iter().zip(cached).map(|(page, cached)| {
            let page = cached.or_else(|| loaded.get(page).cloned());
            page.ok_or_else(|| ReadError::broken("a requested page was not loaded"))
        });
        found.collect()
    }

    fn fault(&self, segment: usize, fault: Fault) -> ReadError {
        match self.segment(segment) {
            Ok(segment) => segment.key(Piece::Head).corrupt(fault).into(),
            Err(error) => error,
        }
    }
}
