//! Unfinished.
fn main() {}
