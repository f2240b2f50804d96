//! Limits of the HTTP client that the command line uses.

use std::time::Duration;

/// Maximum time for opening a connection to the server.
pub const CLIENT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
