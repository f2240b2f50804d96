//! The names of the required and optional columns of a table, in requests and in files.

use serde_json::json;

use crate::faults::{Faults, LocationStep, Problem};
use crate::json::Json;
use crate::limits::COLUMNS_MAX;
use crate::misnamed::find_misnamed;

/// Names of the columns that a table has.
#[derive(Clone, Copy, Debug)]
pub struct ColumnNames {
    /// Columns that every table must have.
    pub required: &'static [&'static str],
    /// Columns that may be missing.
    pub optional: &'static [&'static str],
}

impl ColumnNames {
    /// Returns whether a table may have a column of this name.
    pub(crate) fn contains(self, name: &str) -> bool {
        self.required.contains(&name) || self.optional.contains(&name)
    }

    /// Returns the problem of a table with more than [`COLUMNS_MAX`] columns.
    pub(crate) fn too_many() -> Problem {
        let msg = format!("A batch has at most {COLUMNS_MAX} columns");
        Problem::new("too_many_columns", msg).with(json!({ "columns_max": COLUMNS_MAX }))
    }

    /// Notes missing, unknown and repeated columns; `None` if there is a fault.
    pub(crate) fn check(self, columns: &[&str], faults: &mut Faults) -> Option<()> {
        if columns.len() > COLUMNS_MAX {
            faults.add(vec!["body".into(), "header".into()], Self::too_many(), &Json::Null);
            return None;
        }
        for name in self.required.iter().filter(|name| !columns.contains(name)) {
            faults.add(column_location(name), Problem::new("missing", "Column required"), &Json::Null);
        }
        for (index, column) in columns.iter().enumerate() {
            if faults.is_full() {
                break;
            }
            let problem = if !self.contains(column) {
                let known = [self.required, self.optional].concat();
                match find_misnamed(column, &known, |ours| columns.contains(&ours)) {
                    Some(meant) => {
                        let msg = format!("Extra columns are not permitted; use the name {meant}");
                        Problem::new("extra_forbidden", msg).with(json!({ "name": meant }))
                    }
                    None => Problem::new("extra_forbidden", "Extra columns are not permitted"),
                }
            } else if columns.iter().take(index).any(|earlier| earlier == column) {
                Problem::new("repeated", "Column is repeated")
            } else {
                continue;
            };
            faults.add(column_location(column), problem, &Json::String((*column).to_owned()));
        }
        faults.is_empty().then_some(())
    }
}

/// Location of a column as a whole.
pub(crate) fn column_location(name: &str) -> Vec<LocationStep> {
    vec!["body".into(), "header".into(), LocationStep::from_sent(name)]
}
