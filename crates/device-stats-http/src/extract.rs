//! Extractors of handlers.

pub(crate) mod caller;
pub(crate) mod idempotency_key;
pub(crate) mod input;
