//! The words of the service: users, devices, readings, windows of time and summaries, and the rules a value must
//! keep to exist. No input or output and no clock: what is here can be tested without starting anything.
//!
//! Every type that is made from outside text or numbers is made by a fallible constructor whose error names the rule
//! that was broken. After that, a bad value cannot exist.

pub mod limits;

mod axis;
mod device;
mod error_chain;
mod grid;
mod histogram;
mod idempotency;
mod interval;
mod number;
mod page;
mod percentile;
mod reading;
mod statistics;
mod summary;
mod text;
mod time;
mod user;
mod window;
mod zone;

pub use axis::{Axes, Axis};
pub use device::{Device, DeviceChange, DeviceId, DeviceKey, DeviceName, InvalidDeviceId, NewDevice};
pub use error_chain::error_chain;
pub use device_stats_email::{Email, InvalidEmail};
pub use grid::{Grid, TooManyBuckets};
pub use histogram::{Bins, Histogram, InvalidBins};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use interval::{Interval, InvalidInterval};
pub use number::{Finite, NotFinite};
pub use page::Page;
pub use percentile::{InvalidPercentile, Percentile};
pub use reading::{Measurement, NewReading, Reading, ReadingId, ReadingTime};
pub use statistics::{Statistics, Wanted};
pub use summary::Summary;
pub use text::InvalidText;
pub use time::{InvalidTime, Moment, Timestamp};
pub use user::{NewUser, User, UserChange, UserId, Username};
pub use window::Window;
pub use zone::{UnknownZone, Zone};
