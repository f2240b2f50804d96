//! The operations of the service, independent of transport: access, ingest, queries, export, live readings,
//! sealing, purging and a demonstration. The stores keep the data, and the transports read and write the
//! formats.

pub mod limits;

mod access;
mod admission;
mod arrivals;
mod audit;
mod client_limit;
mod compute;
mod deletion;
mod demonstration;
mod error;
mod export;
mod figures;
mod ingest;
mod live;
mod queries;
mod rates;
mod restores;
mod segments;
mod service;
#[cfg(test)]
mod testing;

pub mod purging;
pub mod sealing;

pub use access::{
    Action, Administer, Allowed, AuthMode, Authorized, BackgroundTokenUses, CreatedToken, CursorPage,
    Demonstrate, DeviceSelection, Forbidden, Granted, Ingest, Manage, NewSession, Origin, Principal, Read,
    ReadingSource, TokenRecipient, TokenRequest, generate_token,
};
pub use admission::{BodyPermit, QueryLimits, RequestClass, RequestPermit};
pub use arrivals::BackgroundArrivals;
pub use audit::{BackgroundAudit, Refusal};
pub use client_limit::{ClientAddress, ClientLimit, ClientPermit, LimitScope};
pub use demonstration::Demonstration;
pub use error::ServiceError;
pub use export::Export;
pub use figures::{
    Answer, CountedRequest, DatabaseFigures, NodeFigures, ProcessFigures, ReadingFigures, RequestFigures,
    SealingFigures,
};
pub use ingest::{BatchOutcome, MissingDevices};
pub use live::{LiveReading, LiveReadings, Position};
pub use queries::{
    Activity, Analysis, Bucket, FleetSummary, LatestReading, Path, ReadingSpan, Series, SeriesTooLong,
    StatusEntry, StatusPage, StatusRequest,
};
pub use rates::{RateClock, RatePolicy, RateSettings, RateState};
pub use segments::{read_derived_segment, read_segment};
pub use service::{Service, ServiceSettings};
