//! The raw parts of a request, and the extractor that reads several of them together.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use device_stats_formats::{
    BodyError, Faults, Json, LocationStep, MediaType, Problem, Utf8Decoder, check_length, extra,
    find_misnamed, misnamed,
};
use device_stats_service::{BodyPermit, Service};
use serde_json::json;

use crate::body::{BodyKind, drain_unread, receive};
use crate::errors::ApiError;
use crate::headers::content_type::media_type;

/// The raw parts of a request: path, query, headers and body.
pub(crate) struct Input {
    /// The parameters of the path, percent-decoded once.
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// The body, if a part needs it and it is not empty.
    pub(super) body: Option<Json>,
}

/// A part of a request that a handler asks for.
pub(crate) trait FromInput: Sized {
    /// Whether the part needs the body.
    const NEEDS_BODY: bool = false;

    /// Reads the part. Returns `None` after reporting a fault.
    fn read(input: &Input, faults: &mut Faults) -> Option<Self>;
}

/// An extractor of parts of a request. A request with faults is refused.
pub(crate) struct Parsed<T>(pub(crate) T);

impl<T: FromInput> FromRequest<Service> for Parsed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (mut input, body) = Input::from_request(request, service).await?;
        if T::NEEDS_BODY {
            input.body = read_body(service, &input.headers, body).await?;
        } else {
            drain_unread(&input.headers, body);
        }
        let mut faults = Faults::default();
        match T::read(&input, &mut faults) {
            Some(parts) if faults.is_empty() => Ok(Self(parts)),
            _ => Err(invalid(faults)),
        }
    }
}

/// Returns the error of a request with faults.
pub(super) fn invalid(faults: Faults) -> ApiError {
    assert!(!faults.is_empty(), "a part that cannot be read reports a fault");
    ApiError::Invalid(faults.into_vec())
}

/// Reads a body: JSON, or any other text as a string. Returns `None` if it is empty.
///
/// # Errors
/// The errors of [`receive`], or the body is not UTF-8, or not JSON.
async fn read_body(service: &Service, headers: &HeaderMap, body: Body) -> Result<Option<Json>, ApiError> {
    let whole = |bytes, _: &mut BodyPermit| bytes;
    let (bytes, _permit) = receive(service, headers, body, BodyKind::Single, Vec::new(), whole).await?;
    let (mut decoder, mut text) = (Utf8Decoder::default(), String::new());
    decoder.receive(&bytes, |characters| text.push_str(characters));
    if decoder.finish(|characters| text.push_str(characters))? {
        return Ok(None);
    }
    let is_json = media_type(headers) == MediaType::Json;
    Ok(Some(if is_json { Json::parse(&text).map_err(BodyError::NotJson)? } else { Json::String(text) }))
}

impl Input {
    /// Reads the raw parts of the head of a request. Returns the body as it is.
    ///
    /// # Errors
    /// [`ApiError::UnknownPath`].
    pub(super) async fn from_request<S: Send + Sync>(
        request: Request,
        state: &S,
    ) -> Result<(Self, Body), ApiError> {
        let (mut head, body) = request.into_parts();
        match Self::from_target(&mut head, state).await {
            Ok(input) => Ok((Self { headers: head.headers, ..input }, body)),
            Err(error) => {
                drain_unread(&head.headers, body);
                Err(error)
            }
        }
    }

    /// Reads path and query, without the headers.
    ///
    /// # Errors
    /// [`ApiError::UnknownPath`].
    pub(super) async fn from_target<S: Send + Sync>(head: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // A path that is not UTF-8 names no resource.
        let path = RawPathParams::from_request_parts(head, state).await.map_err(|_| ApiError::UnknownPath)?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Ok(Self { path, query, headers: HeaderMap::new(), body: None })
    }

