//! From hot readings to segments, and from small segments to large ones. What is done when is decided by `plan`, which
//! only computes; `sealer` does it to one device; `background` does it to all, while the service runs.

mod background;
mod backlog;
mod plan;
mod sealer;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use background::Background;
pub(crate) use backlog::Backlog;
pub(crate) use plan::Goal;
pub(crate) use sealer::{Done, SealError, Sealer, Which};
pub(crate) use whole::read_segment;
