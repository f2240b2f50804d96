//! `If-Match` and `If-None-Match`: conditions on the current state of a user or device (RFC 9110, section
//! 13).

use axum::http::HeaderName;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use device_stats_formats::{Faults, Json, Problem};
use utoipa::IntoParams;

use super::input::{FromInput, Input};
use crate::errors::ApiError;
use crate::headers::entity_tag::{EntityTag, parse_tags};

/// `If-Match` and `If-None-Match`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes `Conditions`")]
pub(crate) struct ConditionParams {
    /// Carry out the request only if the current state has one of these values of `ETag`, separated by
    /// commas. Otherwise the response is 412. `*` matches any state.
    #[param(rename = "If-Match", example = "\"c0f2b2a7e1d94d0f8a3b6c5d4e3f2a1b\"")]
    if_match: Option<String>,
    /// Carry out the request only if the current state has none of these values of `ETag`, separated by
    /// commas. Otherwise the response is 304 to `GET`, and 412 to other methods.
    #[param(rename = "If-None-Match", example = "\"c0f2b2a7e1d94d0f8a3b6c5d4e3f2a1b\"")]
    if_none_match: Option<String>,
}

/// The conditions of a request.
#[derive(Debug)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// Tags of states.
#[derive(Debug)]
enum Tags {
    Any,
    Listed(Vec<String>),
}

impl FromInput for Conditions {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let if_match = tags(input, &IF_MATCH, "If-Match", faults);
        let if_none_match = tags(input, &IF_NONE_MATCH, "If-None-Match", faults);
        Some(Self { if_match: if_match?, if_none_match: if_none_match? })
    }
}

/// Reads a header with tags. Returns `Some(None)` if it is absent, and `None` after reporting a fault.
#[expect(clippy::option_option, reason = "a fault, an absent and a present header are three outcomes")]
fn tags(input: &Input, header: &HeaderName, name: &'static str, faults: &mut Faults) -> Option<Option<Tags>> {
    let values: Vec<_> = input.headers.get_all(header).iter().collect();
    if values.is_empty() {
        return Some(None);
    }
    // Several headers are one list.
    let list =
        values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",");
    let tags = match list.trim() {
        "*" => Ok(Tags::Any),
        list => match parse_tags(list) {
            Some(tags) => Ok(Tags::Listed(tags.into_iter().map(str::to_owned).collect())),
            None => Err(Problem::new(
                "entity_tag_invalid",
                "Header should be * or a list of entity tags in quotation marks, as in the header ETag",
            )),
        },
    };
    faults.keep(vec!["header".into(), name.into()], &Json::String(list), tags).map(Some)
}

impl Conditions {
    /// Returns whether every state meets the conditions.
    pub(crate) fn are_always_met(&self) -> bool {
        matches!(self.if_match, None | Some(Tags::Any)) && self.if_none_match.is_none()
    }

    /// Checks the conditions of a request that reads. Returns whether the client has the current state.
    ///
    /// # Errors
    /// [`ApiError::ConditionFailed`] if `If-Match` is not met.
    pub(crate) fn check_read(&self, present: &EntityTag) -> Result<bool, ApiError> {
        // The strong comparison: a weak tag matches nothing.
        let is_met = |tags: &Tags| tags.has(present, |tag| tag);
        if !self.if_match.as_ref().is_none_or(is_met) {
            return Err(ApiError::ConditionFailed);
        }
        // The weak comparison.
        let is_known = |tags: &Tags| tags.has(present, |tag| tag.strip_prefix("W/").unwrap_or(tag));
        Ok(self.if_none_match.as_ref().is_some_and(is_known))
    }

    /// Checks the conditions of a request that changes.
    ///
    /// # Errors
    /// [`ApiError::ConditionFailed`] if a condition is not met.
    pub(crate) fn check_change(&self, present: &EntityTag) -> Result<(), ApiError> {
        if self.check_read(present)? { Err(ApiError::ConditionFailed) } else { Ok(()) }
    }
}

impl Tags {
    fn has(&self, present: &EntityTag, comparable: fn(&str) -> &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| comparable(tag) == present.as_str()),
        }
    }
}
