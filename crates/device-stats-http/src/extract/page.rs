//! `skip` and `limit`: a page of a list.

use device_stats_domain::ListPage;
use device_stats_domain::limits::PAGE_LIMIT_MAX;
use device_stats_formats::Faults;
use device_stats_formats::values;
use utoipa::IntoParams;

use super::count::count_up_to;
use super::input::{FromInput, Input};

/// `skip` and `limit`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `PageQuery`")]
pub(crate) struct PageParams {
    /// Number of entries before the page; 0 or more.
    #[param(example = 0, minimum = 0, default = 0)]
    skip: Option<i64>,
    /// Maximum number of entries of the page; 1 to 100.
    #[param(example = 100, minimum = 1, maximum = 100, default = 100)]
    limit: Option<i64>,
}

/// The page that a query asks for.
pub(crate) struct PageQuery(pub(crate) ListPage);

impl FromInput for PageQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let skip = input.query("skip", faults, |value| values::at_least(0, values::integer(value)?));
        let limit = input.query("limit", faults, count_up_to(PAGE_LIMIT_MAX));
        input.refuse_misnamed_queries(&["skip", "limit"], faults);
        let ListPage { skip: first, limit: full } = ListPage::FIRST;
        Some(Self(ListPage { skip: skip?.unwrap_or(first), limit: limit?.unwrap_or(full) }))
    }
}
