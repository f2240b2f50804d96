//! Pages of a list.

use crate::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};

/// A page of a list: up to `limit` entries after the first `skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// Number of entries before the page; 0 and up.
    pub skip: i64,
    /// Maximum number of entries of the page; 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
}

impl ListPage {
    /// The first page, with the default size.
    pub const FIRST: Self = Self { skip: 0, limit: PAGE_LIMIT_DEFAULT };
    /// The first page, with the maximum size.
    pub const LARGEST: Self = Self { skip: 0, limit: PAGE_LIMIT_MAX };
}
