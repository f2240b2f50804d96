//! Segments in memory as a source of pages.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use super::super::{Pages, Part, SegmentPage};
use crate::{Column, Fault, Head, Page, PageId, Segment};

/// Segments of several devices, numbered consecutively.
pub(super) struct Memory {
    segments: Vec<(usize, Arc<Head>, Segment)>,
    /// Number of requested pages.
    pub(super) requested: Cell<usize>,
    /// The cache has one in this number of pages; with 0, it has none.
    pub(super) cached_every: Cell<usize>,
    /// Maximum number of loaded pages that were held at the same time.
    pub(super) held: Cell<usize>,
    /// Number of loaded pages of codes in order of time.
    pub(super) in_order: Cell<usize>,
    alive: RefCell<Vec<Weak<Page>>>,
}

impl Memory {
    pub(super) fn new(devices: impl Iterator<Item = Vec<Segment>>) -> Self {
        let segments = devices.enumerate().flat_map(|(device, segments)| {
            segments.into_iter().map(move |segment| {
                let head = Arc::new(Head::open(&segment.head).unwrap());
                (device, head, segment)
            })
        });
        Self {
            segments: segments.collect(),
            requested: Cell::default(),
            cached_every: Cell::default(),
            held: Cell::default(),
            in_order: Cell::default(),
            alive: RefCell::default(),
        }
    }

    /// Returns every segment as a whole part.
    pub(super) fn parts(&self) -> Vec<Part> {
        let segments = self.segments.iter().enumerate();
        segments.map(|(index, (_, head, _))| Part::new(index, Arc::clone(head))).collect()
    }

    /// Returns the device of a segment.
    pub(super) fn owner(&self, segment: usize) -> usize {
        self.segments[segment].0
    }
}

impl Pages for Memory {
    type Error = Fault;

    fn cached(&self, wanted: &[SegmentPage]) -> Result<Vec<Option<Arc<Page>>>, Fault> {
        let pages = wanted.iter().map(|wanted| {
            let is_cached =
                (wanted.segment + wanted.page.index as usize).checked_rem(self.cached_every.get());
            // A cache may have the codes in order of time.
            let column = match wanted.page.column {
                Column::CodeCounts(axis) if wanted.page.index.is_multiple_of(2) => Column::Codes(axis),
                column => column,
            };
            let page = SegmentPage { page: PageId { column, ..wanted.page }, ..*wanted };
            (is_cached == Some(0)).then(|| self.decode(&page)).transpose()
        });
        pages.collect()
    }

    fn load(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, Fault> {
        self.requested.update(|requested| requested + wanted.len());
        let in_order = wanted.iter().filter(|wanted| matches!(wanted.page.column, Column::Codes(_))).count();
        self.in_order.update(|pages| pages + in_order);
        let loaded: Vec<Arc<Page>> =
            wanted.iter().map(|wanted| self.decode(wanted)).collect::<Result<_, _>>()?;
        let mut alive = self.alive.borrow_mut();
        alive.retain(|page| page.strong_count() > 0);
        alive.extend(loaded.iter().map(Arc::downgrade));
        self.held.update(|held| held.max(alive.len()));
        Ok(loaded)
    }

    fn fault(&self, _: usize, fault: Fault) -> Fault {
        fault
    }
}

impl Memory {
    fn decode(&self, wanted: &SegmentPage) -> Result<Arc<Page>, Fault> {
        let (_, head, segment) = &self.segments[wanted.segment];
        let range = head.block_range(wanted.page)?;
        head.decode(wanted.page, &segment.blocks[range.block as usize][range.bytes]).map(Arc::new)
    }
}
