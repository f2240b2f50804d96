//! Limits of the client of the command line.

use std::time::Duration;

/// Maximum time for opening a connection to the server.
pub const CLIENT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
