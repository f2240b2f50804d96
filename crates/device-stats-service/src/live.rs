//! Live readings: a client gets the readings of a device as they are committed.

pub(crate) mod hub;
mod inbox;
mod missed;
mod position;
pub(crate) mod relay;
mod stream;

pub use position::Position;
pub use stream::{LiveReading, LiveReadings};
