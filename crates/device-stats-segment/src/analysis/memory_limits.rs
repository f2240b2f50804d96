//! Limits on the memory of an analysis.

/// Typical memory of a page of codes or of a dictionary, in bytes. The limits count in this unit.
const PAGE_BYTES: usize = 16 * 1024;

/// Limits on the memory of one call of [`analyze`](super::analyze), [`analyze_axis`](super::analyze_axis),
/// [`histogram`](super::histogram()), [`newest`](super::newest()) or [`rows`](super::rows()), beside its
/// columns, the readings that it returns, and the cache of the caller.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLimits {
    /// Maximum number of pages that are requested together. If the cache has nearly all pages of a rank, all
    /// of them are used at once, however many they are.
    pub(crate) pages: usize,
    /// Maximum number of pages of codes that are held until the end although the cache does not have them.
    /// Beyond it, all pages of codes are released, and read again when they are needed.
    pub(crate) codes: usize,
    /// Approximate maximum number of values that are kept from released pages, of 12 bytes each.
    pub(crate) values: usize,
    /// Number of values that are kept from a column when it is first read in a search, at least 2.
    pub(crate) sample: usize,
}

impl MemoryLimits {
    /// The limits of a call if up to four calls run at the same time for one query, one for each axis and one
    /// for the magnitude: 24 MiB of pages, 16 MiB of codes and 12 MiB of values.
    pub const ONE_OF_FOUR: Self = Self { pages: 1536, codes: 1024, values: 1024 * 1024, sample: 32 };

    /// Returns the limits of a call if `calls` calls run at the same time for one query.
    #[must_use]
    pub fn one_of(calls: usize) -> Self {
        let Self { pages, codes, values, sample } = Self::ONE_OF_FOUR;
        let divisor = calls.div_ceil(4).max(1);
        Self { pages: pages / divisor, codes: codes / divisor, values: values / divisor, sample }
    }
}

/// Returns memory in pages of typical size.
pub(crate) fn in_pages(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_BYTES)
}
