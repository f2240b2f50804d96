//! The data of the model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use device_stats_domain::{
    ArrivalRecord, AuditEntry, AuditId, Axes, Device, DeviceKey, IdempotencyKey, SessionHash, StoredToken,
    Timestamp, TokenHash, TokenId, User, UserId,
};
use device_stats_segment::{Row, Segment};

use crate::{
    Exchange, SegmentEntry, SegmentId, Store, StoreError, StoreFigures, StoreHealth, StoredReceipt,
    Visibility,
};

/// A store in memory.
#[derive(Debug, Default)]
pub struct Model {
    state: Mutex<State>,
    ignores_visibility: bool,
}

impl Model {
    /// Creates a store with a fault: it ignores which users and devices a caller may see. With it, tests of
    /// access rights show that they find this fault.
    pub fn without_visibility() -> Self {
        Self { ignores_visibility: true, ..Self::default() }
    }

    /// Returns the users and devices that a call finds.
    pub(super) fn found(&self, visible: Visibility) -> Visibility {
        if self.ignores_visibility { Visibility::All } else { visible }
    }

    /// Locks the data for one call.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Model {
    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        None
    }

    async fn ping(&self) -> Result<StoreHealth, StoreError> {
        Ok(StoreHealth::default())
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        let state = self.state();
        let bytes =
            |Segment { head, blocks }: &Segment| head.len() + blocks.iter().map(Vec::len).sum::<usize>();
        let segment_bytes = state.segments.values().map(|segment| bytes(&segment.bytes) as u64).sum();
        Ok(StoreFigures {
            database: "model",
            version: "1".to_owned(),
            segments: state.segments.len() as u64,
            sealed_readings: state.segments.values().map(|segment| u64::from(segment.entry.readings)).sum(),
            segment_bytes,
            database_bytes: segment_bytes,
            free_bytes: None,
        })
    }
}

/// All data at one moment.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
    pub(super) arrivals: BTreeMap<DeviceKey, ArrivalRecord>,
    pub(super) tokens: BTreeMap<TokenId, (TokenHash, StoredToken)>,
    pub(super) sessions: BTreeMap<SessionHash, ModelSession>,
    pub(super) audit: BTreeMap<AuditId, AuditEntry>,
    /// Hot readings, by device and time in microseconds since 1970 UTC.
    pub(super) hot: BTreeMap<(DeviceKey, i64), Row>,
    pub(super) segments: BTreeMap<SegmentId, ModelSegment>,
    pub(super) receipts: BTreeMap<IdempotencyKey, ModelReceipt>,
    /// Last assigned ids. A deletion does not change them.
    pub(super) last_user: i64,
    pub(super) last_device: i64,
    pub(super) last_token: i64,
    pub(super) last_audit: i64,
    pub(super) last_reading: i64,
    pub(super) last_segment: i64,
}

/// A session of a token. It is ignored after the token was deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelSession {
    pub(super) token: TokenId,
    pub(super) created_at: Timestamp,
    pub(super) last_used_at: Timestamp,
}

/// A receipt, and the time at which it expires.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelReceipt {
    pub(super) stored: StoredReceipt,
    pub(super) kept_until: Timestamp,
}

/// A segment of a device.
#[derive(Debug)]
pub(super) struct ModelSegment {
    pub(super) device: DeviceKey,
    pub(super) entry: SegmentEntry,
    pub(super) bytes: Segment,
    /// The values of its readings, by time in microseconds since 1970 UTC.
    pub(super) values: BTreeMap<i64, Axes<f64>>,
    pub(super) derived: Option<Segment>,
}
