//! Reads the members of a JSON object one by one, and notes all faults of the object.

use serde_json::json;

use crate::faults::{Faults, LocationStep, Problem};
use crate::json::Json;
use crate::misnamed::find_misnamed;
use crate::values::nullable;

/// The members of a JSON object.
pub struct Members<'a> {
    object: &'a Json,
    named: &'a [(String, Json)],
    /// Location of the object in the request.
    loc: &'a [LocationStep],
    faults: &'a mut Faults,
}

impl<'a> Members<'a> {
    /// Returns the members of `json`, or notes a fault if it is not an object.
    pub fn from_json(json: &'a Json, loc: &'a [LocationStep], faults: &'a mut Faults) -> Option<Self> {
        if let Json::Object(named) = json {
            return Some(Self { object: json, named, loc, faults });
        }
        let msg = "Input should be a valid dictionary or object to extract fields from";
        faults.add(loc.to_vec(), Problem::new("model_attributes_type", msg), json);
        None
    }

    /// Reads a required member; `None` if a fault has been noted.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.optional(name, read)?;
        if value.is_none() {
            self.faults.add(self.location(name), missing(), self.object);
        }
        value
    }

    /// Reads an optional member; `Some(None)` if it is absent, `None` if a fault has been noted.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Json) -> Result<T, Problem>,
    ) -> Option<Option<T>> {
        let mut found = self.named.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
        let Some(value) = found.next() else { return Some(None) };
        if let Some(again) = found.next() {
            self.faults.add(self.location(name), Problem::new("repeated", "Member is repeated"), again);
            return None;
        }
        self.faults.keep(self.location(name), value, read(value)).map(Some)
    }

    /// Reads an optional list of 1 to `length_max` elements; `Some(None)` if it is absent or `null`, `None`
    /// if a fault has been noted. The faults of all elements are noted.
    pub fn optional_list<T>(
        &mut self,
        name: &'static str,
        length_max: usize,
        read: impl Fn(&Json) -> Result<T, Problem>,
    ) -> Option<Option<Vec<T>>> {
        let Some(elements) = self.optional(name, nullable(|json| list(json, length_max)))?.flatten() else {
            return Some(None);
        };
        let mut values = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let loc = self.location(name).into_iter().chain([index.into()]).collect();
            values.push(self.faults.keep(loc, element, read(element)));
        }
        values.into_iter().collect::<Option<_>>().map(Some)
    }

    /// Returns a value that was computed from several members; `None` after noting its problem as a fault of
    /// one of them.
    pub fn check<T>(&mut self, name: &'static str, sent: &Json, value: Result<T, Problem>) -> Option<T> {
        self.faults.keep(self.location(name), sent, value)
    }

    /// Notes a fault for each member that is not one of `known`; returns whether there is none.
    #[must_use]
    pub fn refuse_others(&mut self, known: &[&str]) -> bool {
        let given = self.given(known);
        let mut are_known = true;
        for (name, value) in self.named.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            are_known = false;
            if !self.faults.keeps_more() {
                break;
            }
            let meant = find_misnamed(name, known, |ours| given.contains(&ours));
            self.faults.add(self.sent_location(name), meant.map_or_else(extra, misnamed), value);
        }
        are_known
    }

    /// Notes a fault for each synonym of a member in `known`. Other unknown members are ignored.
    pub fn refuse_misnamed(&mut self, known: &[&str]) {
        let given = self.given(known);
        for (name, value) in self.named {
            if let Some(meant) = find_misnamed(name, known, |ours| given.contains(&ours)) {
                self.faults.add(self.sent_location(name), misnamed(meant), value);
            }
        }
    }

    /// Returns the names that the object has.
    fn given<'k>(&self, known: &[&'k str]) -> Vec<&'k str> {
        let has = |name: &&str| self.named.iter().any(|(other, _)| other == name);
        known.iter().copied().filter(has).collect()
    }

    fn sent_location(&self, name: &str) -> Vec<LocationStep> {
        self.loc.iter().cloned().chain([LocationStep::from_sent(name)]).collect()
    }

    fn location(&self, name: &'static str) -> Vec<LocationStep> {
        self.loc.iter().cloned().chain([name.into()]).collect()
    }
}

/// Returns the elements of a list that has 1 to `length_max` elements.
fn list(json: &Json, length_max: usize) -> Result<Vec<Json>, Problem> {
    let Json::Array(elements) = json else {
        return Err(Problem::new("list_type", "Input should be a valid list"));
    };
    check_length(elements.len(), length_max)?;
    Ok(elements.clone())
}

/// Checks that a list has 1 to `length_max` elements.
///
/// # Errors
/// `too_short` or `too_long`.
pub fn check_length(length: usize, length_max: usize) -> Result<(), Problem> {
    if length == 0 {
        let msg = "List should have at least 1 item after validation, not 0";
        let ctx = json!({"field_type": "List", "min_length": 1, "actual_length": 0});
        return Err(Problem::new("too_short", msg).with(ctx));
    }
    if length > length_max {
        let msg = format!("List should have at most {length_max} items after validation, not {length}");
        let ctx = json!({"field_type": "List", "max_length": length_max, "actual_length": length});
        return Err(Problem::new("too_long", msg).with(ctx));
    }
    Ok(())
}

/// Returns the problem of an unknown member or parameter.
pub fn extra() -> Problem {
    Problem::new("extra_forbidden", "Extra inputs are not permitted")
}

/// Returns the problem of a synonym of a member or parameter.
pub fn misnamed(meant: &str) -> Problem {
    // A page number means something else.
    let unit = if meant == "skip" { ", a number of entries" } else { "" };
    let msg = format!("Extra inputs are not permitted; use the name {meant}{unit}");
    Problem::new("extra_forbidden", msg).with(json!({ "name": meant }))
}

/// Returns the problem of a missing member or parameter.
pub fn missing() -> Problem {
    Problem::new("missing", "Field required")
}
