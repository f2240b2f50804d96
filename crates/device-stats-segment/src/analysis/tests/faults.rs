//! Segments that contradict themselves are a fault; mistakes of the caller are a panic.

use std::sync::Arc;

use super::*;
use crate::analysis::page_source::contradiction;
use crate::analysis::part::part_column::part_columns;
use crate::analysis::rank::pool::Pool;
use crate::analysis::rank::rank_search::RankSearch;
use crate::format::columns::Columns;
use crate::format::segment::write::write;

/// A rank beyond the count was reported as a corrupt segment.
#[test]
#[should_panic = "rank 30 is not below the number of readings, 30"]
fn a_rank_beyond_the_count_is_a_mistake_of_the_caller() {
    let memory = Memory::new([vec![encode(&plausible_rows(30), SMALL, Effort::Fast)]].into_iter());
    let parts = memory.parts();
    let group = Group { parts: &parts, hot: &Axes::default() };
    let columns = part_columns(&[group], &[Axis::X], MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
    let _ = RankSearch::start(Pool::new(&columns), 30, &memory);
}

/// The codes outside the window have more readings of a value than the dictionary counts. The negative
/// difference was treated as zero.
#[test]
fn codes_that_contradict_the_dictionary_are_a_fault() {
    let rows: Vec<Row> = (0..60).map(|n| row(n, if n < 40 { 1.0 } else { 2.0 })).collect();
    let mut columns = Columns::from_rows(&rows, SMALL.sum_run).unwrap();
    columns.axes.x.dictionary.counts = vec![10, 50];
    let memory = Memory::new([vec![write(&columns, SMALL, Effort::Fast).unwrap()]].into_iter());
    let parts = cut(&memory.parts(), &[20, 60], &memory).unwrap().into_parts();
    let group = Group { parts: &parts, hot: &Axes::default() };
    let fault = contradiction(&memory, 0);
    assert_eq!(
        analyze_axis(&[group], Axis::X, &RequestedStatistics::default(), MemoryLimits::ONE_OF_FOUR, &memory)
            .unwrap_err(),
        fault
    );
    assert_eq!(
        histogram(group, Axis::X, bins(2, None, None), MemoryLimits::ONE_OF_FOUR, &memory).unwrap_err(),
        fault
    );
}

/// Missing pages were left out of sums and rows.
#[test]
#[should_panic = "a source returns each requested page"]
fn a_source_that_returns_fewer_pages_is_a_mistake_of_the_caller() {
    struct Fewer(Memory);
    impl Pages for Fewer {
        type Error = crate::Fault;
        fn load(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<crate::Page>>, crate::Fault> {
            self.0.load(wanted.split_last().unwrap().1)
        }
        fn fault(&self, _: usize, fault: crate::Fault) -> crate::Fault {
            fault
        }
    }
    let memory = Memory::new([vec![encode(&plausible_rows(30), SMALL, Effort::Fast)]].into_iter());
    let parts = memory.parts();
    let _ = rows(&parts, MemoryLimits::ONE_OF_FOUR, &Fewer(memory));
}
