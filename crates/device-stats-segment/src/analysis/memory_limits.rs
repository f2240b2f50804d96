//! Limits on the memory of an analysis.

/// Limits on the memory of an analysis of one axis, beside the memory for its columns. Pages that are in the
/// cache count only as long as they wait for others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryLimits {
    /// Maximum number of pages that are requested together, of about 16 KiB each.
    pub(crate) pages: usize,
    /// Maximum number of pages of codes that are loaded and held until the analysis ends, of about 16 KiB
    /// each. An analysis that loads more releases all of them, and reads them again when it needs them.
    pub(crate) codes: usize,
    /// Approximate maximum number of values that are kept from released pages, of 12 bytes each.
    pub(crate) values: usize,
    /// Number of values that are kept from each column in the first round of a search, at least 2.
    pub(crate) sample: usize,
}

impl MemoryLimits {
    /// 24 MiB of pages, 16 MiB of codes and 12 MiB of values. An analysis of four axes at the same time takes
    /// four times as much.
    pub(crate) const ANALYSIS: Self = Self { pages: 1536, codes: 1024, values: 1024 * 1024, sample: 32 };
}
