//! Errors of the service. The transports refuse invalid input before they call the service.

use std::time::Duration;

use device_stats_domain::{DeviceId, IdempotencyKey, Scope, TokenKind};
use device_stats_store::{Cause, StoreError};

use crate::access::Forbidden;
use crate::client_limit::LimitScope;
use crate::queries::SeriesTooLong;
use crate::rates::RateState;

/// Reason why the service refused a request or could not carry it out.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The principal may not perform the action on any user or device.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The token does not exist, has expired or was revoked.
    #[error("the token is unknown, expired or revoked")]
    TokenUnknown,
    /// The session of the browser does not exist, or has ended.
    #[error("the session is unknown or has ended")]
    SessionUnknown,
    /// The client has used up its quota of requests, readings or failed sign-ins. Nothing is done.
    #[error("too many {}", .0.policy.name())]
    RateExceeded(RateState),
    /// The holder of a new token could not use a scope.
    #[error("a token of this kind cannot have the scope {scope}")]
    ScopeUnusable {
        /// The scope.
        scope: Scope,
        /// The kind of the holder.
        kind: TokenKind,
    },
    /// A new token would be expired already.
    #[error("the time of expiry is in the past")]
    AlreadyExpired,
    /// The name of a new token is reserved.
    #[error("the name of the token is reserved for --admin-token-file")]
    ReservedTokenName,
    /// The token in the file of the operator is stored already, and has expired or lacks scopes.
    #[error("the token was created with fewer rights; use one that `device-stats token generate` prints")]
    AdminTokenUnusable,
    /// The operating system gives no random numbers.
    #[error("no random numbers for a secret")]
    RandomnessMissing(#[source] Cause),
    /// Other requests wait too long, and requests of this class are refused. Nothing is done.
    #[error("the service is overloaded")]
    Overloaded,
    /// Too many readings wait for their commit. The readings of the request are not stored.
    #[error("the queue is full")]
    QueueFull,
    /// The store has the maximum number of hot readings. The readings of the request are not stored.
    #[error("too many readings are hot")]
    HotReadingsFull {
        /// The maximum number of hot readings.
        hot_readings_max: u64,
    },
    /// A request with the same key is in progress on this node. The second request is refused and stores
    /// nothing.
    #[error("a request with this key is in progress")]
    RequestInProgress,
    /// The key was used with another payload before. Nothing is done.
    #[error("the key was used with another payload")]
    KeyReused(IdempotencyKey),
    /// The maximum number of deletions of readings is in progress. Nothing is deleted.
    #[error("too many deletions are running")]
    TooManyDeletions,
    /// Other calls changed the same readings during every attempt. Nothing is deleted.
    #[error("other calls changed the readings of a deletion repeatedly")]
    DeletionOvertaken,
    /// The reading that the request repeats has been deleted. Nothing is stored.
    #[error("the repeated reading has been deleted")]
    ReadingDeleted,
    /// The window of an analysis, series or histogram has no reading.
    #[error("the window has no readings")]
    NoReadings,
    /// The window of a series has too many buckets.
    #[error(transparent)]
    SeriesTooLong(#[from] SeriesTooLong),
    /// The user that the request names as owner of the device does not exist.
    #[error("the owner of the device does not exist")]
    OwnerMissing,
    /// Chosen devices do not exist; the list is empty if no device meets the conditions.
    #[error("chosen devices do not exist")]
    DevicesMissing(Vec<DeviceId>),
    /// More than [`CHOSEN_DEVICES_MAX`](crate::limits::CHOSEN_DEVICES_MAX) devices meet the conditions of a
    /// request.
    #[error("too many devices meet the conditions")]
    TooManyDevices,
    /// The device has no reading, or none at the requested time.
    #[error("the reading does not exist")]
    ReadingMissing,
    /// A batch names devices that do not exist. The error lists the index and device of each reading of such
    /// a device. Nothing of the batch is stored.
    #[error("the batch names unknown devices")]
    UnknownDevices(Vec<(usize, DeviceId)>),
    /// A batch would register more devices than
    /// [`REGISTERED_DEVICES_MAX`](crate::limits::REGISTERED_DEVICES_MAX). Nothing is done.
    #[error("the batch would register {0} devices")]
    TooManyNewDevices(usize),
    /// A batch would register more devices than the user may have. Nothing is done.
    #[error("the batch would register more devices than the user may have")]
    TooManyRegistered {
        /// Maximum number of devices of the user.
        devices_max: u32,
    },
    /// The maximum number of exports is in progress, on the node or for the address of the client.
    #[error("too many exports are running")]
    TooManyExports(LimitScope),
    /// The maximum number of live streams is open, on the node or for the address of the client.
    #[error("too many live streams are open")]
    TooManyStreams(LimitScope),
    /// The live streams of the node watch the maximum number of devices.
    #[error("the live streams watch too many devices")]
    TooManyLiveDevices,
    /// The service is stopping and should get no further requests.
    #[error("the service is stopping")]
    Stopping,
    /// The maximum number of queries runs or waits, or they need all the memory of queries.
    #[error("too many queries are running")]
    TooManyAnalyses,
    /// The query did not end within this time. Its computation stops.
    #[error("the query did not end in time")]
    QueryTimedOut(Duration),
    /// A computation panicked; a bug.
    #[error("a computation failed")]
    ComputationFailed(#[source] Cause),
}

impl ServiceError {
    /// Returns the error of a query that failed because segments were merged repeatedly before they were
    /// read.
    pub(crate) fn segments_merged_repeatedly() -> Self {
        StoreError::Unavailable("segments were merged repeatedly while they were read".into()).into()
    }
}
