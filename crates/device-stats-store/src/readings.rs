//! Readings as a store takes them, and what it answers.

mod append;
mod keyed;

pub use append::{AppendOrder, Appended, behind_which_to_pick, earliest_to_pick, microsecond_after};
pub use keyed::{Fingerprint, FirstStored, KeyedReadings, Once, Receipt};
