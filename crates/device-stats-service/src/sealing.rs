//! Sealing and merging: hot readings become segments, and small segments become large ones. `plan` chooses
//! the readings and segments, `sealer` seals and merges one device, and `background` seals and merges all
//! devices while the service runs.

pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod merge_pause;
mod plan;
mod sealer;
#[cfg(test)]
mod tests;

pub use background::BackgroundSealing;
pub use plan::MergeGoal;
pub use sealer::{ReadingsToSeal, SealError, SealReport, Sealer};
