//! Limits of the service operations: admission, ingest, deletions, export, live streams, sealing and merging.

use std::time::Duration;

/// Maximum memory of all request bodies together until their readings are stored, in bytes. A body that
/// exceeds it is refused with 503 at once.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Number of readings from which a thread for computations hashes them, looks up their devices, gives them
/// ids and counts their outcomes, and from which a thread that may block passes them to the store. Fewer
/// readings stay on the thread of their connection.
pub const COMPUTE_READINGS: usize = 32_768;
/// Memory of each request body that does not count towards [`BODIES_BYTES_MAX`], in bytes.
pub const BODY_BYTES_UNCOUNTED: usize = 4 * 1024;

/// Minimum of the wait from which requests are refused, unless none is refused. The timers of an idle machine
/// are late by up to two milliseconds, which count five times.
pub const OVERLOAD_WAIT_MIN: Duration = Duration::from_millis(20);
/// Number of requests in progress up to which no single reading is refused because of overload. For batches
/// it is three quarters, for requests without a known token five eighths, and for queries a half of it.
pub const REQUESTS_IN_PROGRESS_MIN: usize = 32;
/// Maximum number of requests in progress, with the same shares. While requests wait too long, it is lower.
pub const REQUESTS_IN_PROGRESS_MAX: usize = 16 * 1024;
/// Interval at which the limit on the requests in progress follows the waits, and at which the lateness of
/// the runtime is measured.
pub const LOAD_INTERVAL: Duration = Duration::from_millis(5);
/// Minimum time between two cuts of this limit by an eighth, while requests wait too long.
pub const REQUESTS_CUT_INTERVAL: Duration = Duration::from_millis(50);
/// Time after which the limit on requests in progress grows by a sixteenth, while no request waits too long.
pub const REQUESTS_GROW_INTERVAL: Duration = Duration::from_millis(20);
/// The same time while requests are refused. More requests wait only after a while, so a limit that grows
/// fast would grow too far.
pub const REQUESTS_GROW_USED_INTERVAL: Duration = Duration::from_millis(200);
/// Time after which the wait of a request says nothing about later ones.
pub const WAIT_EXPIRY: Duration = Duration::from_secs(1);
/// Time without refusals of a class after which their end is logged.
pub const REFUSALS_END: Duration = Duration::from_secs(5);

