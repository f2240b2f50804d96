//! CSV records and the lines on which they begin.

pub(crate) mod line_index;
