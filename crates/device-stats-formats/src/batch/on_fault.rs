//! Treatment of faulty rows in a batch.

use serde_json::json;

use super::batch_rows::BatchRows;
use crate::faults::{Faults, Problem};
use crate::json::Json;

/// Treatment of faulty rows in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// The whole batch is refused.
    #[default]
    Refuse,
    /// The faulty rows are skipped.
    Skip,
}

impl OnFault {
    /// Reads a query parameter.
    ///
    /// # Errors
    /// `literal_error`.
    pub fn from_json(json: &Json) -> Result<Self, Problem> {
        let text = if let Json::String(text) = json { text.as_str() } else { "" };
        match text {
            "refuse" => Ok(Self::Refuse),
            "skip" => Ok(Self::Skip),
            _ => {
                let expected = "'refuse' or 'skip'";
                let problem = Problem::new("literal_error", format!("Input should be {expected}"));
                Err(problem.with(json!({ "expected": expected })))
            }
        }
    }

    /// Creates the faults of the rows of a body.
    pub(crate) fn faults(self) -> Faults {
        match self {
            Self::Refuse => Faults::default(),
            Self::Skip => Faults::of_skipped_rows(),
        }
    }

    /// Returns the rows of a body, with the faults of skipped rows; `None` after noting the faults of a
    /// refused body. `rows` is `None` if the body as a whole cannot be read.
    pub(crate) fn conclude<R>(
        self,
        rows: Option<BatchRows<R>>,
        found: Faults,
        faults: &mut Faults,
    ) -> Option<BatchRows<R>> {
        match (self, rows) {
            (Self::Skip, Some(mut rows)) => {
                rows.rejected.faults = found.into_vec();
                Some(rows)
            }
            (_, rows) => {
                faults.append(found);
                rows.filter(|_| faults.is_empty())
            }
        }
    }
}
