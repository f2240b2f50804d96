//! Limits of the program's start.

use std::time::Duration;

/// Maximum time that a starting server waits for an unavailable store.
pub const STORE_START_TIMEOUT: Duration = Duration::from_secs(30);
