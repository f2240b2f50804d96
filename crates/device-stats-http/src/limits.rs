//! Limits of HTTP: heads, bodies, connections and timeouts.

use std::time::Duration;

/// Maximum size of the body of a request that is not a batch, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Maximum window of a batch compressed with zstd, as the binary logarithm of its size in bytes. It is the
/// maximum that RFC 9659 allows, and a decoder may need as much memory as the window has.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Maximum number of bytes that are read from the rest of a refused body. They are discarded. Some clients
/// read the response only after they have sent the body.
pub const DRAIN_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Maximum number of missing devices that an error names. It gives the number of the others.
pub const NAMED_DEVICES_MAX: usize = 20;

/// Minimum size of a JSON response that is compressed on request, in bytes.
pub const COMPRESSED_BYTES_MIN: u64 = 1024;

/// Maximum size of a request head (request line and headers), in bytes.
pub const HEAD_BYTES_MAX: usize = 24 * 1024;
/// Maximum number of headers of a request.
pub const HEADERS_MAX: usize = 64;
/// Maximum time for the head of a request to arrive. An idle kept-alive connection is closed after the same
/// time.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for the body of a request to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time after its first wait for its body from which a request no longer counts as in progress while it
/// waits. An overloaded service itself reads bodies late. This time must be longer than that delay, because
/// requests that wait for the service, not for their client, must count.
pub const BODY_COUNTED_TIME: Duration = Duration::from_secs(1);
/// Minimum rate at which a body that holds much memory arrives in each [`BODY_RATE_INTERVAL`], in bytes per
/// second before decompression.
pub const BODY_RATE_BYTES_MIN: usize = 16 * 1024;
/// Time over which the rate of a body is measured.
pub const BODY_RATE_INTERVAL: Duration = Duration::from_secs(5);
/// Memory up to which a body may arrive more slowly, in bytes.
pub const BODY_RATE_FREE_BYTES: usize = 256 * 1024;
/// Size up to which a body is parsed on the thread of its connection, unless it is compressed or arrives in
/// very many frames. Parsing it takes a fraction of a millisecond.
pub const BODY_SMALL_BYTES: usize = 64 * 1024;
/// Size of the pieces in which a larger body is decompressed and parsed on a thread for computations, in
/// bytes before decompression.
pub const BODY_PIECE_BYTES: usize = 256 * 1024;
/// Maximum number of frames of such a piece. A client may send tiny chunks.
pub const BODY_PIECE_FRAMES_MAX: usize = 256;
/// Maximum time for which a client may accept no byte of a response. After this time, the connection is
/// closed. Longer than the pauses of a slow connection.
pub const WRITE_TIMEOUT: Duration = Duration::from_mins(2);
/// Maximum number of concurrent connections. Further connections wait to be accepted.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Default maximum number of concurrent connections of one client address, if clients need tokens. Trusted
/// proxies have no such limit.
pub const CONNECTIONS_PER_ADDRESS_DEFAULT: usize = 256;
/// Maximum number of requests that are open at the same time on a node. A request is open until its response
/// is complete. As many connections of HTTP/1.1 never exceed it.
pub const OPEN_REQUESTS_MAX: usize = 10_000;
/// Default maximum number of requests of one client address that are open at the same time, if clients need
/// tokens. Far more than a client with all its connections of HTTP/1.1 has.
pub const OPEN_REQUESTS_PER_ADDRESS_DEFAULT: usize = 1024;
/// Minimum time between two log lines about refused connections.
pub const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum size of the file of a TLS certificate or key, in bytes.
pub const TLS_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Interval at which the files of the TLS certificate and key are checked for changes.
pub const TLS_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Time before the expiry of the TLS certificate at which warnings begin.
pub const TLS_EXPIRY_WARNING_TIME: Duration = Duration::from_hours(14 * 24);
/// Time between two warnings about the expiry of the TLS certificate.
pub const TLS_EXPIRY_WARNING_INTERVAL: Duration = Duration::from_hours(24);
/// Default time for which browsers use only HTTPS for a name of the service: a year.
pub const HSTS_MAX_AGE_DEFAULT: Duration = Duration::from_hours(365 * 24);

/// Maximum number of concurrent requests of an HTTP/2 connection.
pub const HTTP2_STREAMS_MAX: u32 = 100;
/// Time without data of a request after which an HTTP/2 connection is checked with a ping.
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum time for the answer to such a ping.
pub const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of bytes of a request body that wait for their handler in HTTP/2, of one request.
pub const HTTP2_REQUEST_WINDOW_BYTES: u32 = 256 * 1024;
/// Maximum number of bytes of all request bodies of an HTTP/2 connection that wait for their handlers.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;
/// Maximum number of bytes of a response that wait to be sent on an HTTP/2 connection, approximately.
pub const HTTP2_SEND_BYTES_MAX: usize = 64 * 1024;
/// Size of the pieces in which a response is sent over HTTP/2, in bytes. [`WRITE_TIMEOUT`] applies to each
/// piece.
pub const HTTP2_PIECE_BYTES: usize = 16 * 1024;
/// Number of requests that a client may abandon before they are answered, on one HTTP/2 connection. Above
/// this, the connection is closed if the client has abandoned more requests than the service has answered.
pub const HTTP2_ABANDONED_MAX: u64 = 100;
/// Maximum number of requests of an HTTP/2 connection that were abandoned before the service has seen them.
pub const HTTP2_UNSEEN_RESETS_MAX: usize = 20;
/// Maximum number of requests of an HTTP/2 connection that the service has ended because they violate HTTP/2.
pub const HTTP2_PROTOCOL_RESETS_MAX: usize = 100;
/// Value of `Retry-After` in a 409, 503 or 507 response, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 1;
/// Time without an event after which a live stream sends a comment to keep the connection open.
pub const LIVE_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Time for which a request for the metrics waits for the figures of the database. Prometheus waits 10
/// seconds for the response, unless it is configured otherwise.
pub const METRICS_DATABASE_TIMEOUT: Duration = Duration::from_secs(3);