/// Maximum number of readings that wait for their commit or are being committed. A request that exceeds it is
/// refused with 503 at once.
pub const QUEUE_READINGS_MAX: u32 = 1024 * 1024;
/// Default of the maximum number of hot readings. While the store has them, requests whose readings would
/// become hot are refused with 503 at once. With SQLite, each hot reading needs about 85 bytes of memory.
pub const HOT_READINGS_DEFAULT: u64 = 16 * 1024 * 1024;
/// Default of the time for which the receipt of a keyed request is kept.
pub const RECEIPTS_KEPT_DEFAULT: Duration = Duration::from_hours(24);
/// Divisor of the maximum number of hot readings. The quotient is the number of hot readings that must be
/// sealed before readings are accepted again.
pub const HOT_READINGS_FREED_DIVISOR: u64 = 16;
/// Interval at which a node that gets readings asks the store for the number of hot readings. In between, it
/// adds its own.
pub const HOT_COUNT_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum time that a request waits in the queue for its commit. A request that waits longer is answered
/// with 503.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(40);
/// Maximum time that a request waits for a device that another call has locked, for example to delete its
/// readings. A request that waits longer is answered with 503.
pub const LOCKED_DEVICE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Maximum number of readings whose requests wait for locked devices: a quarter of the queue, so that
/// requests for other devices find room. A request that would exceed it is answered with 503 at once, unless
/// no other request waits.
pub const LOCKED_READINGS_MAX: u32 = 256 * 1024;
/// Time for which a device counts as locked after the store has found it locked. Requests for other devices
/// do not wait for it.
pub const LOCKED_DEVICE_REMEMBERED: Duration = Duration::from_secs(1);
/// Pause before requests for locked devices are tried again.
pub const LOCKED_DEVICE_PAUSE: Duration = Duration::from_millis(50);
/// Maximum number of devices that a batch registers.
pub const REGISTERED_DEVICES_MAX: usize = 1_000;
/// Number of readings at which a group commit takes no further request.
pub const GROUP_READINGS_MAX: u32 = 32 * 1024;
/// Maximum step of the system clock that the times of readings follow at once. Larger steps are logged.
pub const CLOCK_STEP_MAX: Duration = Duration::from_mins(1);
/// Time for which a larger step of the system clock must last before the times of readings follow it.
pub const CLOCK_STEP_HELD: Duration = Duration::from_mins(5);
/// Maximum number of device keys that a node caches for ingest.
pub const KNOWN_DEVICES_MAX: usize = 100_000;
/// Maximum time for which a node uses rights that it has looked up. So a change on another node has an effect
/// on this node at the latest after this time.
pub const RIGHTS_CACHED_MAX: Duration = Duration::from_secs(5);
/// Maximum number of tokens and sessions of signed-in clients that a node caches.
pub const KNOWN_TOKENS_MAX: usize = 100_000;
/// Number of tokens and sessions that were not valid on a node before, and that the node looks up at the same
/// time: a quarter of its connections to the database.
pub const LOOKUPS_AT_ONCE: usize = 4;
/// Maximum number of these lookups for one client address.
pub const LOOKUPS_PER_ADDRESS_MAX: usize = 2;
/// Maximum time for which such a lookup waits for its turn.
pub const LOOKUP_WAIT_MAX: Duration = Duration::from_secs(10);
/// Maximum number of tokens or sessions whose last uses are written in one transaction.
pub const TOKEN_USES_AT_ONCE: usize = 1_000;
/// Interval at which a node writes the arrivals of readings to the store.
pub const ARRIVALS_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum number of devices whose arrivals are written in one transaction.
pub const ARRIVALS_AT_ONCE: usize = 1_000;
/// Maximum number of devices whose arrivals wait until they are written, of about 100 bytes each. From a half
/// of it, they are written at once. Beyond it, the arrivals of further devices are not noted.
pub const ARRIVALS_PENDING_MAX: usize = 131_072;
/// Maximum time of a session of a browser.
pub const SESSION_TIME_MAX: Duration = Duration::from_hours(12);
/// Time without a request after which a session ends. Requests are noted to the minute.
pub const SESSION_IDLE_MAX: Duration = Duration::from_mins(30);
/// Interval at which a node writes the last uses of tokens to the store.
pub const TOKEN_USES_INTERVAL: Duration = Duration::from_secs(10);
/// Interval at which a node writes refused requests to the audit log.
pub const REFUSALS_INTERVAL: Duration = Duration::from_mins(1);
/// Maximum number of entries about refused requests that a node writes to the audit log at once. All further
/// refusals of the interval become one entry for each reason.
pub const REFUSALS_NOTED_MAX: usize = 60;
/// Number of these entries that only clients with a valid credential can use.
pub const REFUSALS_OF_PRINCIPALS_MAX: usize = 40;
/// Maximum number of these entries about one address without a valid credential.
pub const REFUSALS_OF_ADDRESS_MAX: usize = 5;
/// Default of the time for which entries of the audit log are kept.
pub const AUDIT_KEPT_DEFAULT: Duration = Duration::from_hours(365 * 24);
/// Interval at which a node deletes old entries of the audit log.
pub const AUDIT_DELETION_INTERVAL: Duration = Duration::from_hours(1);
/// Maximum number of entries of the audit log that are deleted in one transaction.
pub const AUDIT_DELETED_AT_ONCE: u32 = 1_000;
/// Pause after such a transaction, as a multiple of its time.
pub const AUDIT_DELETION_PAUSE_FACTOR: u32 = 4;
/// Default of the number of devices of a user up to which the user itself creates devices.
pub const DEVICES_PER_USER_DEFAULT: u32 = 1_000;
/// Default of the requests of a device per second, if clients need a token.
pub const DEVICE_REQUESTS_PER_SECOND_DEFAULT: u32 = 20;
/// Default of the requests of a user per second, if clients need a token.
pub const USER_REQUESTS_PER_SECOND_DEFAULT: u32 = 100;
/// Default of the readings of a user or device per second, if clients need a token: about a third of the
/// readings that a small node stores, and more than a connection of 100 Mbit/s carries as NDJSON. So only
/// a client that sends without pause in a fast network reaches it.
pub const READINGS_PER_SECOND_DEFAULT: u32 = 500_000;
/// Default of the requests of a client address per second without a valid token.
pub const ADDRESS_REQUESTS_PER_SECOND_DEFAULT: u32 = 20;
/// Default of the requests of a client address per minute whose credentials are not a valid token.
pub const FAILED_SIGN_INS_PER_MINUTE_DEFAULT: u32 = 20;
/// Time whose requests or readings an idle client may send at once. For readings, it is at least a full
/// batch.
pub const RATE_BURST: Duration = Duration::from_secs(10);
/// Time whose readings a batch may use in advance. At the default rate, these are more than a full batch. So
/// the batches of a sender above its rate are either stored or refused before they are read.
pub const READINGS_ADVANCE: Duration = Duration::from_secs(3);
/// Maximum of each rate, per second or per minute.
pub const RATE_PER_SECOND_MAX: u32 = 10_000_000;
/// Maximum number of users, devices or addresses that a node counts separately for each rate. Further ones
/// share one quota.
pub const RATE_KEYS_MAX: usize = 100_000;
/// Minimum time after which a node forgets the users, devices and addresses whose quota is full again.
pub const RATE_SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum number of reading ids that a node reserves at once.
pub const READING_ID_BLOCK: u32 = 100_000;
/// Interval at which a node that shares its database looks for an older copy that has replaced it.
pub const RESTORE_CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// Maximum number of deletions of readings that run at the same time; further ones wait. A deletion holds the
/// rests of the segments at both ends of its window in memory.
pub const DELETIONS_AT_ONCE: usize = 4;
/// Maximum time that a deletion waits for others. After it, the request is answered with 503 and deletes
/// nothing.
pub const DELETION_WAIT_MAX: Duration = Duration::from_secs(20);
/// Time after which a deletion makes no further attempt. An attempt fails if the segments that it cuts change
/// in the meantime, or if PostgreSQL cannot lock the device.
pub const DELETION_ATTEMPTS_TIME: Duration = Duration::from_secs(10);

