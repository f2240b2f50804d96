//! Every limit of the service, each with its unit. What a request may not exceed is answered with a 4xx that states
//! the limit; `docs/operating.md` lists them for operators.

use std::time::Duration;

/// Longest `device_id`, in bytes of UTF-8.
pub const DEVICE_ID_BYTES_MAX: usize = 255;
/// Longest name of a device, in bytes of UTF-8.
pub const DEVICE_NAME_BYTES_MAX: usize = 1024;
/// Longest username, in bytes of UTF-8.
pub const USERNAME_BYTES_MAX: usize = 255;

/// Longest key by which a client names a request, in bytes of ASCII.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Expired keys that a call which brings new ones removes at most.
pub const IDEMPOTENCY_KEYS_FORGOTTEN_MAX: u32 = 1_000;

/// Entries of a page of users, devices or readings where the request does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 100;
/// Most entries a page may hold.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// Most percentiles of an analysis.
pub const PERCENTILES_MAX: usize = 20;
/// Most buckets of a series.
pub const SERIES_BUCKETS_MAX: u64 = 2_000;
/// Bins of a histogram where the request does not say.
pub const HISTOGRAM_BINS_DEFAULT: u32 = 20;
/// Most bins of a histogram.
pub const HISTOGRAM_BINS_MAX: u32 = 1_000;

/// About how many readings of an export are read, and wait for the client, at once.
pub const EXPORT_READINGS: u32 = 32_768;
/// Readings of a row group of a Parquet file, which is held until it is full.
pub const EXPORT_ROW_GROUP: usize = 262_144;
/// Most exports at once.
pub const EXPORTS_MAX: usize = 64;

/// Readings a second of each device in a live stream where the request does not say.
pub const LIVE_RATE_DEFAULT: f64 = 10.0;
/// Most readings a second of each device in a live stream.
pub const LIVE_RATE_MAX: f64 = 1_000.0;
/// Most live streams at once.
pub const LIVE_STREAMS_MAX: usize = 1_000;
/// Readings that wait for the client of a live stream; one more, and the stream ends.
pub const LIVE_READINGS_WAITING_MAX: usize = 16_384;
/// Readings that a node keeps for clients of live streams that come back.
pub const LIVE_READINGS_KEPT_MAX: usize = 65_536;
/// How long after its last stream the readings of a device are still kept for a client that comes back.
pub const LIVE_KEPT_FOR: Duration = Duration::from_mins(1);
/// Readings of each device, and of all together, that are read for a client that comes back to a node which has not kept what
/// it missed.
pub const LIVE_READINGS_RESUMED_MAX: [u32; 2] = [1_000, 10_000];
/// How often a live stream looks whether its device or user is still there, and which devices the user has.
pub const LIVE_LOOK_PAUSE: Duration = Duration::from_secs(5);
/// After how long without an event a comment shows that a live stream lives.
pub const LIVE_SIGN_PAUSE: Duration = Duration::from_secs(15);

/// Largest body of a request that is no batch, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest body of a batch, in bytes, after decompression.
pub const BATCH_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most readings of a batch of columns, which may take few bytes each.
pub const BATCH_READINGS_MAX: usize = 1024 * 1024;
/// What all bodies together may take in memory until their readings are stored, in bytes; one more is answered with 503 at once.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What each may take that is not counted, in bytes.
pub const BODY_BYTES_FREE: usize = 4 * 1024;
/// Largest window with which a batch may be compressed by zstd, as a power of two of bytes: no batch needs more, and a
/// decoder may need as much memory.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 24;
/// Deepest nesting of arrays and objects in a JSON body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Most values that one JSON value may hold: an element of an array that is a batch, a line of NDJSON, or another body.
pub const JSON_VALUES_MAX: usize = 64 * 1024;
/// Most faults listed in one answer; further ones are not looked for.
pub const FAULTS_MAX: usize = 100;

