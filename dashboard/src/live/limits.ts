/** Limits of live readings in the browser. Nothing here grows without one of them. */

/** Readings per second of a watched device. */
export const DEVICE_RATE = 100;
/** Readings per second of each device of a watched user. */
export const USER_RATE = 5;

/** Open streams of all tabs together. Browsers allow six connections to a host, and requests need some of them. */
export const SHARED_STREAMS_MAX = 4;
/** Open streams of a tab that cannot share its streams. */
export const OWN_STREAMS_MAX = 2;
/** Subjects that a tab watches at the same time. */
export const TAB_SUBJECTS_MAX = 16;

/** Time between two batches of readings to a tab. */
export const BATCH_INTERVAL_MS = 100;
/** Newest readings of a subject that wait for a slow tab. Older ones are dropped. */
export const WAITING_READINGS_MAX = 20_000;
/** Characters of an event that is not complete yet. */
export const EVENT_CHARS_MAX = 65_536;

/** Pause before the first attempt to connect again. It doubles with each failure. */
export const RETRY_PAUSE_MS = 1_000;
export const RETRY_PAUSE_MAX_MS = 15_000;
/** Longest pause that the server can ask for. */
export const RETRY_AFTER_MAX_MS = 300_000;
/** A connection that lived for this time counts as a success: the next pause is short again. */
export const SUCCESS_MS = 10_000;
/** Silence after which a connection counts as lost. The server sends a comment every 15 seconds. */
export const SILENCE_MAX_MS = 40_000;

/** Time after which a stream is closed if all its tabs are hidden. */
export const HIDDEN_MAX_MS = 60_000;
/** Time between two questions whether a tab is still open. A port does not report that its tab was closed. */
export const PING_INTERVAL_MS = 15_000;
/** Unanswered questions after which a tab counts as closed, or the shared worker as failed. */
export const UNANSWERED_PINGS_MAX = 3;
/** Time within which the shared worker has to answer the first message. */
export const WORKER_START_MAX_MS = 5_000;
