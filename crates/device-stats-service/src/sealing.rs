//! From hot readings to segments, and from small segments to large ones. What is done when is decided by `plan`, which
//! only computes; `sealer` does it to one device; `background` does it to all, while the service runs.

mod background;
mod backlog;
mod plan;
mod sealer;
#[cfg(test)]
mod tests;

pub use background::Background;
pub use backlog::Backlog;
pub use plan::Goal;
pub use sealer::{Done, SealError, Sealer, Which};
