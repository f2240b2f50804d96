//! Readings as a store appends them, and the outcomes that it returns.

mod append;
mod keyed;
mod pick_times;

pub use append::{AppendOrder, Appended, OrderedReading, outcomes};
pub use keyed::{
    Fingerprint, FinishedKeyedCall, FirstStored, KeyedCall, KeyedOutcome, KeyedReadings, Receipt,
    StoredReceipt,
};
pub use pick_times::TimePicker;
