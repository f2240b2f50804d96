//! Pages of codes that are read ahead for several analyses with one request.
//!
//! The buckets of a series mostly share pages with their neighbours, and pages share a block of the store. If
//! each analysis requested its own pages, each would wait for the store, and blocks would be read repeatedly.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use device_stats_domain::Axis;

use super::memory_limits::MemoryLimits;
use super::page_source::{Pages, ReadPages, SegmentPage};
use super::part::cut_column::scanned_pages;
use super::part::{Part, PartAxis};
use crate::format::fault::Fault;
use crate::format::page::Page;

/// A source that has pages of codes in memory, and asks another source for the others.
pub struct PagesAhead<'s, P> {
    source: &'s P,
    read: HashMap<SegmentPage, Arc<Page>>,
}

/// Returns the pages of codes that an analysis of these parts and axes requests.
pub fn codes_of(parts: &[Part], axes: &[Axis]) -> Vec<SegmentPage> {
    let cut = parts.iter().filter(|part| !part.is_whole());
    let part_axes = cut.flat_map(|part| axes.iter().map(|axis| PartAxis { part, axis: *axis }));
    part_axes.flat_map(scanned_pages).collect()
}

impl<'s, P: Pages> PagesAhead<'s, P> {
    /// Reads the pages of the first `n` of some analyses with one request, and returns them with `n`. `n` is
    /// the largest number whose pages an analysis may hold, and at least 1. If the first analysis alone has
    /// more pages, none are read, because it reads them itself in batches.
    ///
    /// # Errors
    /// The errors of [`Pages`].
    pub fn read(
        analyses: impl Iterator<Item = Result<Vec<SegmentPage>, P::Error>>,
        limits: MemoryLimits,
        source: &'s P,
    ) -> Result<(Self, usize), P::Error> {
        let mut wanted: HashSet<SegmentPage> = HashSet::new();
        let mut count = 0;
        for pages in analyses {
            let new: HashSet<SegmentPage> =
                pages?.into_iter().filter(|page| !wanted.contains(page)).collect();
            if wanted.len() + new.len() > limits.codes {
                break;
            }
            wanted.extend(new);
            count += 1;
        }
        let read = ReadPages::new(wanted.into_iter().collect(), source)?;
        Ok((Self { source, read: read.into_pages().collect() }, count.max(1)))
    }
}

impl<P: Pages> Pages for PagesAhead<'_, P> {
    type Error = P::Error;

    fn cached(&self, wanted: &[SegmentPage]) -> Result<Vec<Option<Arc<Page>>>, P::Error> {
        let found: Vec<Option<Arc<Page>>> = wanted.iter().map(|page| self.read.get(page).cloned()).collect();
        let others: Vec<SegmentPage> =
            wanted.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(page, _)| *page).collect();
        // Called even for no page: it fails if nobody waits for the result.
        let mut others = self.source.cached(&others)?.into_iter();
        Ok(found.into_iter().map(|found| found.or_else(|| others.next().flatten())).collect())
    }

    fn load(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, P::Error> {
        self.source.load(wanted)
    }

    fn fault(&self, segment: usize, fault: Fault) -> P::Error {
        self.source.fault(segment, fault)
    }
}
