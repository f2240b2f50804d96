//! Limits of HTTP: heads, bodies, connections and timeouts.

use std::time::Duration;

/// Maximum size of the body of a request that is not a batch, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Maximum window of a batch compressed with zstd, as a power of two of bytes. No batch needs a larger one,
/// and a decoder may need that much memory.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 24;
/// Maximum size of the rest of a refused body that is still read, in bytes, so that the client can read the
/// response.
pub const DRAIN_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Maximum size of a request head (request line and headers), in bytes.
pub const HEAD_BYTES_MAX: usize = 24 * 1024;
/// Maximum number of headers of a request.
pub const HEADERS_MAX: usize = 64;
/// Maximum time for the head of a request to arrive. An idle kept-alive connection is closed after the same
/// time.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for the body of a request to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time for which a client may accept no byte of a response before its connection is closed.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of concurrent connections. Further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Value of `Retry-After` in a 409, 503 or 507 response, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 1;
/// Time without an event after which a live stream sends a comment as a sign of life.
pub const LIVE_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
