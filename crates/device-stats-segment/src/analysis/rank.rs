//! The search for an order statistic.

pub(super) mod bracket;
pub(super) mod multi_column_search;
pub(super) mod pool;
pub(super) mod rank_search;
pub(super) mod selection;