/// Maximum number of hot readings that a slice of the purge of a deleted device deletes. A slice of sealed
/// readings has about the same number, in PostgreSQL at least one segment. It is one transaction, for which
/// appends wait with SQLite.
pub const PURGE_READINGS_MAX: u32 = 64 * 1024;
/// Pause after a slice of a purge, as a multiple of the time of the slice. So a purge takes a fifth of the
/// time of the writing connection at most.
pub const PURGE_PAUSE_FACTOR: u32 = 4;
/// Interval at which a node searches for devices to purge that it has not deleted itself.
pub const PURGE_CHECK_INTERVAL: Duration = Duration::from_mins(1);
/// Pause of purging after a failure.
pub const PURGE_RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Maximum number of devices that an analysis or a request for latest readings chooses.
pub const CHOSEN_DEVICES_MAX: u32 = 1_000;

/// Number of devices that a list of statuses, or a summary of a fleet, reads at once.
pub const STATUS_DEVICES_AT_ONCE: u32 = 1_000;
/// Number of devices from which a page of statuses ends early if few of them have the requested state.
pub const STATUS_DEVICES_SCANNED_MAX: u32 = 10_000;
/// Number of devices whose activity is counted together, so that few of their readings are in memory.
pub const ACTIVITY_DEVICES_AT_ONCE: usize = 64;

