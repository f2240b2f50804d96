//! The questions the service asks of a store.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceId, DeviceKey, NewDevice, NewReading, NewUser, Page, Timestamp, User,
    UserChange, UserId, Window,
};
use device_stats_segment::{Row, Segment};

use crate::{
    Appended, Exchange, HotDevice, KeyedReadings, Newest, Once, PieceKey, Replaced, SegmentEntry, SegmentId,
    Snapshot, StoreError, Subject,
};

/// Keeps users, devices and readings.
///
/// Promises common to all methods:
///
/// - **Atomic.** A method does all it says or nothing.
/// - **Durable.** What a method that writes has returned `Ok` for is in stable storage: it survives the death of the
///   process and of the machine.
/// - **Visible.** What one call has returned `Ok` for, every call that starts later sees, on every node.
/// - **Unique by the database.** Usernames, email addresses, device ids, and device and time of a reading are unique
///   however many callers race; the losers get the error that says so.
/// - **Errors.** Besides the errors a method names, any method may fail with [`StoreError::Unavailable`] (nothing has
///   been done) or [`StoreError::Broken`]; one that writes also with [`StoreError::OutcomeUnknown`]. One that has to
///   look into segments (`append`, `append_segment`, `read_pieces`) may fail with [`StoreError::Corrupt`].
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// How many calls of [`Self::append`] it commits at the same time, 1 and up; of more, some wait for others. Who has
    /// many small ones to make had better put them together.
    fn appends_at_once(&self) -> usize;

    /// How many calls of [`Self::seal`] and [`Self::merge`] it gains from having at the same time, 1 and up: it commits as
    /// many at once, or together.
    fn seals_at_once(&self) -> usize;

    /// What carries messages between the nodes that share the store; none where no other node can.
    fn exchange(&self) -> Option<Arc<dyn Exchange>>;

    /// Asks the store for a sign of life.
    ///
    /// # Errors
    /// None but the common ones.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Registers a user under an id, 1 and up, that was never given before. Ids that one store gives to one caller after
    /// the other ascend.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], which is looked at first, and [`StoreError::UsernameTaken`].
    async fn create_user(&self, user: NewUser) -> Result<User, StoreError>;

    /// The user of that id, if there is one.
    ///
    /// # Errors
    /// None but the common ones.
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// A page of all users, by ascending id.
    ///
    /// # Errors
    /// None but the common ones.
    async fn list_users(&self, page: Page) -> Result<Vec<User>, StoreError>;

    /// Changes what `change` names and returns the user as it is then.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], then [`StoreError::EmailTaken`], then [`StoreError::UsernameTaken`]: by another user.
    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError>;

    /// Deletes a user with all devices and all their readings.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`].
    async fn delete_user(&self, id: UserId) -> Result<(), StoreError>;

    /// Registers a device under a key, 1 and up, that was never given before. Keys that one store gives to one caller
    /// after the other ascend.
    ///
    /// # Errors
    /// [`StoreError::DeviceIdTaken`], which is looked at first, and [`StoreError::UserMissing`] where the owner does
    /// not exist.
    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError>;

    /// The devices of those ids, in the order asked for; `None` for each that does not exist.
    ///
    /// # Errors
    /// None but the common ones.
    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError>;

    /// A page of all devices, by ascending key.
    ///
    /// # Errors
    /// None but the common ones.
    async fn list_devices(&self, page: Page) -> Result<Vec<Device>, StoreError>;

    /// All devices of a user, by ascending key; none where there is no such user.
    ///
    /// # Errors
    /// None but the common ones.
    async fn list_devices_of(&self, user: UserId) -> Result<Vec<Device>, StoreError>;

    /// Changes what `change` names and returns the device as it is then.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], then [`StoreError::UserMissing`] where the new owner does not exist.
    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError>;

    /// Deletes a device with all its readings.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`].
    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError>;

    /// Reserves `count` ids for readings; for 0 the range is empty. No id is ever reserved twice, by whatever node; ids
    /// start at 1.
    ///
    /// # Errors
    /// None but the common ones.
    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError>;

    /// Appends readings of any devices in one transaction, and says of each, in the order given, what became of it.
    ///
    /// A reading whose device and time are stored already, hot or sealed, or came earlier in the same call, is a repeat and changes
    /// nothing, whatever its values. A reading that leaves its time to the server is never a repeat: it gets the first
    /// microsecond at which its device has no reading, from what the clock says on, and behind all readings of its device that
    /// lie less than [`CLOCK_BACK_MAX`](device_stats_domain::limits::CLOCK_BACK_MAX) ahead of that, and behind the one before
    /// it in the call that left its time to the server. So the times of one device ascend in the order given, and from call to
    /// call, whatever the clocks of the callers say. Readings that bring their time are stored before times are picked,
    /// wherever they stand in the call.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] where one of the devices does not exist, then [`StoreError::Broken`] where a device
    /// has no free microsecond up to [`Timestamp::MAX`](device_stats_domain::Timestamp::MAX); then nothing is stored. A device that is deleted meanwhile is
    /// either deleted with these readings or missing.
    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError>;

    /// Appends the readings of several requests, each of which has a key of its own, in one transaction, and keeps a
    /// receipt of each under its key; says of each, in the order given, what became of it. The readings of those that are
    /// not known by their keys are appended as [`Self::append`] does with all of them in one call; nothing is appended of
    /// the others. A receipt is as if it had never been from the moment on until which it is kept; `now` says which moment
    /// it is.
    ///
    /// # Errors
    /// As [`Self::append`]; then no receipt is kept either.
    async fn append_once(&self, requests: &[KeyedReadings], now: Timestamp) -> Result<Vec<Once>, StoreError>;

    /// What an analysis needs to know of the window: devices, hot readings and segments of **one** moment.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] or [`StoreError::UserMissing`] where the subject does not exist.
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError>;

    /// What a list needs to know of the window: the `count` newest hot readings, and the segments that touch the
    /// window, of **one** moment; nothing where there is no such device.
    ///
    /// # Errors
    /// None but the common ones.
    async fn newest(&self, device: DeviceKey, window: Window, count: u64) -> Result<Newest, StoreError>;

    /// Parts of segments as they were written, in the order asked for; `None` for each that is not there. A segment
    /// never changes, but it goes when it is merged or its device deleted: then a new snapshot says what holds its
    /// readings now.
    ///
    /// # Errors
    /// None but the common ones.
    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// All devices that have hot readings, by ascending key.
    ///
    /// # Errors
    /// None but the common ones.
    async fn list_hot(&self) -> Result<Vec<HotDevice>, StoreError>;

    /// The `count` earliest hot readings of a device, by ascending time; none where there is no such device.
    ///
    /// # Errors
    /// None but the common ones.
    async fn read_hot(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError>;

    /// All segments of a device, by ascending first time, then id; none where there is no such device.
    ///
    /// # Errors
    /// None but the common ones.
    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError>;

    /// Puts a segment in the place of hot readings of a device: exactly `rows`, from which it was made and which ascend
    /// in time, stop being hot. Where one of them is not hot any more, or not with that id, nothing is done; so a caller
    /// that was held up can do no harm, and of several that seal the same readings one succeeds.
    ///
    /// # Errors
    /// None but the common ones; [`Replaced::Stale`] where the device does not exist.
    async fn seal(&self, device: DeviceKey, rows: &[Row], segment: &Segment) -> Result<Replaced, StoreError>;

    /// Puts a segment in the place of those it was made from. Where one of them is not there any more, nothing is done.
    ///
    /// # Errors
    /// None but the common ones; [`Replaced::Stale`] where the device does not exist.
    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError>;

    /// Appends readings of a device that have been made a segment already. Where the device has a reading, hot or
    /// sealed, inside its span (from its first to its last time), nothing is done: the answer is
    /// [`Replaced::Stale`], and the readings can be appended one by one.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`].
    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError>;
}
