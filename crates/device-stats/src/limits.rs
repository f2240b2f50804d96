//! Limits of the program's start and of its commands.

use std::time::Duration;

/// Maximum time that a starting server waits for an unavailable store.
pub const STORE_START_TIMEOUT: Duration = Duration::from_secs(30);

/// Time for which a server stopped by SIGTERM still accepts connections, while `/health/ready` answers 503.
/// Load balancers stop to send requests during this time.
pub const STOP_DELAY: Duration = Duration::from_secs(2);

/// Default number of requests that `import` sends at once.
pub const IMPORT_REQUESTS: u16 = 4;
/// Maximum number of requests that `import` sends at once.
pub const IMPORT_REQUESTS_MAX: u16 = 64;
/// Maximum time that an `import` stopped by a signal waits for the responses to its requests.
pub const IMPORT_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// Number of devices that `import` registers at once.
pub const IMPORT_REGISTRATIONS_MAX: usize = 16;