/// Default of the maximum number of concurrent queries: analyses, series, histograms, latest readings,
/// statuses and lists of readings. A further one is refused with 503 at once.
pub const QUERIES_DEFAULT: usize = 256;
/// Default of the maximum memory of the snapshots of all queries together, in bytes. A query that exceeds it
/// is refused with 503 at once.
pub const QUERIES_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;
/// Default of the maximum time of a query. After it, the request is answered with 503, and the computation
/// stops.
pub const QUERY_TIMEOUT_DEFAULT: Duration = Duration::from_mins(2);

/// Maximum number of segments whose pages a request for latest readings holds in memory together. The same
/// number of segments without stored magnitudes are decoded at once for their magnitudes.
pub const SEGMENTS_DECODED_AT_ONCE: usize = 64;

/// Approximate number of readings that an export reads at once and holds for its client.
pub const EXPORT_SPAN_READINGS: u32 = 32_768;
/// Maximum number of hot readings of a device that an export holds. It takes a new snapshot for further ones.
pub const EXPORT_HOT_READINGS_MAX: usize = 65_536;
/// Maximum number of concurrent exports.
pub const EXPORTS_MAX: usize = 64;
/// Maximum number of concurrent exports of one client address.
pub const EXPORTS_PER_ADDRESS_MAX: usize = 24;

/// Default rate of a live stream, in readings per second of each device.
pub const LIVE_RATE_DEFAULT: f64 = 10.0;
/// Maximum rate of a live stream, in readings per second of each device.
pub const LIVE_RATE_MAX: f64 = 1_000.0;
/// Maximum number of concurrent live streams.
pub const LIVE_STREAMS_MAX: usize = 1_000;
/// Maximum number of concurrent live streams of one client address.
pub const LIVE_STREAMS_PER_ADDRESS_MAX: usize = 200;
/// Maximum number of devices that all live streams together watch; a device counts for each of its streams. A
/// stream needs about 200 bytes for each of its devices, for its id and its rate limit. A stream that exceeds
/// the maximum is refused with 503.
pub const LIVE_DEVICES_TOTAL_MAX: usize = 524_288;
/// Maximum number of committed readings that wait to be published to live streams. More readings end all
/// streams, and their clients resume from the store.
pub const LIVE_READINGS_QUEUED_MAX: usize = 524_288;
/// Maximum number of readings that wait for the client of a live stream. The next one ends the stream.
pub const LIVE_READINGS_WAITING_MAX: usize = 16_384;
/// Maximum number of readings that wait for the clients of all live streams together. The next one ends its
/// stream.
pub const LIVE_READINGS_WAITING_TOTAL_MAX: usize = 524_288;
/// Maximum number of readings that a node keeps for reconnecting clients of live streams.
pub const LIVE_READINGS_KEPT_MAX: usize = 65_536;
/// Number of kept readings that a live stream looks through at once for its reconnecting client.
pub const LIVE_READINGS_REPLAYED_AT_ONCE: usize = 1_024;
/// Time for which the readings of a device are kept after its last live stream.
pub const LIVE_RETENTION: Duration = Duration::from_mins(1);
/// Maximum number of missed readings, per device and in total, that a reconnecting client gets from the
/// store. They are read from the store if the node has not kept all of them.
pub const LIVE_READINGS_RESUMED_MAX: [u32; 2] = [1_000, 10_000];
/// Maximum number of missed readings from the store that all live streams of a node hold together. Further
/// clients wait for theirs.
pub const LIVE_READINGS_RESUMED_TOTAL_MAX: usize = 500_000;
/// Maximum number of live streams that read missed readings from the store at the same time; further ones
/// wait.
pub const LIVE_RESUMES_AT_ONCE: usize = 4;
/// Maximum time that a live stream waits for its missed readings. After it, the stream ends, and its client
/// tries again.
pub const LIVE_RESUME_WAIT_MAX: Duration = Duration::from_secs(30);
/// Interval at which a live stream or an export checks that its client may still read. A live stream then
/// also looks up the devices of its user. It is shorter than [`RIGHTS_CACHED_MAX`], because the check takes
/// time, too.
pub const RIGHTS_CHECK_INTERVAL: Duration = Duration::from_secs(4);
/// Maximum time of such a check of a live stream. A stream with a token ends after it.
pub const RIGHTS_CHECK_TIME_MAX: Duration = Duration::from_secs(1);