    /// Returns a parameter of the path, or `None` if the route has no such parameter.
    pub(super) fn path(&self, name: &str) -> Option<Json> {
        let found = self.path.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| Json::String(value.clone()))
    }

    /// Reads an optional parameter of the query. Returns `Some(None)` if it is absent, and `None` after
    /// reporting a fault.
    #[expect(clippy::option_option, reason = "a fault, an absent and a present parameter are three outcomes")]
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

    /// Reads an optional parameter with 1 to `length_max` elements, separated by commas. Returns `Some(None)`
    /// if it is absent, and `None` after reporting the faults of all elements.
    #[expect(clippy::option_option, reason = "as in `query`")]
    pub(crate) fn query_list<T>(
        &self,
        name: &'static str,
        length_max: usize,
        faults: &mut Faults,
        read: impl Fn(&Json) -> Result<T, Problem>,
    ) -> Option<Option<Vec<T>>> {
        let Some(texts) = self.query(name, faults, |value| comma_separated(value, length_max))? else {
            return Some(None);
        };
        read_elements(name, &texts, faults, read).map(Some)
    }

    /// Reads a parameter that may be repeated up to `length_max` times. Returns no element if it is absent,
    /// and `None` after reporting the faults of all elements.
    pub(crate) fn query_values<T>(
        &self,
        name: &'static str,
        length_max: usize,
        faults: &mut Faults,
        read: impl Fn(&Json) -> Result<T, Problem>,
    ) -> Option<Vec<T>> {
        let found = self.query.iter().filter(|(other, _)| other == name);
        let values: Vec<Json> = found.map(|(_, value)| Json::String(value.clone())).collect();
        if let Some(first) = values.first() {
            let loc = vec!["query".into(), name.into()];
            faults.keep(loc, first, check_length(values.len(), length_max))?;
        }
        read_elements(name, &values, faults, read)
    }

    /// Reports a fault for every parameter of the query that is not in `known`.
    pub(crate) fn refuse_other_queries(&self, known: &[&str], faults: &mut Faults) {
        for (name, value) in self.query.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let meant = find_misnamed(name, known, |ours| self.has_query(ours));
            let loc = vec!["query".into(), LocationStep::from_sent(name)];
            faults.add(loc, meant.map_or_else(extra, misnamed), &Json::String(value.clone()));
        }
    }

    /// Reports a fault for every parameter of the query that is a synonym of one in `known`. Other unknown
    /// parameters are ignored.
    pub(crate) fn refuse_misnamed_queries(&self, known: &[&str], faults: &mut Faults) {
        for (name, value) in &self.query {
            if let Some(meant) = find_misnamed(name, known, |ours| self.has_query(ours)) {
                let loc = vec!["query".into(), LocationStep::from_sent(name)];
                faults.add(loc, misnamed(meant), &Json::String(value.clone()));
            }
        }
    }

    /// Reports a fault for every parameter of the query that is a member of the body, or a synonym of one.
    pub(crate) fn refuse_queries_of_body(&self, members: &[&str], faults: &mut Faults) {
        for (name, value) in &self.query {
            let is_member = members.iter().copied().find(|member| *member == name.as_str());
            if let Some(member) = is_member.or_else(|| find_misnamed(name, members, |_| false)) {
                let msg = format!("Extra inputs are not permitted; {member} is a member of the body");
                let problem = Problem::new("extra_forbidden", msg).with(json!({ "name": member }));
                faults.add(
                    vec!["query".into(), LocationStep::from_sent(name)],
                    problem,
                    &Json::String(value.clone()),
                );
            }
        }
    }

    /// Returns the parameters of the query whose name is not `name`.
    pub(crate) fn queries_except(&self, name: &str) -> Vec<(String, String)> {
        self.query.iter().filter(|(other, _)| other != name).cloned().collect()
    }

    /// Returns whether the query has a parameter.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.query.iter().any(|(other, _)| other == name)
    }
}

/// Returns the elements of a parameter, separated by commas. An empty text has no elements.
fn comma_separated(value: &Json, length_max: usize) -> Result<Vec<Json>, Problem> {
    let text = if let Json::String(text) = value { text.as_str() } else { "" };
    let elements = if text.is_empty() { 0 } else { text.split(',').count() };
    check_length(elements, length_max)?;
    Ok(text.split(',').map(|element| Json::String(element.to_owned())).collect())
}

/// Reads the elements of a parameter. Returns `None` after reporting the faults of all elements.
fn read_elements<T>(
    name: &'static str,
    elements: &[Json],
    faults: &mut Faults,
    read: impl Fn(&Json) -> Result<T, Problem>,
) -> Option<Vec<T>> {
    let mut values = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        let loc = vec!["query".into(), name.into(), index.into()];
        values.push(faults.keep(loc, element, read(element)));
    }
    values.into_iter().collect()
}

/// Implements [`FromInput`] for a tuple. Reads every part, even after a fault, so that all faults are
/// reported.
macro_rules! read_together {
    ($($part:ident $value:ident),+) => {
        impl<$($part: FromInput),+> FromInput for ($($part,)+) {
            const NEEDS_BODY: bool = $($part::NEEDS_BODY)||+;

            fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
                $(let $value = $part::read(input, faults);)+
                Some(($($value?,)+))
            }
        }
    };
}

read_together!(A a, B b);
read_together!(A a, B b, C c);
