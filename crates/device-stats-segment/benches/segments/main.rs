//! Throughput of encoding, reading and merging segments, of opening heads and of decoding pages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark")]

mod sample_readings;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use device_stats_domain::Axis;
use device_stats_segment::{Column, Effort, Head, PageId, Row, Segment};
use sample_readings::{Kind, readings};

/// The allocator of the service.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Numbers of readings of a small, a medium and a large segment.
const SIZES: [u32; 3] = [1 << 12, 1 << 15, 1 << 18];
/// Number of segments that are merged into one.
const MERGED: usize = 8;

/// Measures each kind of readings in each size, with each effort.
fn each(c: &mut Criterion, group: &str, mut bench: impl FnMut(&mut criterion::Bencher, &[Row], Effort)) {
    let mut group = c.benchmark_group(group);
    group.sample_size(10);
    for kind in Kind::ALL {
        for size in SIZES {
            let rows = readings(kind, size);
            group.throughput(Throughput::Elements(size.into()));
            for effort in [Effort::Fast, Effort::Small] {
                let id = BenchmarkId::new(format!("{kind:?}/{effort:?}"), size);
                group.bench_with_input(id, &rows, |b, rows| bench(b, rows, effort));
            }
        }
    }
    group.finish();
}

fn whole_segments(c: &mut Criterion) {
    each(c, "encode", |b, rows, effort| b.iter(|| Segment::encode(black_box(rows), effort).unwrap()));
    each(c, "rows", |b, rows, effort| {
        let segment = Segment::encode(rows, effort).unwrap();
        b.iter(|| black_box(&segment).rows().unwrap());
    });
    each(c, "merge", |b, rows, effort| {
        let chunks = rows.chunks(rows.len().div_ceil(MERGED));
        let segments: Vec<Segment> =
            chunks.map(|rows| Segment::encode(rows, Effort::Fast).unwrap()).collect();
        b.iter(|| Segment::merge(black_box(&segments), effort).unwrap());
    });
}

fn heads_and_pages(c: &mut Criterion) {
    let mut group = c.benchmark_group("open");
    for size in SIZES {
        let segment = Segment::encode(&readings(Kind::Noise, size), Effort::Small).unwrap();
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| Head::open(black_box(&segment.head)).unwrap());
        });
    }
    group.finish();
    let mut group = c.benchmark_group("decode");
    for kind in Kind::ALL {
        let segment = Segment::encode(&readings(kind, 1 << 16), Effort::Small).unwrap();
        let head = Head::open(&segment.head).unwrap();
        for column in
            [Column::Times, Column::Dictionary(Axis::X), Column::Codes(Axis::X), Column::Sums(Axis::X)]
        {
            let page = PageId { column, index: 0 };
            let range = head.block_range(page).unwrap();
            let bytes = &segment.blocks[range.block as usize][range.bytes];
            group.bench_function(format!("{kind:?}/{page}"), |b| {
                b.iter(|| head.decode(page, black_box(bytes)).unwrap());
            });
        }
        group.bench_function(format!("{kind:?}/page 0 of the codes of x, the first of its column"), |b| {
            b.iter_batched_ref(
                || Head::open(&segment.head).unwrap(),
                |head| {
                    let page = PageId { column: Column::Codes(Axis::X), index: 0 };
                    let range = head.block_range(page).unwrap();
                    head.decode(page, &segment.blocks[range.block as usize][range.bytes]).unwrap()
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, whole_segments, heads_and_pages);
criterion_main!(benches);
