//! A part of a list.

use crate::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};

/// A part of a list: `limit` entries after the first `skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries come before it; 0 and up.
    pub skip: i64,
    /// How many entries it has at most; 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
}

impl Page {
    /// The first page, of the usual size.
    pub const FIRST: Self = Self { skip: 0, limit: PAGE_LIMIT_DEFAULT };
    /// The first page, of the greatest size.
    pub const LARGEST: Self = Self { skip: 0, limit: PAGE_LIMIT_MAX };
}
