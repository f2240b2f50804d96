//! Segments in memory, as pages.

use std::cell::Cell;
use std::sync::Arc;

use super::super::{Pages, Part, SegmentPage};
use crate::{Fault, Head, Page, Segment};

/// Segments of several devices, numbered through.
pub(super) struct Memory {
    segments: Vec<(usize, Arc<Head>, Segment)>,
    /// How many pages were asked for.
    pub(super) asked: Cell<usize>,
}

impl Memory {
    pub(super) fn of(devices: impl Iterator<Item = Vec<Segment>>) -> Self {
        let segments = devices.enumerate().flat_map(|(device, segments)| {
            segments.into_iter().map(move |segment| {
                let head = Arc::new(Head::open(&segment.head).unwrap());
                (device, head, segment)
            })
        });
        Self { segments: segments.collect(), asked: Cell::default() }
    }

    /// Every segment, whole.
    pub(super) fn parts(&self) -> Vec<Part> {
        let segments = self.segments.iter().enumerate();
        segments.map(|(place, (_, head, _))| Part::whole(place, Arc::clone(head))).collect()
    }

    pub(super) fn owner(&self, segment: usize) -> usize {
        self.segments[segment].0
    }
}

impl Pages for Memory {
    type Error = Fault;

    fn read(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, Fault> {
        self.asked.update(|asked| asked + wanted.len());
        let pages = wanted.iter().map(|wanted| {
            let (_, head, segment) = &self.segments[wanted.segment];
            let place = head.place(wanted.page)?;
            let bytes = &segment.blocks[place.block as usize][place.bytes];
            head.decode(wanted.page, bytes).map(Arc::new)
        });
        pages.collect()
    }

    fn fault(&self, _: usize, fault: Fault) -> Fault {
        fault
    }
}
