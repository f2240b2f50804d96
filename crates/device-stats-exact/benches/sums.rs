//! Throughput of exact sums: single numbers, repeated numbers, stored integers.

#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use device_stats_exact::{ExactInteger, ExactSquares, ExactSum};

/// Number of summands.
const COUNT: u32 = 4096;

fn sums(c: &mut Criterion) {
    let numbers: Vec<f64> = (0..COUNT).map(|index| f64::from(index * 7_919 % 10_007) / 7.0 - 500.0).collect();
    let mut group = c.benchmark_group("sum");
    group.throughput(Throughput::Elements(COUNT.into()));
    group.bench_function("add", |b| b.iter(|| black_box(&numbers).iter().copied().collect::<ExactSum>()));
    group.bench_function("add_times", |b| {
        b.iter(|| {
            let mut sum = ExactSum::default();
            for number in black_box(&numbers) {
                sum.add_times(*number, 3);
            }
            sum
        });
    });
    group.bench_function("add_words", |b| {
        let words: Vec<u64> = (0..COUNT.into()).collect();
        b.iter(|| {
            let mut sum = ExactSum::default();
            black_box(&words).chunks(1).for_each(|words| sum.add_words(-40, words));
            sum
        });
    });
    group.bench_function("squares", |b| {
        b.iter(|| {
            let mut squares = ExactSquares::default();
            for number in black_box(&numbers) {
                squares.add(*number);
            }
            squares
        });
    });
    group.bench_function("squares times", |b| {
        b.iter(|| {
            let mut squares = ExactSquares::default();
            for number in black_box(&numbers) {
                squares.add_times(*number, 3);
            }
            squares
        });
    });
    group.finish();
    let sum: ExactSum = numbers.iter().copied().collect();
    let integer: ExactInteger = sum.to_integer();
    c.bench_function("sum/rounded", |b| b.iter(|| black_box(&sum).rounded()));
    c.bench_function("sum/to_integer", |b| b.iter(|| black_box(&sum).to_integer()));
    c.bench_function("sum/add_integer", |b| {
        let mut sum = ExactSum::default();
        b.iter(|| sum.add_integer(black_box(&integer)));
    });
}

criterion_group!(benches, sums);
criterion_main!(benches);
