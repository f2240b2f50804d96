//! A segment as stores keep it and threads share it.

use std::sync::Arc;
use std::thread;

use device_stats_domain::{Axes, Axis};
use device_stats_segment::{BLOCK_BYTES, Column, Effort, Head, Page, Row, Segment};

fn rows(count: i64) -> Vec<Row> {
    let number = |index: i64| f64::from(i32::try_from(index * 7_919 % 10_007).unwrap()) / 64.0;
    let row = |index| Row {
        time_us: index * 1_000,
        id: index,
        values: Axes { x: number(index), y: number(index * index % 90_001), z: -number(index) },
    };
    (0..count).map(row).collect()
}

/// One head, shared; each thread decodes every page of one axis, in its own order.
#[test]
fn threads_share_a_head() {
    let rows = Arc::new(rows(50_000));
    let segment = Arc::new(Segment::encode(&rows, Effort::Small).unwrap());
    let head = Arc::new(Head::open(&segment.head).unwrap());
    let work = |thread: usize| {
        let (segment, head, rows) = (Arc::clone(&segment), Arc::clone(&head), Arc::clone(&rows));
        thread::spawn(move || {
            let page = |id| {
                let place = head.place(id).unwrap();
                head.decode(id, &segment.blocks[place.block as usize][place.bytes]).unwrap()
            };
            let mut values = Vec::new();
            for id in head.pages(Column::Dictionary(Axis::X)) {
                let Page::Dictionary(dictionary) = page(id) else { panic!("{id}") };
                values.extend(dictionary.values);
            }
            let pages = head.pages(Column::Codes(Axis::X)).collect::<Vec<_>>();
            for index in 0..pages.len() {
                let id = pages[(index * (2 * thread + 1)) % pages.len()];
                let Page::Codes(codes) = page(id) else { panic!("{id}") };
                let first = (id.index * head.row_page()) as usize;
                for (code, row) in codes.codes(0..codes.readings()).iter().zip(&rows[first..]) {
                    assert_eq!(values[*code as usize].to_bits(), row.values.x.to_bits());
                }
            }
        })
    };
    let threads: Vec<_> = (0..8).map(work).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Stores keep a block as a row: all but the last are full, and none is much longer than full.
#[test]
fn blocks_have_about_the_same_size() {
    let segment = Segment::encode(&rows(100_000), Effort::Fast).unwrap();
    let (last, others) = segment.blocks.split_last().unwrap();
    assert!(others.len() > 5 && !last.is_empty());
    for block in others {
        assert!((BLOCK_BYTES..3 * BLOCK_BYTES).contains(&block.len()), "{}", block.len());
    }
}
