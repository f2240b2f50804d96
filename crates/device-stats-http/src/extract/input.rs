//! What a handler asks for: the parts of a request it needs, read together, so that one answer lists the faults of all.
//!
//! `Parsed((PathDevice(id), window, page)): Parsed<(PathDevice, WindowQuery, PageQuery)>` reads a path and a query.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use device_stats_domain::limits::PAGE_LIMIT_MAX;
use device_stats_domain::{DeviceId, Moment, Page, UserId, Window};
use device_stats_store::StoreError;

use crate::body::{self, Size, Text};
use crate::errors::ApiError;
use device_stats_formats::error::FormatError;
use device_stats_formats::faults::{Faults, Problem, Step};
use device_stats_formats::json::Json;
use device_stats_formats::media_type::MediaType;
use device_stats_formats::members::{Members, extra, missing};
use device_stats_formats::memory::Receive;
use device_stats_formats::values;
use device_stats_service::admission::Held;

/// A request, taken apart.
pub(crate) struct Input {
    /// The parameters of the path, percent-decoded once.
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// The body, where one was wanted and is not empty.
    json: Option<Json>,
}

/// A part of a request.
pub(crate) trait FromInput: Sized {
    /// Which body has to be read for it.
    const BODY: Option<Size> = None;

    /// Reads the part; `None` where a fault has been noted.
    fn read(input: &Input, faults: &mut Faults) -> Option<Self>;
}

/// Parts of a request without a fault.
pub(crate) struct Parsed<T>(pub(crate) T);

impl<S: Send + Sync, T: FromInput> FromRequest<S> for Parsed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let input = Input::collect(request, state, T::BODY).await?;
        let mut faults = Faults::default();
        match T::read(&input, &mut faults) {
            Some(parts) if faults.is_empty() => Ok(Self(parts)),
            _ => Err(ApiError::Invalid(faults.into_vec())),
        }
    }
}

/// A part of a request that is read from its body while that arrives.
pub(crate) trait FromBody: Sized {
    /// Which body that is.
    const SIZE: Size;
    /// What reads it.
    type Reader: Receive;

    /// Begins to read a body of that format; what the query says of it may be at fault.
    fn begin(input: &Input, media_type: MediaType, faults: &mut Faults) -> Self::Reader;

    /// Ends; `None` where a fault has been noted.
    ///
    /// # Errors
    /// A body that cannot be read at all.
    fn end(reader: Self::Reader, faults: &mut Faults) -> Result<Option<Self>, ApiError>;

    /// How much memory it takes, in bytes.
    fn held_bytes(&self) -> usize;
}

/// Parts of a request, and what was read from its body, without a fault; and the room that takes.
pub(crate) struct Streamed<P, B>(pub(crate) P, pub(crate) B, pub(crate) Held);

impl<S: Send + Sync, P: FromInput + Send, B: FromBody> FromRequest<S> for Streamed<P, B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut head, body) = request.into_parts();
        let input = Input::of_head(&mut head, state).await?;
        let mut faults = Faults::default();
        let parts = P::read(&input, &mut faults);
        let reader = B::begin(&input, body::media_type(&input.headers), &mut faults);
        let (reader, mut room) = body::receive(&input.headers, body, B::SIZE, reader).await?;
        match (parts, B::end(reader, &mut faults)?) {
            (Some(parts), Some(read)) if faults.is_empty() => {
                room.grow_to(read.held_bytes())?;
                Ok(Self(parts, read, room))
            }
            _ => Err(ApiError::Invalid(faults.into_vec())),
        }
    }
}

impl Input {
    async fn collect<S: Send + Sync>(
        request: Request,
        state: &S,
        wanted: Option<Size>,
    ) -> Result<Self, ApiError> {
        let (mut head, body) = request.into_parts();
        let input = Self::of_head(&mut head, state).await?;
        let body = match wanted {
            Some(size) => body::read(&input.headers, body, size).await?,
            None => None,
        };
        let json = match body {
            Some(Text { media_type: MediaType::Json, text }) => {
                Some(Json::parse(&text).map_err(FormatError::NotJson)?)
            }
            Some(Text { text, .. }) => Some(Json::String(text)),
            None => None,
        };
        Ok(Self { json, ..input })
    }

    /// All but the body.
    async fn of_head<S: Send + Sync>(head: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // A path that is no UTF-8 names nothing.
        let path = RawPathParams::from_request_parts(head, state).await.map_err(|_| ApiError::UnknownPath)?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Ok(Self { path, query, headers: std::mem::take(&mut head.headers), json: None })
    }

    fn path(&self, name: &str) -> Json {
        let found = self.path.iter().find(|(other, _)| other == name);
        Json::String(found.map(|(_, value)| value.clone()).unwrap_or_default())
    }

