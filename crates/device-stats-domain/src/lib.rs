//! Values of the service and their rules: users, devices, readings, times, windows and statistics. This crate
//! performs no I/O and reads no clock.
//!
//! If a type is made from the text or numbers of a client, its constructor is fallible, and the error names
//! the broken rule. Therefore no invalid value exists.

pub mod limits;

mod arrival;
mod audit;
mod axis;
mod device;
mod division;
mod error_chain;
mod expected_interval;
mod grid;
mod histogram;
mod idempotency;
mod identity;
mod interval;
mod io_words;
mod list_filter;
mod list_page;
mod number;
mod percentile;
mod reading;
mod recent_buckets;
mod request_id;
mod scope;
mod statistics;
mod summary;
mod text;
mod time;
mod token;
mod user;
mod week_start;
mod window;
mod zone;

pub use arrival::{ArrivalRecord, DeviceState, DeviceStatus, Evidence, NewArrivals, StateFilter};
pub use audit::{
    Actor, AuditAction, AuditDetails, AuditEntry, AuditEvent, AuditFilter, AuditId, AuditObject, AuditOrder,
    Author, UnknownAction, UnknownActor,
};
pub use axis::{Axes, Axis, AxisResults, RequestedAxes};
pub use device::{Device, DeviceChange, DeviceId, DeviceKey, DeviceName, InvalidDeviceId, NewDevice};
pub use device_stats_email::{Email, InvalidEmail};
pub use division::{BucketLength, Division};
pub use error_chain::error_chain;
pub use expected_interval::{ExpectedInterval, InvalidExpectedInterval};
pub use grid::{Grid, TooManyBuckets};
pub use histogram::{Bins, Histogram, InvalidBins};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use identity::Identity;
pub use interval::{Interval, InvalidInterval};
pub use list_filter::{DeviceFilter, DeviceIdPrefix, SearchText, UserFilter};
pub use list_page::ListPage;
pub use number::{Finite, NotFinite};
pub use percentile::{InvalidPercentile, Percentile};
pub use reading::{Measurement, NewReading, Reading, ReadingId, ReadingTime};
pub use recent_buckets::{InvalidSpan, RecentBuckets, RecentSpan};
pub use request_id::{InvalidRequestId, RequestId};
pub use scope::{Scope, Scopes, UnknownScope};
pub use statistics::{OmittedStatistics, RequestedStatistics, Statistics};
pub use summary::Summary;
pub use text::InvalidText;
pub use time::{EpochNumber, InvalidTime, RequestTime, TextTime, TimeUnit, Timestamp};
pub use token::{
    InvalidToken, InvalidTokenName, NewToken, Session, SessionHash, SessionSecret, StoredToken, Token,
    TokenHash, TokenHolder, TokenId, TokenKind, TokenName, TokenPrefix, UnknownTokenKind, contains_token,
    redact_tokens,
};
pub use user::{NewUser, User, UserChange, UserId, Username};
pub use week_start::{UnknownWeekday, WeekStart};
pub use window::Window;
pub use zone::{InvalidClock, RepeatedClock, UnknownZone, Zone};
