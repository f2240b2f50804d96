//! The members of a JSON object of a file, by their meaning.

use std::collections::HashMap;

use super::column_map::{Target, date_and_time};
use super::column_plan::{other_time, to_plain};
use super::file_batch::RowFault;
use super::file_options::FileOptions;
use crate::json::Json;
use crate::misnamed::is_similar;

/// Maximum number of distinct member names in the cache.
const KNOWN_NAMES_MAX: usize = 10_000;

/// Rule for an unknown member.
const UNKNOWN: &str = "Extra inputs are not permitted; add --ignore-unknown to ignore them";

/// The meaning of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Value(Target),
    /// The date of a time in two members.
    Date,
    /// The time of day of a time in two members.
    TimeOfDay,
    /// An unknown member that is probably the time.
    OtherTime,
    Unknown,
}

/// Finds the meaning of members by their names.
pub(super) struct MemberNames {
    named: Vec<(String, Member)>,
    known: HashMap<String, Member>,
}

/// The members of an object, by their meaning.
#[derive(Default)]
pub(super) struct FoundMembers<'j> {
    /// Values in the order of [`Target::ALL`].
    pub(super) values: [Option<&'j Json>; 5],
    pub(super) date: Option<&'j Json>,
    pub(super) time_of_day: Option<&'j Json>,
    /// The unknown member that is probably the time, if it is a fault.
    pub(super) other_time: Option<&'j Json>,
    /// Repeated and unknown members.
    pub(super) faults: Vec<RowFault>,
}

impl MemberNames {
    pub(super) fn new(options: &FileOptions) -> Self {
        let mut named = Vec::new();
        for target in Target::ALL {
            let chosen = options.columns.column(target);
            named.push((chosen.unwrap_or(target.name()).to_owned(), Member::Value(target)));
            if let Some((date, time)) = chosen.and_then(|chosen| date_and_time(chosen).next()) {
                named.push((date.to_owned(), Member::Date));
                named.push((time.to_owned(), Member::TimeOfDay));
            }
        }
        if options.device.is_some() {
            named.retain(|(_, member)| *member != Member::Value(Target::DeviceId));
        }
        Self { named, known: HashMap::new() }
    }

    fn meaning(&mut self, name: &str) -> Member {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let exact = self.named.iter().find(|(ours, _)| ours == name);
        let alike = || self.named.iter().find(|(ours, _)| to_plain(ours) == to_plain(name));
        let member = exact.or_else(alike).map_or(Member::Unknown, |(_, member)| *member);
        let member = match member {
            Member::Unknown if is_similar(name, Target::Timestamp.name()) => Member::OtherTime,
            member => member,
        };
        if self.known.len() >= KNOWN_NAMES_MAX {
            self.known.clear();
        }
        self.known.insert(name.to_owned(), member);
        member
    }

    /// Finds the members of an object. Unknown ones are faults, unless they are ignored.
    pub(super) fn find<'j>(
        &mut self,
        named: &'j [(String, Json)],
        options: &FileOptions,
    ) -> FoundMembers<'j> {
        let (mut found, mut other_times) = (FoundMembers::default(), Vec::new());
        let repeated = |slot: &mut Option<&'j Json>, name: &str, value, faults: &mut Vec<RowFault>| {
            if slot.replace(value).is_some() {
                faults.push(RowFault { column: Some(name.to_owned()), msg: "Member is repeated".to_owned() });
            }
        };
        for (name, value) in named {
            let FoundMembers { values: [device, time, x, y, z], date, time_of_day, faults, .. } = &mut found;
            match self.meaning(name) {
                Member::Value(Target::DeviceId) => repeated(device, name, value, faults),
                Member::Value(Target::Timestamp) => repeated(time, name, value, faults),
                Member::Value(Target::X) => repeated(x, name, value, faults),
                Member::Value(Target::Y) => repeated(y, name, value, faults),
                Member::Value(Target::Z) => repeated(z, name, value, faults),
                Member::Date => repeated(date, name, value, faults),
                Member::TimeOfDay => repeated(time_of_day, name, value, faults),
                Member::Unknown if options.ignores_unknown => {}
                Member::OtherTime => other_times.push((name, value)),
                Member::Unknown => {
                    let msg = UNKNOWN.to_owned();
                    faults.push(RowFault { column: Some(name.clone()), msg });
                }
            }
        }
        let [_, time, ..] = found.values;
        let has_time = time.is_some() || found.date.is_some();
        for (name, value) in other_times {
            let msg = if !has_time && !options.ignores_times {
                found.other_time = found.other_time.or(Some(value));
                other_time(name)
            } else if !options.ignores_unknown {
                UNKNOWN.to_owned()
            } else {
                continue;
            };
            found.faults.push(RowFault { column: Some(name.clone()), msg });
        }
        found
    }
}
