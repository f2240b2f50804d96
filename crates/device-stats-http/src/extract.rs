//! Extractors: the parts of a request that handlers ask for.
//!
//! `Parsed<(PathDevice, PeriodQuery, PageQuery)>` reads a path and a query. All parts are read before the
//! handler runs, so that one response lists the faults of all parts. The OpenAPI description of a part is in
//! the file of the part.

mod anyone;
mod batch_options;
mod caller;
mod charges;
mod choice;
mod client;
mod conditions;
mod count;
mod cursor;
mod idempotency_key;
mod if_empty;
mod include;
mod input;
mod json_body;
mod no_query;
mod page;
mod path;
mod period;
mod precision;
mod reading_sender;
mod reading_source;
mod selection;
mod sender;
mod session;
mod sign_in;
mod streamed;

pub(crate) use anyone::Anyone;
pub(crate) use batch_options::{BatchOptionParams, BatchOptions, ON_FAULT_WORDS};
pub(crate) use caller::{Caller, SignedIn};
pub(crate) use charges::Charges;
pub(crate) use choice::one_of;
pub(crate) use client::Client;
pub(crate) use conditions::{ConditionParams, Conditions};
pub(crate) use count::count_up_to;
pub(crate) use cursor::{Cursor, DeviceFilterParams, ListParams, ListQuery, UserFilterParams, read_cursor};
pub(crate) use idempotency_key::{KeyHeader, KeyParam, key_location};
pub(crate) use if_empty::{IF_EMPTY_NAME, IF_EMPTY_WORDS, IfEmpty, IfEmptyParam};
pub(crate) use include::{INCLUDE_WORDS, Include, IncludeParam};
pub(crate) use input::{FromInput, Input, Parsed};
pub(crate) use json_body::{JsonBody, OptionalJsonBody, RequestBody, read_object};
pub(crate) use no_query::NoQuery;
pub(crate) use page::{PageParams, PageQuery};
pub(crate) use path::{
    DeviceIdParam, PathDevice, PathTime, PathToken, PathUser, TimestampParam, TokenIdParam, UserIdParam,
};
pub(crate) use period::{PERIOD_NAMES, Period, PeriodParams, PeriodQuery, read_period};
pub(crate) use precision::{PRECISION_WORDS, PrecisionParam, precision};
pub(crate) use reading_sender::{DeviceBatchSender, ReadingSender};
pub(crate) use reading_source::PathReadingSource;
pub(crate) use selection::{SELECTION_NAMES, SelectionParams, listed_devices, required_selection};
pub(crate) use sender::{Known, RequestOrigin, Sender};
pub(crate) use session::{Arrival, CookieTransport, SessionCookie};
pub(crate) use sign_in::SignIn;
pub(crate) use streamed::{RowReader, Streamed};
