//! Columns there and back, and metas that pco's reader would accept but nobody here wrote.

use pco::data_types::Number;
use proptest::prelude::*;

use super::*;

const WHATS: [Numbers; 5] = [
    Numbers::Ascending,
    Numbers::Counts,
    Numbers::Integers { order: 0 },
    Numbers::Integers { order: 1 },
    Numbers::Integers { order: 3 },
];

fn pco_reader() -> FileDecompressor {
    reader(pco_version().unwrap()).unwrap()
}

/// Compresses numbers in every way and reads them back.
fn check<T: Number + Default + PartialEq>(numbers: &[T], page: u32) {
    for effort in [Effort::Fast, Effort::Small] {
        for what in WHATS {
            let Compressed { meta, pages } = compress(numbers, what, page, effort).unwrap();
            let chunk = Chunk::<T>::new(&meta, level(effort));
            assert_eq!(pages.len(), numbers.len().div_ceil(page as usize));
            for (numbers, page) in numbers.chunks(page as usize).zip(&pages) {
                assert!(chunk.read(&pco_reader(), page, numbers.len()).unwrap() == numbers);
                let longer: Vec<u8> = page.iter().copied().chain([0]).collect();
                assert!(chunk.read(&pco_reader(), &longer, numbers.len()).is_err());
                if let [cut @ .., _] = page.as_slice() {
                    // What lies behind a page is not part of it, even if it happens to fit.
                    assert!(chunk.read(&pco_reader(), cut, numbers.len()).is_err());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn integers(numbers in prop::collection::vec(any::<i64>(), 1..600), page in 1_u32..300) {
        check(&numbers, page);
    }

    #[test]
    fn doubles(mut numbers in prop::collection::vec(any::<f64>(), 1..600), page in 1_u32..300) {
        numbers.sort_by(f64::total_cmp);
        check(&numbers, page);
    }

    #[test]
    fn small_integers(numbers in prop::collection::vec(0_u32..50, 1..600), page in 1_u32..300) {
        check(&numbers, page);
    }
}

/// What pco writes with a configuration that is not used here.
fn foreign(config: &ChunkConfig) -> (Vec<u8>, Vec<u8>) {
    let numbers: Vec<u32> = (0..2_000_u32).map(|index| index.pow(2) % 77 * 1_000).collect();
    let mut chunk = FileCompressor::default().chunk_compressor(&numbers, config).unwrap();
    (chunk.write_meta(Vec::new()).unwrap(), chunk.write_page(0, Vec::new()).unwrap())
}

#[test]
fn what_is_never_written_is_refused() {
    let read = |(meta, page): (Vec<u8>, Vec<u8>), level| {
        Chunk::<u32>::new(&meta, level).read(&pco_reader(), &page, 2_000).map(|_| ())
    };
    let config = ChunkConfig::default().with_mode_spec(ModeSpec::Classic).with_compression_level(8);
    let plain = || config.clone().with_delta_spec(DeltaSpec::NoOp);
    assert_eq!(read(foreign(&plain()), 8), Ok(()));
    assert_eq!(read(foreign(&plain()), 2), Err(Unreadable::Corrupt), "larger tables than the level says");
    for refused in [
        config.clone().with_delta_spec(DeltaSpec::TryLookback),
        config.clone().with_delta_spec(DeltaSpec::TryConv1(3)),
        plain().with_mode_spec(ModeSpec::TryDict),
    ] {
        assert_eq!(read(foreign(&refused), LEVEL_MAX), Err(Unreadable::Corrupt), "{refused:?}");
    }
    let (mut meta, page) = foreign(&plain());
    meta.push(0);
    assert_eq!(read((meta, page), 8), Err(Unreadable::Corrupt), "a byte behind the meta");
    assert_eq!(read((Vec::new(), Vec::new()), 8), Err(Unreadable::WrongLength));
}

#[test]
fn versions_of_pco() {
    assert!(reader([4, 1]).is_some());
    assert!(reader([3, 0]).is_none(), "never written");
    assert!(reader([5, 0]).is_none(), "not known");
}
