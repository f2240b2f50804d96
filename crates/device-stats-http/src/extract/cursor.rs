//! `after`, `limit` and filters: a page of a list by cursor. If an entry is deleted while a client reads the
//! pages, no other entry is missed.

use device_stats_domain::limits::{CURSOR_LIMIT_MAX, PAGE_LIMIT_DEFAULT};
use device_stats_domain::{DeviceFilter, ListPage, UserFilter};
use device_stats_formats::{Faults, Json, Problem, values};
use utoipa::IntoParams;

use super::count::count_up_to;
use super::input::{FromInput, Input};
use super::page::PageQuery;

/// `skip`, `limit` and `after`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `ListQuery`")]
pub(crate) struct ListParams {
    /// Number of entries before the page; 0 or more. Not with `after` or a filter.
    #[param(example = 0, minimum = 0, default = 0)]
    skip: Option<i64>,
    /// Maximum number of entries of the page: 1 to 100; with `after` or a filter, 1 to 1,000.
    #[param(example = 100, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// The `id` of the last entry of the previous page; 0 for the first page. With `after` or a filter, the
    /// header `Link` contains the address of the next page.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
}

/// The filters of a list of users.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `UserFilter`")]
pub(crate) struct UserFilterParams {
    /// Only the user with this username.
    #[param(example = "ada", min_length = 1)]
    username: Option<String>,
    /// Only users whose username or email address contains this text (1 to 255 bytes). The case of ASCII
    /// letters does not matter. The search reads the users one by one until the page is full.
    #[param(example = "example.com", min_length = 1)]
    q: Option<String>,
}

/// The filters of a list of devices.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `DeviceFilter`")]
pub(crate) struct DeviceFilterParams {
    /// Only devices of the user with this id.
    #[param(example = 1)]
    user_id: Option<i64>,
    /// Only devices whose `device_id` begins with this text; compared byte by byte.
    #[param(example = "plant-1/", min_length = 1)]
    prefix: Option<String>,
    /// Only devices whose `device_id` or name contains this text (1 to 255 bytes). The case of ASCII letters
    /// does not matter. The search reads the devices one by one until the page is full.
    #[param(example = "pump", min_length = 1)]
    q: Option<String>,
}

/// The start and the maximum size of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

/// The filter of a list.
pub(crate) trait Filter: Default {
    /// Names of its parameters.
    const NAMES: &'static [&'static str];

    /// Reads the filter. Returns `None` after reporting a fault.
    fn read(input: &Input, faults: &mut Faults) -> Option<Self>;
}

impl Filter for UserFilter {
    const NAMES: &'static [&'static str] = &["username", "q"];

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let username = input.query("username", faults, values::username);
        let text = input.query("q", faults, values::search_text);
        Some(Self { username: username?, text: text? })
    }
}

impl Filter for DeviceFilter {
    const NAMES: &'static [&'static str] = &["user_id", "prefix", "q"];

    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let user_id = input.query("user_id", faults, values::user_id);
        let prefix = input.query("prefix", faults, values::device_id_prefix);
        let text = input.query("q", faults, values::search_text);
        Some(Self { user_id: user_id?, prefix: prefix?, text: text? })
    }
}

/// The query of a list of users or devices: a page by position, as in the contract, or by cursor.
pub(crate) enum ListQuery<F> {
    Page(ListPage),
    After {
        cursor: Cursor,
        filter: F,
        /// The parameters of the next page, without `after`.
        others: Vec<(String, String)>,
    },
}

impl<F: Filter> FromInput for ListQuery<F> {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let by_cursor: Vec<&str> = ["after"].iter().chain(F::NAMES).copied().collect();
        let Some(given) = by_cursor.iter().find(|name| input.has_query(name)) else {
            input.refuse_misnamed_queries(&by_cursor, faults);
            return PageQuery::read(input, faults).map(|PageQuery(page)| Self::Page(page));
        };
        let names: Vec<&str> = ["skip", "limit"].into_iter().chain(by_cursor.iter().copied()).collect();
        input.refuse_misnamed_queries(&names, faults);
        if input.has_query("skip") {
            let msg = format!("Value error, give either skip or {given}; continue a list with after");
            faults.add(vec!["query".into(), "skip".into()], Problem::new("value_error", msg), &Json::Null);
        }
        let cursor = read_cursor(input, faults);
        let filter = F::read(input, faults);
        Some(Self::After { cursor: cursor?, filter: filter?, others: input.queries_except("after") })
    }
}

/// Reads `after` and `limit`. Returns `None` after reporting a fault.
pub(crate) fn read_cursor(input: &Input, faults: &mut Faults) -> Option<Cursor> {
    let after = input.query("after", faults, |value| values::at_least(0, values::integer(value)?));
    let limit = input.query("limit", faults, count_up_to(CURSOR_LIMIT_MAX));
    Some(Cursor { after: after?.unwrap_or(0), limit: limit?.unwrap_or(PAGE_LIMIT_DEFAULT) })
}
