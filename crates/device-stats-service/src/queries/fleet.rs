//! The summary of a fleet: how many of the visible devices report.

use device_stats_domain::{
    DeviceFilter, DeviceKey, DeviceState, DeviceStatus, StateFilter, Timestamp, UserId,
};

use super::status::DeviceWalk;
use crate::access::{Granted, Read};
use crate::admission::Query;
use crate::error::ServiceError;
use crate::service::Service;

/// The numbers of devices by their status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FleetSummary {
    /// Number of devices.
    pub devices: u64,
    /// Number of devices that report.
    pub reporting: u64,
    /// Number of silent devices.
    pub silent: u64,
    /// Number of devices from which nothing has arrived.
    pub waiting: u64,
    /// Number of devices whose clock is wrong, in any state.
    pub wrong_clock: u64,
    /// Number of readings per second of all devices together, as received, smoothed.
    pub readings_per_second: f64,
    /// Time of the summary.
    pub as_of: Timestamp,
}

impl Service {
    /// Counts the visible devices, or those of a user, by their status, each at a moment during the call.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`];
    /// [`StoreError::UserMissing`](device_stats_store::StoreError) if the user does not exist.
    pub async fn summarize_fleet(
        &self,
        granted: Granted<Read>,
        owner: Option<UserId>,
    ) -> Result<FleetSummary, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        query.run(Box::pin(self.summarize(&query, granted, owner))).await
    }

    async fn summarize(
        &self,
        query: &Query,
        granted: Granted<Read>,
        owner: Option<UserId>,
    ) -> Result<FleetSummary, ServiceError> {
        let filter = DeviceFilter { user_id: owner, ..DeviceFilter::default() };
        let mut walk = DeviceWalk { after: DeviceKey(0), has_more: true, scanned: 0 };
        let mut statuses = StatusCounts::default();
        while walk.has_more {
            let devices = walk.next(self, granted, &filter).await?;
            for one in self.judge(query, devices).await? {
                statuses.add(&one.status);
            }
        }
        let StatusCounts { reporting, silent, waiting, wrong_clock, readings_per_second } = statuses;
        Ok(FleetSummary {
            devices: reporting + silent + waiting,
            reporting,
            silent,
            waiting,
            wrong_clock,
            readings_per_second,
            as_of: self.parts.clock.now(),
        })
    }
}

/// The devices counted so far.
#[derive(Default)]
struct StatusCounts {
    reporting: u64,
    silent: u64,
    waiting: u64,
    wrong_clock: u64,
    readings_per_second: f64,
}

impl StatusCounts {
    fn add(&mut self, status: &DeviceStatus) {
        match status.state {
            DeviceState::Reporting => self.reporting += 1,
            DeviceState::Silent => self.silent += 1,
            DeviceState::Waiting => self.waiting += 1,
        }
        self.wrong_clock += u64::from(StateFilter::WrongClock.includes(status));
        self.readings_per_second += status.readings_per_second;
    }
}
