//! The members of a JSON object, read field by field, with all faults of the object at once.

use serde_json::json;

use crate::faults::{Faults, Problem, Step};
use crate::json::Json;
use crate::values::nullable;

/// A value that is read from the members of a JSON object.
pub trait FromMembers: Sized {
    /// Reads it; `None` where a fault has been noted.
    fn read(members: &mut Members<'_>) -> Option<Self>;
}

/// The members of one object.
pub struct Members<'a> {
    object: &'a Json,
    named: &'a [(String, Json)],
    /// Where in the request the object stands.
    loc: &'a [Step],
    faults: &'a mut Faults,
}

impl<'a> Members<'a> {
    /// The members of `json`; a fault where it is no object.
    pub fn of(json: &'a Json, loc: &'a [Step], faults: &'a mut Faults) -> Option<Self> {
        if let Json::Object(named) = json {
            return Some(Self { object: json, named, loc, faults });
        }
        let msg = "Input should be a valid dictionary or object to extract fields from";
        faults.add(loc.to_vec(), Problem::new("model_attributes_type", msg), json);
        None
    }

    /// A member that has to be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.optional(name, read)?;
        if value.is_none() {
            self.faults.add(self.loc_of(name), missing(), self.object);
        }
        value
    }

    /// A member that may be absent: `Some(None)` where it is.
    #[expect(clippy::option_option, reason = "at fault, absent and present are three things")]
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<Option<T>> {
        let mut found = self.named.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
        let Some(value) = found.next() else { return Some(None) };
        if let Some(again) = found.next() {
            self.faults.add(self.loc_of(name), Problem::new("repeated", "Member is repeated"), again);
            return None;
        }
        self.faults.keep(self.loc_of(name), value, read(value)).map(Some)
    }

    /// A member that may be absent or `null`, and is a list of 1 to `most` elements else: `Some(None)` where it is not
    /// there. Each element at fault is noted.
    #[expect(clippy::option_option, reason = "at fault, absent and present are three things")]
    pub fn optional_list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl Fn(&Json) -> Result<T, Problem>,
    ) -> Option<Option<Vec<T>>> {
        let Some(elements) = self.optional(name, nullable(|json| list(json, most)))?.flatten() else {
            return Some(None);
        };
        let mut values = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let loc = self.loc_of(name).into_iter().chain([index.into()]).collect();
            values.push(self.faults.keep(loc, element, read(element)));
        }
        values.into_iter().collect::<Option<_>>().map(Some)
    }

    /// Notes a fault for each member that is not one of `known`.
    pub fn refuse_others(&mut self, known: &[&str]) {
        for (name, value) in self.named.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let loc = self.loc.iter().cloned().chain([Step::sent(name)]).collect();
            self.faults.add(loc, extra(), value);
        }
    }

    fn loc_of(&self, name: &'static str) -> Vec<Step> {
        self.loc.iter().cloned().chain([name.into()]).collect()
    }
}

/// The elements of a list that has 1 to `most`.
fn list(json: &Json, most: usize) -> Result<Vec<Json>, Problem> {
    let Json::Array(elements) = json else {
        return Err(Problem::new("list_type", "Input should be a valid list"));
    };
    let length = elements.len();
    if length == 0 {
        let msg = "List should have at least 1 item after validation, not 0";
        let ctx = json!({"field_type": "List", "min_length": 1, "actual_length": 0});
        return Err(Problem::new("too_short", msg).with(ctx));
    }
    if length > most {
        let msg = format!("List should have at most {most} items after validation, not {length}");
        let ctx = json!({"field_type": "List", "max_length": most, "actual_length": length});
        return Err(Problem::new("too_long", msg).with(ctx));
    }
    Ok(elements.clone())
}

/// Something is there that nobody asked for.
pub fn extra() -> Problem {
    Problem::new("extra_forbidden", "Extra inputs are not permitted")
}

/// Something has to be there and is not.
pub fn missing() -> Problem {
    Problem::new("missing", "Field required")
}