    /// A parameter of the query that may be absent: `Some(None)` where it is.
    #[expect(clippy::option_option, reason = "at fault, absent and present are three things")]
    pub(crate) fn query<T>(
        &self,
        name: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<Option<T>> {
        let mut found = self.query.iter().filter(|(other, _)| other == name);
        let Some((_, value)) = found.next() else { return Some(None) };
        let loc = vec!["query".into(), name.into()];
        let value = Json::String(value.clone());
        if found.next().is_some() {
            faults.add(loc, Problem::new("repeated", "Parameter is repeated"), &value);
            return None;
        }
        faults.keep(loc, &value, read(&value)).map(Some)
    }

    /// A parameter of the query that has to be there.
    pub(crate) fn required_query<T>(
        &self,
        name: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.query(name, faults, read)?;
        if value.is_none() {
            faults.add(vec!["query".into(), name.into()], missing(), &Json::Null);
        }
        value
    }

    /// Notes a fault for each parameter of the query that is not one of `known`.
    pub(crate) fn refuse_other_queries(&self, known: &[&str], faults: &mut Faults) {
        for (name, value) in self.query.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let loc = vec!["query".into(), Step::sent(name)];
            faults.add(loc, extra(), &Json::String(value.clone()));
        }
    }
}

/// The user a path names.
pub(crate) struct PathUser(pub(crate) UserId);

impl FromInput for PathUser {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let value = input.path("user_id");
        faults.keep(vec!["path".into(), "user_id".into()], &value, values::user_id(&value)).map(Self)
    }
}

/// The device a path names.
pub(crate) struct PathDevice(Option<DeviceId>);

impl PathDevice {
    /// Its id.
    ///
    /// # Errors
    /// What could be no device's id is not refused as such: there is just no such device.
    pub(crate) fn id(&self) -> Result<&DeviceId, StoreError> {
        self.0.as_ref().ok_or(StoreError::DeviceMissing)
    }
}

impl FromInput for PathDevice {
    fn read(input: &Input, _: &mut Faults) -> Option<Self> {
        Some(Self(values::device_id(&input.path("device_id")).ok()))
    }
}

/// `skip` and `limit` of a query.
pub(crate) struct PageQuery(pub(crate) Page);

impl FromInput for PageQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let skip = input.query("skip", faults, |value| values::at_least(0, values::integer(value)?));
        let limit = input.query("limit", faults, |value| {
            values::at_most(i64::from(PAGE_LIMIT_MAX), values::at_least(1, values::integer(value)?)?)
        });
        let skip = skip?.unwrap_or(Page::FIRST.skip);
        let limit = limit?.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(Page::FIRST.limit);
        Some(Self(Page { skip, limit }))
    }
}

/// `start_time` and `end_time`, of a query or a body; both ends belong to the window, a missing one is open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Period {
    pub(crate) start: Option<Moment>,
    pub(crate) end: Option<Moment>,
}

impl Period {
    /// The same as a window.
    pub(crate) fn window(self) -> Window {
        Window::from_inclusive(self.start, self.end)
    }

    /// Its ends as an answer writes them.
    pub(crate) fn written(self) -> (Option<String>, Option<String>) {
        let write = |moment: Moment| moment.nearest_timestamp().to_string();
        (self.start.map(write), self.end.map(write))
    }
}

/// The period of a query.
pub(crate) struct PeriodQuery(pub(crate) Period);

impl FromInput for PeriodQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let start = input.query("start_time", faults, query_moment);
        let end = input.query("end_time", faults, query_moment);
        Some(Self(Period { start: start?, end: end? }))
    }
}

/// A moment of a query. An offset whose `+` was not encoded arrives with a space, which is worth a hint.
fn query_moment(value: &Json) -> Result<Moment, Problem> {
    values::moment(value).map_err(|problem| match value {
        Json::String(text) if values::moment_text(&text.replacen(' ', "+", 1)).is_ok() => {
            Problem { msg: format!("{}; encode + as %2B", problem.msg).into(), ..problem }
        }
        _ => problem,
    })
}

/// A JSON object that a request has as its body. The type describes the body in the OpenAPI document.
pub(crate) trait RequestBody {
    /// The value that is read from the body.
    type Value;

    /// Reads the members; `None` where a fault has been noted.
    fn read(members: &mut Members<'_>) -> Option<Self::Value>;
}

/// A JSON body that has to be there.
pub(crate) struct JsonBody<B: RequestBody>(pub(crate) B::Value);

impl<B: RequestBody> FromInput for JsonBody<B> {
    const BODY: Option<Size> = Some(Size::Single);

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let loc: [Step; 1] = ["body".into()];
        let Some(json) = &input.json else {
            faults.add(loc.to_vec(), missing(), &Json::Null);
            return None;
        };
        B::read(&mut Members::of(json, &loc, faults)?).map(Self)
    }
}

/// A JSON body that may be absent or `null`.
pub(crate) struct OptionalJsonBody<B: RequestBody>(pub(crate) B::Value);

impl<B: RequestBody<Value: Default>> FromInput for OptionalJsonBody<B> {
    const BODY: Option<Size> = Some(Size::Single);

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        match input.json {
            None | Some(Json::Null) => Some(Self(B::Value::default())),
            Some(_) => JsonBody::<B>::read(input, faults).map(|JsonBody(body)| Self(body)),
        }
    }
}

/// Reads each part before looking at any, so that no part's fault hides another's.
macro_rules! read_together {
    ($($part:ident $value:ident),+) => {
        impl<$($part: FromInput),+> FromInput for ($($part,)+) {
            const BODY: Option<Size> = {
                let mut size = None;
                $(if $part::BODY.is_some() { size = $part::BODY; })+
                size
            };

            fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
                $(let $value = $part::read(input, faults);)+
                Some(($($value?,)+))
            }
        }
    };
}

read_together!(A a, B b);
read_together!(A a, B b, C c);
