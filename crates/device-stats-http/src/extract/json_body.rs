//! JSON objects as bodies.

use device_stats_formats::{Faults, Json, LocationStep, MediaType, Members, Problem, missing};

use super::input::{FromInput, Input};
use crate::headers::content_type::media_type;

/// A JSON object as the body of a request. The type describes the body in the OpenAPI document.
pub(crate) trait RequestBody {
    /// The value of the body.
    type Value;
    /// Names of the known members. Their synonyms are refused; other unknown members are ignored.
    const NAMES: &'static [&'static str];

    /// Reads the members. Returns `None` after reporting a fault.
    fn read(members: &mut Members<'_>) -> Option<Self::Value>;
}

/// A required JSON body.
pub(crate) struct JsonBody<B: RequestBody>(pub(crate) B::Value);

impl<B: RequestBody> FromInput for JsonBody<B> {
    const NEEDS_BODY: bool = true;

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        read_object(input, B::NAMES, faults, B::read).map(Self)
    }
}

/// Reads the JSON object that a body must be. Refuses synonyms of `names`, and ignores other unknown members.
pub(crate) fn read_object<T>(
    input: &Input,
    names: &[&str],
    faults: &mut Faults,
    read: impl FnOnce(&mut Members<'_>) -> Option<T>,
) -> Option<T> {
    let loc: [LocationStep; 1] = ["body".into()];
    let Some(json) = &input.body else {
        faults.add(loc.to_vec(), missing(), &Json::Null);
        return None;
    };
    if media_type(&input.headers) != MediaType::Json {
        let msg = "Input should be a valid dictionary or object to extract fields from; send JSON with \
            Content-Type: application/json";
        faults.add(loc.to_vec(), Problem::new("model_attributes_type", msg), json);
        return None;
    }
    let mut members = Members::from_json(json, &loc, faults)?;
    let value = read(&mut members);
    members.refuse_misnamed(names);
    value
}

/// A JSON body that may be absent or `null`.
pub(crate) struct OptionalJsonBody<B: RequestBody>(pub(crate) B::Value);

impl<B: RequestBody<Value: Default>> FromInput for OptionalJsonBody<B> {
    const NEEDS_BODY: bool = true;

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        match input.body {
            None | Some(Json::Null) => Some(Self(B::Value::default())),
            Some(_) => JsonBody::<B>::read(input, faults).map(|JsonBody(body)| Self(body)),
        }
    }
}
