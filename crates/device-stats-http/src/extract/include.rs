//! `include`: additional members of a response.

use device_stats_formats::{Faults, Json, Problem};
use utoipa::IntoParams;

use super::choice::one_of;
use super::input::{FromInput, Input};

/// The names that `include` can have.
pub(crate) const INCLUDE_WORDS: &[&str] = &[CREATED_AT, EXPECTED_INTERVAL];
const CREATED_AT: &str = "created_at";
const EXPECTED_INTERVAL: &str = "expected_interval";

/// `include`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `Include`")]
pub(crate) struct IncludeParam {
    /// Additional members of the response, separated by commas: `created_at`, the time of creation;
    /// `expected_interval`, for a device the longest time without readings that a client has set as normal.
    #[param(style = Form, explode = false, example = json!(["created_at"]), min_items = 1)]
    include: Option<Vec<String>>,
}

/// Additional members of a response; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Include {
    pub(crate) created_at: bool,
    pub(crate) expected_interval: bool,
}

impl Include {
    /// The members of a device that a client can change, and that only appear on request. The tag of a device
    /// depends on them.
    pub(crate) const STATE: Self = Self { created_at: false, expected_interval: true };
}

impl FromInput for Include {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let names = input.query_list("include", INCLUDE_WORDS.len(), faults, name)?.unwrap_or_default();
        let has = |word| names.contains(&word);
        Some(Self { created_at: has(CREATED_AT), expected_interval: has(EXPECTED_INTERVAL) })
    }
}

fn name(value: &Json) -> Result<&'static str, Problem> {
    let known = |name: &str| INCLUDE_WORDS.iter().find(|word| **word == name);
    match value {
        Json::String(name) => known(name).copied().ok_or_else(|| one_of(INCLUDE_WORDS)),
        _ => Err(one_of(INCLUDE_WORDS)),
    }
}