/// Most of a value at fault that is repeated in an answer, in bytes.
pub const ECHO_BYTES_MAX: usize = 8 * 1024;
/// Most of a body that was refused for its size that is still read, so that the client gets to read the answer.
pub const DRAIN_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Longest head of a request (request line and headers), in bytes.
pub const HEAD_BYTES_MAX: usize = 24 * 1024;
/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;
/// How long the head of a request may take to arrive; an idle kept-alive connection is closed after it, too.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the body of a request may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take nothing of an answer before its connection is closed.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most connections served at once; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 10_000;
/// How long a stopping server waits for the requests it has accepted.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections of a store's pool.
pub const STORE_CONNECTIONS_MAX: usize = 16;
/// Connections that read parts of the pieces of one call at the same time.
pub const STORE_READERS_AT_ONCE: usize = 8;
/// Pieces that one of them reads for itself; of more, others take a part. It matters where pieces are not in memory.
pub const STORE_PIECES_FEW: usize = 64;
/// How long a request waits for a free connection to the store before it is answered with 503.
pub const STORE_WAIT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long opening a connection to the store may take.
pub const STORE_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one statement may run in the store.
pub const STORE_STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a statement may wait in the store for a lock that another one holds.
pub const STORE_LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may wait in the store for its next statement, before the store ends it.
pub const STORE_IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the machine of the store may leave unacknowledged what it was sent, before the connection counts as lost.
pub const STORE_SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a starting server waits for a store that does not answer yet.
pub const STORE_START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call of a store may take in all that has a limit for each statement: one that is frozen keeps none of these.
pub const STORE_ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// How long sealing or merging a device may take in the store.
pub const STORE_SEAL_TIMEOUT: Duration = Duration::from_mins(10);
/// How long a request waits in the queue for its readings to be stored before it is answered with 503.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(40);
/// What a 503 or 507 asks a client to wait before it tries again, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// How far ahead of the clock a reading of the same device may lie that one which leaves its time to the server is put behind:
/// by so much may a clock be set back, or differ from that of another node. What lies further ahead does not count.
pub const CLOCK_BACK_MAX: Duration = Duration::from_hours(48);

/// Reading ids a node reserves at once.
pub const READING_ID_BLOCK: u32 = 100_000;

/// Most readings that wait to be committed or are being committed; one more is answered with 503 at once.
pub const QUEUE_READINGS_MAX: u32 = 1024 * 1024;
/// Readings of several requests from which on no further one joins their transaction.
pub const GROUP_READINGS_MAX: u32 = 32 * 1024;
/// Segments of several requests that are committed together at most.
pub const GROUP_SEGMENTS_MAX: usize = 32;
/// Transactions that append at the same time, where the store can do several.
pub const STORE_APPENDS_AT_ONCE: usize = 4;
/// Devices whose numbers a node remembers for those who post readings.
pub const KNOWN_DEVICES_MAX: usize = 100_000;

/// Hot readings of a device that are sealed without waiting for more.
pub const SEAL_READINGS: u32 = 4_096;
/// One of so many hot readings of a device, the newest ones, stays hot when the others are sealed because they are enough.
pub const SEAL_LEFT_OF: usize = 8;
/// Hot readings of all devices, as far as a node knows, from which on those of the devices that have the most are sealed
/// although they are fewer than that. With SQLite each takes about 80 bytes of memory.
pub const HOT_READINGS_MAX: u64 = 1024 * 1024;
/// Readings of one device, all with their times, that become a segment at once where one request brings as many.
pub const DIRECT_SEAL_READINGS: u32 = 4_096;
/// Most readings of a segment, and what merging aims at.
pub const SEGMENT_READINGS: u32 = 262_144;
/// How many times as many readings as the largest of them segments must have together to be merged.
pub const MERGE_GROWTH: u32 = 8;
/// Segments of about one size that a device may have, whatever lies between them, before some of them are merged.
pub const MERGE_WAITING: usize = 16;
/// Devices that are sealed, merged or verified at once; each takes a core, and about 120 MB for the largest segment.
pub const SEAL_DEVICES_MAX: usize = 4;
/// Transactions that seal or merge at the same time, where the store can do several.
pub const STORE_SEALS_AT_ONCE: usize = 6;
/// How long sealing in the background rests after a failure.
pub const SEAL_RETRY_PAUSE: Duration = Duration::from_secs(5);
