//! Order statistics of many sorted columns. Fences give a bracket, the few pages inside it are read, and the
//! value is selected there.
//!
//! [`rank_search`] holds these pages. [`sampled_search`] is for more pages than fit in memory.

pub(crate) mod bracket;
pub(crate) mod multi_column_search;
pub(crate) mod pool;
pub(crate) mod rank_search;
pub(crate) mod sampled_search;
pub(crate) mod selection;
