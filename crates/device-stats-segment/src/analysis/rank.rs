//! Order statistics of many sorted columns: from a bracket of fences to a few pages, and in these to the
//! value.

pub(crate) mod bracket;
pub(crate) mod multi_column_search;
pub(crate) mod pool;
pub(crate) mod rank_search;
pub(crate) mod selection;
