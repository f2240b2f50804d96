//! Tests of the last readings of many segments.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_stats_segment::analysis::SegmentPage;
use device_stats_segment::{Effort, Fault, Page};
use device_stats_store::{Model, SealedRows, Store};

use super::*;
use crate::segments::reader::{OpenSegments, SegmentReader};
use crate::testing::{create_device, new_reading};

/// Pages of open segments. Notes the largest number of pages that were requested together.
struct CountedPages {
    segments: OpenSegments,
    most: AtomicUsize,
}

impl Pages for CountedPages {
    type Error = ReadError;

    fn load(&self, pages: &[SegmentPage]) -> Result<Vec<Arc<Page>>, ReadError> {
        self.most.fetch_max(pages.len(), Ordering::Relaxed);
        self.segments.load(pages)
    }

    fn fault(&self, segment: usize, fault: Fault) -> ReadError {
        self.segments.fault(segment, fault)
    }
}

#[tokio::test]
async fn the_segments_of_many_devices_are_read_a_few_at_a_time() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    let count = 2 * SEGMENTS_DECODED_AT_ONCE + 3;
    let last_us: Vec<i64> = (0..count).map(|n| i64::try_from(10 * n + 1).unwrap()).collect();
    for us in &last_us {
        store.append(&[new_reading(device, us - 1), new_reading(device, *us)]).await.unwrap();
        let hot = store.list_hot_readings(device, u32::MAX).await.unwrap();
        store.seal(device, &SealedRows::encode(&hot, Effort::Fast).unwrap()).await.unwrap();
    }
    let mut entries = store.list_segments(device).await.unwrap();
    entries.sort_by_key(|entry| entry.last_us);
    let entries: Vec<_> = entries.into_iter().map(|entry| (device, entry)).collect();
    let segments = Arc::new(SegmentReader::new(store, 0)).open(&entries).await.unwrap();
    let parts = segments.whole_parts();
    let pages = CountedPages { segments, most: AtomicUsize::new(0) };
    let read = move || (last_rows(parts, &pages).unwrap(), pages.most.into_inner());
    let (last, most) = tokio::task::spawn_blocking(read).await.unwrap();
    assert_eq!(last.iter().map(|row| row.time_us).collect::<Vec<_>>(), last_us);
    assert_eq!(most, SEGMENTS_DECODED_AT_ONCE);
}