/// Time before the start of a demonstration for which its devices have readings.
pub const DEMO_HISTORY: Duration = Duration::from_hours(24);
/// Maximum number of times at which a device of the demonstration measures for one batch. The history is one
/// batch, so that it does not count among the readings per second.
pub const DEMO_BATCH_READINGS: usize = 65_536;
/// Interval at which the demonstration stores its live readings.
pub const DEMO_LIVE_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum time whose live readings the demonstration stores later, after a failure of the store or a pause
/// of the machine. A longer time leaves a gap.
pub const DEMO_CATCH_UP_MAX: Duration = Duration::from_mins(10);
/// Pause of the demonstration after a failure.
pub const DEMO_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Time over which rates of requests and readings are measured for the operator, in seconds.
pub const FIGURES_RATE_SECONDS: usize = 10;
/// Time for which the sizes of the store are kept before it is asked again.
pub const STORE_FIGURES_KEPT: Duration = Duration::from_secs(10);

/// Number of hot readings at which a device is sealed without waiting for more.
pub const SEAL_READINGS: u32 = 4_096;
/// Divisor of the number of hot readings of a device that reaches [`SEAL_READINGS`]. The quotient is the
/// number of newest readings that stay hot.
pub const SEAL_HOT_DIVISOR: usize = 8;
/// Number of hot readings of all devices, by the count of one node, above which the devices with the most hot
/// readings are sealed early. It is at most half of the maximum number of hot readings.
pub const EARLY_SEAL_READINGS: u64 = 1024 * 1024;
/// Minimum number of readings of a request that become a segment at once. All of them are client-timed and of
/// one device.
pub const DIRECT_SEAL_READINGS: u32 = 4_096;
/// Maximum number of readings of a segment. Merging aims at segments of this size.
pub const SEGMENT_READINGS: u32 = 262_144;
/// Minimum growth of a merge: the number of readings of the new segment, divided by the number of readings of
/// the largest segment that it replaces.
pub const MERGE_GROWTH: u32 = 8;
/// Number of segments of similar size at which some of them are merged, even if other segments lie between
/// them.
pub const MERGE_SIMILAR_SEGMENTS: usize = 16;
/// Maximum number of devices that are sealed, merged or verified at once. Each device needs a core, and up to
/// about 120 MB of memory for a segment of the maximum size.
pub const SEAL_DEVICES_MAX: usize = 4;
/// Minimum number of readings of a segment whose derived segment is stored. Magnitudes of fewer readings are
/// computed for each request. That takes about 10 µs longer than reading them, but saves a commit.
pub const DERIVED_READINGS_MIN: u32 = 128;
/// Maximum number of derived segments that are computed at once, for all requests together. Each needs a
/// core, and up to about 40 MB of memory for a segment of the maximum size.
pub const DERIVED_SEGMENTS_AT_ONCE: usize = 4;
/// Pause of background sealing after a failure.
pub const SEAL_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Maximum time that a stopping server waits for accepted requests.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time that a stopping server then waits for its background tasks: for the devices that are being
/// sealed, the slice of a purge, and the last refusals, uses of tokens and arrivals that it writes.
pub const BACKGROUND_STOP_TIMEOUT: Duration = Duration::from_secs(1);
