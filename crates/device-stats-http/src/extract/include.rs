//! `include`: additional members of a response.

use device_stats_formats::{Faults, Json, Problem};
use utoipa::IntoParams;

use super::choice::one_of;
use super::input::{FromInput, Input};

/// The names that `include` can have.
pub(crate) const INCLUDE_WORDS: &[&str] = &[CREATED_AT];
const CREATED_AT: &str = "created_at";

/// `include`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `Include`")]
pub(crate) struct IncludeParam {
    /// Additional members of the response, separated by commas: `created_at`, the time of creation.
    #[param(style = Form, explode = false, example = json!(["created_at"]), min_items = 1)]
    include: Option<Vec<String>>,
}

/// Additional members of a response; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Include {
    pub(crate) created_at: bool,
}

impl FromInput for Include {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let names = input.query_list("include", 1, faults, name)?;
        Some(Self { created_at: names.is_some() })
    }
}

fn name(value: &Json) -> Result<(), Problem> {
    match value {
        Json::String(name) if name == CREATED_AT => Ok(()),
        _ => Err(one_of(INCLUDE_WORDS)),
    }
}
