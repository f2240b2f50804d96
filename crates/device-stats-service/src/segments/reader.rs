//! The reader of segments. It finds segments by id and returns their decoded heads and pages, from the cache
//! or the store. `derived.rs` adds derived segments.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::analysis::{Pages, Part, SegmentPage, Spans, cut};
use device_stats_segment::{Column, Fault, Head, Page, PageId};
use device_stats_store::{Piece, PieceKey, SegmentEntry, SegmentId, Store, StoreError};
use tokio::runtime::Handle;

use super::cache::{Layer, PageCache, SegmentKey};
use crate::admission::QueryHandle;
use crate::error::ServiceError;

/// Maximum number of pieces in one call to the store. It bounds the memory of pieces before they are decoded.
const PIECES_MAX: usize = 512;

/// Reason why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The segment was merged or its device deleted since the snapshot. Take a new snapshot.
    #[error("a segment was merged or deleted")]
    Gone,
    /// The derived segment of this device and segment is corrupt. Discard it; then it is computed again.
    #[error("a derived segment is corrupt")]
    CorruptDerived((DeviceKey, SegmentId), #[source] StoreError),
    /// Nobody waits for the result of the query.
    #[error("the query was abandoned")]
    Abandoned,
    /// The store failed, or the segment is corrupt.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// Returns the error of a broken invariant.
    pub(crate) fn broken(invariant: &'static str) -> Self {
        Self::Store(StoreError::Broken(invariant.into()))
    }

    /// Returns the error of a call that has read a segment of a layer.
    pub(super) fn of_layer(layer: Layer, error: StoreError) -> Self {
        match (layer, error) {
            (Layer::Magnitudes, error @ StoreError::Corrupt { device, segment, .. }) => {
                Self::CorruptDerived((device, segment), error)
            }
            (_, error) => Self::Store(error),
        }
    }

    /// Returns the error of a fault in a piece of a segment.
    pub(super) fn corrupt(key: SegmentKey, piece: Piece, fault: Fault) -> Self {
        Self::of_layer(key.layer, key.piece(piece).corrupt(fault))
    }
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) | ReadError::CorruptDerived(_, error) => error.into(),
            ReadError::Gone => Self::segments_merged_repeatedly(),
            // Nobody waits for this error.
            ReadError::Abandoned => StoreError::Unavailable(error.into()).into(),
        }
    }
}

/// Reads the segments of one store through one cache.
pub(crate) struct SegmentReader {
    store: Arc<dyn Store>,
    cache: PageCache,
}

/// A segment with its head.
struct OpenSegment {
    key: SegmentKey,
    head: Arc<Head>,
}

/// A block to read, and the wanted pages in it.
struct WantedBlock {
    segment: SegmentKey,
    piece: Piece,
    pages: Vec<SegmentPage>,
}

/// Open segments of one query. A [`Part`] or [`SegmentPage`] refers to its segment by position.
pub(crate) struct OpenSegments {
    reader: Arc<SegmentReader>,
    runtime: Handle,
    /// The segments with the readings, and then the derived segments.
    segments: Vec<OpenSegment>,
    /// Number of segments with readings.
    count: usize,
    /// For each segment with readings, the position of its derived segment, if that is open.
    derived: Vec<Option<usize>>,
    /// The query that reads the segments, if it can be abandoned.
    query: Option<QueryHandle>,
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
        let heads = self.find_heads(Layer::Readings, entries).await?;
        let segments = entries.iter().zip(heads).map(|((device, entry), head)| {
            let key = SegmentKey { layer: Layer::Readings, device: *device, entry: *entry };
            Some(OpenSegment { key, head: head? })
        });
        let segments: Vec<OpenSegment> = segments.collect::<Option<_>>().ok_or(ReadError::Gone)?;
        let (reader, runtime, count) = (Arc::clone(self), Handle::current(), segments.len());
        Ok(OpenSegments { reader, runtime, segments, count, derived: vec![None; count], query: None })
    }

    /// Returns the heads of the segments of one layer, from the cache or the store; `None` for each segment
    /// that does not exist.
    pub(super) async fn find_heads(
        &self,
        layer: Layer,
        entries: &[(DeviceKey, SegmentEntry)],
    ) -> Result<Vec<Option<Arc<Head>>>, ReadError> {
        let key = |(device, entry): &(DeviceKey, SegmentEntry)| SegmentKey {
            layer,
            device: *device,
            entry: *entry,
        };
        let mut heads: Vec<Option<Arc<Head>>> =
            entries.iter().map(|entry| self.cache.head(key(entry))).collect();
        let mut missing: Vec<_> = heads.iter_mut().zip(entries).filter(|(head, _)| head.is_none()).collect();
        for missing in missing.chunks_mut(PIECES_MAX) {
            let keys: Vec<SegmentKey> = missing.iter().map(|(_, entry)| key(entry)).collect();
            let pieces: Vec<PieceKey> = keys.iter().map(|key| key.piece(Piece::Head)).collect();
            let read = read_pieces(self.store.as_ref(), layer, &pieces).await?;
            for (((head, (_, entry)), key), bytes) in missing.iter_mut().zip(&keys).zip(read) {
                let Some(bytes) = bytes else { continue };
                let opened = match layer {
                    Layer::Readings => entry.open_head(&bytes),
                    Layer::Magnitudes => entry.open_derived_head(&bytes),
                };
                let opened = Arc::new(opened.map_err(|fault| ReadError::corrupt(*key, Piece::Head, fault))?);
                self.cache.insert_head(*key, &opened);
                **head = Some(opened);
            }
        }
        Ok(heads)
    }

    /// Returns the cache.
    pub(crate) fn cache(&self) -> &PageCache {
        &self.cache
    }
}

