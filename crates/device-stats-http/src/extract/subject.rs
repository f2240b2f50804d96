//! The subject of a query: the readings of one device, or of all devices of a user in one pool.

use device_stats_domain::{Axes, Bins, Device, Grid, Histogram, User, Wanted, Window};
use device_stats_formats::Faults;
use device_stats_formats::export::Encoder;
use device_stats_service::{
    Action, Authorized, Bucket, Export, LiveReadings, Position, Principal, Service, ServiceError,
    UserStatistics,
};
use device_stats_store::StoreError;

use super::input::{FromInput, Input};
use super::path::{DEVICE_ID, PathDevice, PathUser};

/// The subject in a path: `devices/{device_id}` or `users/{user_id}`.
pub(crate) enum PathSubject {
    Device(PathDevice),
    User(PathUser),
}

impl FromInput for PathSubject {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        if input.path(DEVICE_ID).is_some() {
            PathDevice::read(input, faults).map(Self::Device)
        } else {
            PathUser::read(input, faults).map(Self::User)
        }
    }
}

impl PathSubject {
    /// Finds the device or the user, if the principal may read its readings.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] or [`StoreError::UserMissing`].
    pub(crate) async fn find(self, service: &Service, principal: Principal) -> Result<Subject, StoreError> {
        Ok(match self {
            Self::Device(device) => {
                Subject::Device(service.device(principal, device.id()?, Action::Read).await?)
            }
            Self::User(PathUser(id)) => Subject::User(service.user(principal, id, Action::Read).await?),
        })
    }
}

/// An existing device or user whose readings the caller may read. Each method calls the operation of the
/// service for that subject, and has its errors.
pub(crate) enum Subject {
    Device(Authorized<Device>),
    User(Authorized<User>),
}

impl Subject {
    /// Analyzes the readings in a window. The list of devices is empty if the subject is a device.
    pub(crate) async fn analyze(
        &self,
        service: &Service,
        window: Window,
        wanted: &Wanted,
    ) -> Result<UserStatistics, ServiceError> {
        match self {
            Self::Device(device) => {
                let aggregate = service.analyze_device(device, window, wanted).await?;
                Ok(UserStatistics { aggregate, devices: Vec::new() })
            }
            Self::User(user) => service.analyze_user(user, window, wanted).await,
        }
    }

    /// Analyzes the readings of each bucket of a window.
    pub(crate) async fn list_series(
        &self,
        service: &Service,
        window: Window,
        grid: &Grid,
    ) -> Result<Vec<Bucket>, ServiceError> {
        match self {
            Self::Device(device) => service.series_device(device, window, grid).await,
            Self::User(user) => service.series_user(user, window, grid).await,
        }
    }

    /// Counts the readings of a window in bins.
    pub(crate) async fn count_histogram(
        &self,
        service: &Service,
        window: Window,
        bins: Bins,
    ) -> Result<Axes<Histogram>, ServiceError> {
        match self {
            Self::Device(device) => service.histogram_device(device, window, bins).await,
            Self::User(user) => service.histogram_user(user, window, bins).await,
        }
    }

    /// Starts to export the readings of a window.
    pub(crate) async fn export<E: Encoder>(
        self,
        service: &Service,
        window: Window,
        encoder: E,
    ) -> Result<Export<E>, ServiceError> {
        match self {
            Self::Device(device) => service.export_device(device, window, encoder).await,
            Self::User(user) => service.export_user(&user, window, encoder).await,
        }
    }

    /// Starts to watch the readings as they are committed.
    pub(crate) async fn watch(
        self,
        service: &Service,
        rate: f64,
        since: Option<Position>,
    ) -> Result<LiveReadings, ServiceError> {
        match self {
            Self::Device(device) => service.watch_device(device, rate, since).await,
            Self::User(user) => service.watch_user(user, rate, since).await,
        }
    }
}
