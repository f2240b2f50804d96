//! Limits of the store in PostgreSQL.

use std::time::Duration;

/// Maximum time for one statement.
pub const STORE_STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time that a statement waits for a lock.
pub const STORE_LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time that a statement of an append waits for a lock, as long as a deletion may have locked one of
/// its devices. An append shares its transaction with requests for other devices, which wait, too.
pub const STORE_APPEND_LOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// Maximum time that PostgreSQL waits for the next statement of a transaction before it rolls the transaction
/// back.
pub const STORE_IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time that sent data waits for the acknowledgement of the database host. After it, the connection
/// is lost.
pub const STORE_SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for a call that reads or writes, except the calls of [`STORE_SEAL_TIMEOUT`]. It is needed
/// because a frozen server does not enforce its statement timeout.
pub const STORE_ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// Maximum time for sealing or merging a device, for deleting readings of it, for deleting a user with all
/// devices, and for a slice of the purge of a deleted device.
pub const STORE_SEAL_TIMEOUT: Duration = Duration::from_mins(10);
/// Number of reservations of reading ids that the database keeps: the last one of each process. When a
/// process starts to reserve ids, the oldest beyond this number are deleted. A process whose reservation was
/// deleted treats the database as an older copy: it refuses one request and reserves other ids.
pub const RESERVATIONS_KEPT: i64 = 10_000;
/// Maximum number of transactions that append at the same time.
pub const STORE_APPENDS_AT_ONCE: usize = 4;
/// Maximum number of transactions that seal or merge at the same time.
pub const STORE_SEALS_AT_ONCE: usize = 6;
/// Maximum time that a statement of a migration waits for a lock. During this wait, requests that need the
/// same table wait, too. It is longer than the default of `deadlock_timeout`, 1 s, because PostgreSQL cancels
/// an autovacuum that holds the lock only after this time.
pub const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of tries of migrations that wait too long for a lock.
pub const MIGRATION_TRIES_MAX: u32 = 60;
