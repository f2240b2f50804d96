//! Sealing and merging: hot readings become segments, and small segments become large ones. `plan` decides
//! what to do, `sealer` does it for one device, and `background` for all devices while the service runs.

pub(crate) mod background;
pub(crate) mod backlog;
mod plan;
mod sealer;
#[cfg(test)]
mod tests;

pub use background::BackgroundSealing;
pub use plan::MergeGoal;
pub use sealer::{ReadingsToSeal, SealError, SealReport, Sealer};
