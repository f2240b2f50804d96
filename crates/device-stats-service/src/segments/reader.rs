//! From names of segments to decoded heads and pages: out of the cache, or out of the store.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::analysis::{Pages, SegmentPage};
use device_stats_segment::{Fault, Head, Page, Section};
use device_stats_store::{Piece, PieceKey, SegmentEntry, SegmentId, Store, StoreError};
use tokio::runtime::Handle;

use super::cache::PageCache;

/// Pieces that are asked of the store at once: bounds what lies in memory before it is decoded.
const PIECES_MAX: usize = 512;

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// It was merged, or its device deleted, since its name was read. A new snapshot knows more.
    #[error("a segment is gone")]
    Gone,
    /// The store failed, or the segment is corrupt.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads segments of one store through one cache.
pub(crate) struct SegmentReader {
    store: Arc<dyn Store>,
    cache: PageCache,
}

/// A segment whose head is known.
struct OpenSegment {
    device: DeviceKey,
    id: SegmentId,
    head: Arc<Head>,
}

/// Segments that an analysis looks at; it names them by their place here.
pub(crate) struct OpenSegments {
    reader: Arc<SegmentReader>,
    runtime: Handle,
    segments: Vec<OpenSegment>,
}

impl SegmentReader {
    /// Reads from `store` and keeps at most `cache_bytes_max` bytes of what it has decoded.
    pub(crate) fn new(store: Arc<dyn Store>, cache_bytes_max: u64) -> Self {
        Self { store, cache: PageCache::new(cache_bytes_max) }
    }

    /// Opens segments, in the order given. To be called inside of a runtime.
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
        let missing: Vec<usize> =
            (0..).zip(&heads).filter(|(_, head)| head.is_none()).map(|(at, _)| at).collect();
        for missing in missing.chunks(PIECES_MAX) {
            let named: Vec<_> = missing.iter().filter_map(|at| entries.get(*at)).collect();
            let key = |device, segment| PieceKey { device, segment, piece: Piece::Head };
            let keys: Vec<PieceKey> = named.iter().map(|(device, entry)| key(*device, entry.id)).collect();
            let pieces = self.store.read_pieces(&keys).await?;
            for ((at, (device, entry)), bytes) in missing.iter().zip(named).zip(pieces) {
                let head = entry.open_head(&bytes.ok_or(ReadError::Gone)?);
                let head = Arc::new(head.map_err(|fault| corrupt(*device, entry.id, fault))?);
                self.cache.keep_head(*device, entry.id, &head);
                if let Some(place) = heads.get_mut(*at) {
                    *place = Some(head);
                }
            }
        }
        heads.into_iter().collect::<Option<Vec<_>>>().ok_or(ReadError::Gone)
    }
}

fn corrupt(device: DeviceKey, segment: SegmentId, fault: Fault) -> StoreError {
    StoreError::Corrupt { device, segment, fault }
}

impl OpenSegments {
    /// The head of a segment, by its place.
    pub(crate) fn head(&self, segment: usize) -> Option<&Arc<Head>> {
        self.segments.get(segment).map(|segment| &segment.head)
    }

    fn cached(&self, wanted: &SegmentPage) -> Option<Arc<Page>> {
        let segment = self.segments.get(wanted.segment)?;
        self.reader.cache.page(segment.device, segment.id, wanted.page)
    }

    /// Reads the pages that are not in the cache.
    async fn load(&self, missing: &[SegmentPage]) -> Result<HashMap<SegmentPage, Arc<Page>>, ReadError> {
        let mut blocks: HashMap<PieceKey, Vec<SegmentPage>> = HashMap::new();
        for wanted in missing {
            blocks.entry(self.block_of(wanted)?).or_default().push(*wanted);
        }
        let mut keys: Vec<PieceKey> = blocks.keys().copied().collect();
        // Neighbours in the store are read one after the other.
        keys.sort_unstable_by_key(|key| (key.device, key.segment, key.piece));
        let mut pages = HashMap::with_capacity(missing.len());
        for keys in keys.chunks(PIECES_MAX) {
            let pieces = self.reader.store.read_pieces(keys).await?;
            for (key, bytes) in keys.iter().zip(pieces) {
                let bytes = bytes.ok_or(ReadError::Gone)?;
                for wanted in blocks.get(key).into_iter().flatten() {
                    if let Entry::Vacant(place) = pages.entry(*wanted) {
                        place.insert(self.decode(wanted, &bytes)?);
                    }
                }
            }
        }
        Ok(pages)
    }

    fn block_of(&self, wanted: &SegmentPage) -> Result<PieceKey, ReadError> {
        let OpenSegment { device, id, head } = self.segments.get(wanted.segment).ok_or(ReadError::Gone)?;
        let place = head.block_range(wanted.page).map_err(|fault| corrupt(*device, *id, fault))?;
        Ok(PieceKey { device: *device, segment: *id, piece: Piece::Block(place.block) })
    }

    fn decode(&self, wanted: &SegmentPage, block: &[u8]) -> Result<Arc<Page>, ReadError> {
        let OpenSegment { device, id, head } = self.segments.get(wanted.segment).ok_or(ReadError::Gone)?;
        let page = head.block_range(wanted.page).and_then(|place| {
            let short = || Fault::WrongLength { section: Section::Block(place.block) };
            head.decode(wanted.page, block.get(place.bytes).ok_or_else(short)?)
        });
        let page = Arc::new(page.map_err(|fault| corrupt(*device, *id, fault))?);
        self.reader.cache.keep_page(*device, *id, wanted.page, &page);
        Ok(page)
    }
}

impl Pages for OpenSegments {
    type Error = ReadError;

    /// Blocks where a page has to be read from the store: not to be called on a thread of the runtime.
    fn read(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, ReadError> {
        let cached: Vec<Option<Arc<Page>>> = wanted.iter().map(|wanted| self.cached(wanted)).collect();
        let missing: Vec<SegmentPage> = wanted
            .iter()
            .zip(&cached)
            .filter(|(_, page)| page.is_none())
            .map(|(wanted, _)| *wanted)
            .collect();
        let loaded =
            if missing.is_empty() { HashMap::new() } else { self.runtime.block_on(self.load(&missing))? };
        let pages = wanted.iter().zip(cached);
        pages
            .map(|(wanted, page)| page.or_else(|| loaded.get(wanted).cloned()).ok_or(ReadError::Gone))
            .collect()
    }

    fn fault(&self, segment: usize, fault: Fault) -> ReadError {
        match self.segments.get(segment) {
            Some(OpenSegment { device, id, .. }) => corrupt(*device, *id, fault).into(),
            None => ReadError::Gone,
        }
    }
}
