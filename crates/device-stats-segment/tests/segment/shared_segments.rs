//! Segments as stores keep them and threads share them.

use std::sync::Arc;
use std::thread;

use device_stats_domain::{Axes, Axis};
use device_stats_segment::{Column, Effort, Head, Page, Row, Segment};

/// Size from which a block is full, in bytes; see the README.
const BLOCK_BYTES: usize = 16 * 1024;

fn rows(count: i64) -> Vec<Row> {
    let number = |index: i64| f64::from(i32::try_from(index * 7_919 % 10_007).unwrap()) / 64.0;
    let row = |index| Row {
        time_us: index * 1_000,
        id: index,
        values: Axes { x: number(index), y: number(index * index % 90_001), z: -number(index) },
    };
    (0..count).map(row).collect()
}

/// Each thread decodes all pages of one axis, in an order of its own. All get the same pages.
#[test]
fn threads_share_a_head() {
    let segment = Arc::new(Segment::encode(&rows(50_000), Effort::Small).unwrap());
    let head = Arc::new(Head::open(&segment.head).unwrap());
    let columns = [Column::Dictionary(Axis::X), Column::Codes(Axis::X), Column::Sums(Axis::X)];
    let work = |thread: usize| {
        let (segment, head) = (Arc::clone(&segment), Arc::clone(&head));
        thread::spawn(move || {
            let ids: Vec<_> = columns.into_iter().flat_map(|column| head.pages(column)).collect();
            let mut pages = vec![None; ids.len()];
            for step in 0..ids.len() {
                let index = (step + 3 * thread) % ids.len();
                let range = head.block_range(ids[index]).unwrap();
                let bytes = &segment.blocks[range.block as usize][range.bytes];
                pages[index] = Some(head.decode(ids[index], bytes).unwrap());
            }
            pages.into_iter().map(Option::unwrap).collect::<Vec<Page>>()
        })
    };
    let threads: Vec<_> = (0..8).map(work).collect();
    let pages: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(pages[0].len() > 20);
    assert!(pages.iter().all(|of_thread| *of_thread == pages[0]));
}

/// A store keeps a block as a row. All blocks but the last are full, and none is much longer.
#[test]
fn blocks_have_about_the_same_size() {
    let segment = Segment::encode(&rows(100_000), Effort::Fast).unwrap();
    let (last, others) = segment.blocks.split_last().unwrap();
    assert!(others.len() > 5 && !last.is_empty());
    for block in others {
        assert!((BLOCK_BYTES..3 * BLOCK_BYTES).contains(&block.len()), "{}", block.len());
    }
}
