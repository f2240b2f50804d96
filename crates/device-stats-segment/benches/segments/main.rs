//! Segments written, read and merged, in readings a second; heads opened; pages decoded.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark")]

mod sample_readings;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use device_stats_domain::Axis;
use device_stats_segment::{Column, Effort, Head, PageId, Row, Segment, merge};
use sample_readings::{Kind, readings};

/// What the service runs on.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Readings of a small, a middling and a large segment.
const SIZES: [u32; 3] = [1 << 12, 1 << 15, 1 << 18];
/// Segments that are merged into one.
const PARTS: usize = 8;

/// Each kind of readings in each size, written with each effort.
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

fn whole(c: &mut Criterion) {
    each(c, "encode", |b, rows, effort| b.iter(|| Segment::encode(black_box(rows), effort).unwrap()));
    each(c, "rows", |b, rows, effort| {
        let segment = Segment::encode(rows, effort).unwrap();
        b.iter(|| black_box(&segment).rows().unwrap());
    });
    each(c, "merge", |b, rows, effort| {
        let parts = rows.chunks(rows.len().div_ceil(PARTS));
        let parts: Vec<Segment> = parts.map(|rows| Segment::encode(rows, Effort::Fast).unwrap()).collect();
        b.iter(|| merge(black_box(&parts), effort).unwrap());
    });
}

fn parts(c: &mut Criterion) {
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
            let place = head.place(page).unwrap();
            let bytes = &segment.blocks[place.block as usize][place.bytes];
            group.bench_function(format!("{kind:?}/{page}"), |b| {
                b.iter(|| head.decode(page, black_box(bytes)).unwrap());
            });
        }
        group.bench_function(format!("{kind:?}/page 0 of the codes of x, the first of its column"), |b| {
            b.iter_batched_ref(
                || Head::open(&segment.head).unwrap(),
                |head| {
                    let page = PageId { column: Column::Codes(Axis::X), index: 0 };
                    let place = head.place(page).unwrap();
                    head.decode(page, &segment.blocks[place.block as usize][place.bytes]).unwrap()
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, whole, parts);
criterion_main!(benches);