/// Reads pieces of one layer, in the order of `keys`; `None` for each piece that does not exist.
async fn read_pieces(
    store: &dyn Store,
    layer: Layer,
    keys: &[PieceKey],
) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
    let pieces = match layer {
        Layer::Readings => store.read_pieces(keys).await,
        Layer::Magnitudes => store.read_derived_pieces(keys).await,
    };
    let pieces = pieces.map_err(|error| ReadError::of_layer(layer, error))?;
    if pieces.len() != keys.len() {
        return Err(ReadError::broken("the store returned a wrong number of pieces"));
    }
    Ok(pieces)
}

impl OpenSegments {
    /// Makes the segments part of a query. They hold its share of the limits, and are not read any more when
    /// it is abandoned.
    pub(crate) fn for_query(self, query: QueryHandle) -> Self {
        Self { query: Some(query), ..self }
    }

    /// Returns an error if the query was abandoned.
    pub(crate) fn check_wanted(&self) -> Result<(), ReadError> {
        let is_abandoned = self.query.as_ref().is_some_and(QueryHandle::is_abandoned);
        if is_abandoned { Err(ReadError::Abandoned) } else { Ok(()) }
    }

    /// Adds derived segments. Each item is the position of a segment and the head of its derived segment.
    pub(super) fn add_derived(&mut self, heads: impl Iterator<Item = (usize, Arc<Head>)>) {
        for (position, head) in heads {
            let next = self.segments.len();
            if let (Some(segment), Some(derived)) =
                (self.segments.get(position), self.derived.get_mut(position))
            {
                let key = SegmentKey { layer: Layer::Magnitudes, ..segment.key };
                *derived = Some(next);
                self.segments.push(OpenSegment { key, head });
            }
        }
    }

    /// Returns the part of the derived segment with the magnitudes of the readings of a part; `None` if the
    /// segment has no open derived segment.
    pub(crate) fn derived_part(&self, part: &Part) -> Result<Option<Part>, ReadError> {
        let Some(segment) = self.derived.get(part.segment).copied().flatten() else { return Ok(None) };
        let head = Arc::clone(&self.segment(segment)?.head);
        Ok(Some(Part { segment, head, rows: part.rows.clone() }))
    }

    /// Returns the number of segments with readings.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns each segment as an uncut part.
    pub(crate) fn whole_parts(&self) -> Vec<Part> {
        let segments = self.segments.iter().take(self.count).enumerate();
        segments.map(|(index, segment)| Part::new(index, Arc::clone(&segment.head))).collect()
    }

    /// Cuts all segments at ascending bounds into the spans `[bounds[n], bounds[n + 1])`. May block, like
    /// [`Pages::load`].
    pub(crate) fn cut(&self, bounds: &[i64]) -> Result<Spans, ReadError> {
        cut(&self.whole_parts(), bounds, self)
    }

    /// Returns the parts of all segments inside a window. May block, like [`Pages::load`].
    pub(crate) fn cut_window(&self, window: Window) -> Result<Vec<Part>, ReadError> {
        Ok(self.cut(&[window.from_us, window.until_us])?.into_parts())
    }

    fn segment(&self, index: usize) -> Result<&OpenSegment, ReadError> {
        self.segments.get(index).ok_or_else(|| ReadError::broken("the segment of a page is not open"))
    }

    fn cached_page(&self, page: &SegmentPage) -> Option<Arc<Page>> {
        let segment = self.segments.get(page.segment)?;
        let cached = |page| self.reader.cache.page(segment.key, page);
        cached(page.page).or_else(|| match page.page.column {
            // A page of codes in order of time has everything that their counts have.
            Column::CodeCounts(axis) => cached(PageId { column: Column::Codes(axis), ..page.page }),
            _ => None,
        })
    }

