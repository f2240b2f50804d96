//! Round trips of columns, and metadata that pco's reader accepts but that is never written.

use pco::data_types::Number;
use proptest::prelude::*;

use super::*;

const KINDS: [NumberKind; 5] = [
    NumberKind::Ascending,
    NumberKind::Counts,
    NumberKind::Integers { order: 0 },
    NumberKind::Integers { order: 1 },
    NumberKind::Integers { order: 3 },
];

fn pco_reader() -> FileDecompressor {
    reader(pco_version().unwrap()).unwrap()
}

/// Compresses numbers as every kind and reads them back.
fn check<T: Number + Default + PartialEq>(numbers: &[T], page: u32) {
    for effort in [Effort::Fast, Effort::Small] {
        for kind in KINDS {
            let CompressedBytes { meta, pages } = compress(numbers, kind, page, effort).unwrap();
            let column = CompressedColumn::<T>::new(&meta, level(effort));
            assert_eq!(pages.len(), numbers.len().div_ceil(page as usize));
            for (numbers, page) in numbers.chunks(page as usize).zip(&pages) {
                assert!(column.read(&pco_reader(), page, numbers.len()).unwrap() == numbers);
                let longer: Vec<u8> = page.iter().copied().chain([0]).collect();
                assert!(column.read(&pco_reader(), &longer, numbers.len()).is_err());
                if let [cut @ .., _] = page.as_slice() {
                    // The zeros after a page are not part of it, even if they fit.
                    assert!(column.read(&pco_reader(), cut, numbers.len()).is_err());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn integers_are_read_back(numbers in prop::collection::vec(any::<i64>(), 1..600), page in 1_u32..300) {
        check(&numbers, page);
    }

    #[test]
    fn doubles_are_read_back(mut numbers in prop::collection::vec(any::<f64>(), 1..600), page in 1_u32..300) {
        numbers.sort_by(f64::total_cmp);
        check(&numbers, page);
    }

    #[test]
    fn small_integers_are_read_back(numbers in prop::collection::vec(0_u32..50, 1..600), page in 1_u32..300) {
        check(&numbers, page);
    }
}

/// Returns the metadata and a page that pco writes with an unused configuration.
fn foreign(config: &ChunkConfig) -> (Vec<u8>, Vec<u8>) {
    let numbers: Vec<u32> = (0..2_000_u32).map(|index| index.pow(2) % 77 * 1_000).collect();
    let mut chunk = FileCompressor::default().chunk_compressor(&numbers, config).unwrap();
    (chunk.write_meta(Vec::new()).unwrap(), chunk.write_page(0, Vec::new()).unwrap())
}

#[test]
fn features_that_are_never_written_are_refused() {
    let read = |(meta, page): (Vec<u8>, Vec<u8>), level| {
        CompressedColumn::<u32>::new(&meta, level).read(&pco_reader(), &page, 2_000).map(|_| ())
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
    assert_eq!(read((meta, page), 8), Err(Unreadable::Corrupt), "a byte after the metadata");
    assert_eq!(read((Vec::new(), Vec::new()), 8), Err(Unreadable::WrongLength));
}

#[test]
fn only_known_versions_of_pco_are_read() {
    assert!(reader([4, 1]).is_some());
    assert!(reader([3, 0]).is_none(), "never written");
    assert!(reader([5, 0]).is_none(), "unknown");
}