    /// Reads pages from the store.
    async fn read_from_store(
        &self,
        missing: &[SegmentPage],
    ) -> Result<HashMap<SegmentPage, Arc<Page>>, ReadError> {
        let mut blocks: HashMap<(SegmentKey, Piece), Vec<SegmentPage>> = HashMap::new();
        for page in missing {
            blocks.entry(self.block_of(page)?).or_default().push(*page);
        }
        let mut blocks: Vec<WantedBlock> = blocks
            .into_iter()
            .map(|((segment, piece), pages)| WantedBlock { segment, piece, pages })
            .collect();
        // In this order, neighbouring blocks of the store are read one after the other.
        blocks.sort_unstable_by_key(|block| (block.segment, block.piece));
        let mut loaded = HashMap::with_capacity(missing.len());
        for blocks in blocks.chunk_by(|left, right| left.segment.layer == right.segment.layer) {
            for blocks in blocks.chunks(PIECES_MAX) {
                self.load_blocks(blocks, &mut loaded).await?;
            }
        }
        Ok(loaded)
    }

    /// Reads the pages of blocks of one layer.
    async fn load_blocks(
        &self,
        blocks: &[WantedBlock],
        loaded: &mut HashMap<SegmentPage, Arc<Page>>,
    ) -> Result<(), ReadError> {
        self.check_wanted()?;
        let Some(first) = blocks.first() else { return Ok(()) };
        let keys: Vec<PieceKey> = blocks.iter().map(|block| block.segment.piece(block.piece)).collect();
        let pieces = read_pieces(self.reader.store.as_ref(), first.segment.layer, &keys).await?;
        for ((block, key), bytes) in blocks.iter().zip(&keys).zip(pieces) {
            let Some(bytes) = bytes else {
                return Err(self.missing_block(block.segment, block.piece).await);
            };
            for page in &block.pages {
                if let Entry::Vacant(entry) = loaded.entry(*page) {
                    entry.insert(self.decode(key, page, &bytes)?);
                }
            }
        }
        Ok(())
    }

    /// Returns the error for a block that does not exist.
    async fn missing_block(&self, segment: SegmentKey, piece: Piece) -> ReadError {
        if segment.layer == Layer::Readings {
            return ReadError::Gone;
        }
        // A derived segment may be deleted while its segment exists. It is then computed again.
        self.reader.cache.remove_head(segment);
        match read_pieces(self.reader.store.as_ref(), segment.layer, &[segment.piece(Piece::Head)]).await {
            Ok(head) if head.iter().all(Option::is_none) => ReadError::Gone,
            Ok(_) => ReadError::of_layer(segment.layer, segment.piece(piece).inconsistent("it is missing")),
            Err(error) => error,
        }
    }

    fn block_of(&self, page: &SegmentPage) -> Result<(SegmentKey, Piece), ReadError> {
        let OpenSegment { key, head } = self.segment(page.segment)?;
        let range = head.block_range(page.page);
        let range = range.map_err(|fault| ReadError::corrupt(*key, Piece::Head, fault))?;
        Ok((*key, Piece::Block(range.block)))
    }

    /// Decodes a page of a block, and caches it.
    fn decode(&self, key: &PieceKey, page: &SegmentPage, block: &[u8]) -> Result<Arc<Page>, ReadError> {
        let segment = self.segment(page.segment)?;
        let decoded = key.decode(&segment.head, page.page, block);
        let decoded = Arc::new(decoded.map_err(|error| ReadError::of_layer(segment.key.layer, error))?);
        self.reader.cache.insert_page(segment.key, page.page, &decoded);
        Ok(decoded)
    }
}

impl Pages for OpenSegments {
    type Error = ReadError;

    /// Returns an error if the query was abandoned.
    fn cached(&self, pages: &[SegmentPage]) -> Result<Vec<Option<Arc<Page>>>, ReadError> {
        self.check_wanted()?;
        Ok(pages.iter().map(|page| self.cached_page(page)).collect())
    }

    /// Blocks while pages are read from the store. Do not call it on a thread of the runtime.
    fn load(&self, pages: &[SegmentPage]) -> Result<Vec<Arc<Page>>, ReadError> {
        let loaded = self.runtime.block_on(self.read_from_store(pages))?;
        let loaded = pages.iter().map(|page| loaded.get(page).cloned());
        loaded.collect::<Option<_>>().ok_or_else(|| ReadError::broken("a requested page was not loaded"))
    }

    fn fault(&self, segment: usize, fault: Fault) -> ReadError {
        match self.segment(segment) {
            Ok(segment) => ReadError::corrupt(segment.key, Piece::Head, fault),
            Err(error) => error,
        }
    }
}
