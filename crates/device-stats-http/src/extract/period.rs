//! `start_time` and `end_time`: a period.

use device_stats_domain::{RequestTime, Window};
use device_stats_formats::values::{self, nullable};
use device_stats_formats::{Faults, Json, Members, Problem};
use utoipa::IntoParams;

use super::input::{FromInput, Input};

/// Names of the parameters of a period.
pub(crate) const PERIOD_NAMES: [&str; 3] = ["start_time", "end_time", "until"];

/// `start_time`, `end_time` and `until`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `PeriodQuery`")]
pub(crate) struct PeriodParams {
    /// First moment of the period (inclusive): RFC 3339 (UTC if it has no offset; encode `+` as `%2B`), a
    /// date, or seconds or milliseconds since 1970. If absent, the period starts with the first reading.
    #[param(example = "2026-11-23T00:00:00Z")]
    start_time: Option<String>,
    /// Last moment of the period (inclusive), in the same forms. If absent, the period ends with the last
    /// reading.
    #[param(example = "2026-11-23T23:59:59.999999Z")]
    end_time: Option<String>,
    /// First moment after the period (exclusive), in the same forms; instead of `end_time`.
    #[param(example = "2026-11-24T00:00:00Z")]
    until: Option<String>,
}

/// A period with inclusive ends. An absent end is open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Period {
    pub(crate) start: Option<RequestTime>,
    pub(crate) end: Option<RequestTime>,
}

impl Period {
    /// Returns the period as a half-open window.
    pub(crate) fn to_window(self) -> Window {
        Window::from_inclusive(self.start, self.end)
    }

    /// Returns whether the period ends before it starts.
    pub(crate) fn is_empty(self) -> bool {
        matches!((self.start, self.end), (Some(start), Some(end)) if end.micros() < start.micros())
    }

    /// Returns the start and the end as texts for a response.
    pub(crate) fn to_texts(self) -> (Option<String>, Option<String>) {
        let to_text = |moment: RequestTime| moment.nearest_timestamp().to_string();
        (self.start.map(to_text), self.end.map(to_text))
    }
}

/// The period of a query.
pub(crate) struct PeriodQuery(pub(crate) Period);

impl FromInput for PeriodQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let start = input.query("start_time", faults, query_moment);
        let end = input.query("end_time", faults, query_moment);
        let until = input.query("until", faults, query_moment);
        let (end, until) = (end?, until?);
        let sent = until.map_or(Json::Null, to_json);
        let end = faults.keep(vec!["query".into(), "until".into()], &sent, last_moment(end, until));
        Some(Self(Period { start: start?, end: end? }))
    }
}

/// Reads the period of a JSON body. Returns `None` after reporting a fault.
pub(crate) fn read_period(members: &mut Members<'_>) -> Option<Period> {
    let start = members.optional("start_time", nullable(values::moment));
    let end = members.optional("end_time", nullable(values::moment));
    let until = members.optional("until", nullable(values::moment));
    let (end, until) = (end?.flatten(), until?.flatten());
    let end = members.check("until", &until.map_or(Json::Null, to_json), last_moment(end, until));
    Some(Period { start: start?.flatten(), end: end? })
}

/// Returns the last moment of a period from its inclusive or its exclusive end.
fn last_moment(end: Option<RequestTime>, until: Option<RequestTime>) -> Result<Option<RequestTime>, Problem> {
    match (end, until) {
        (Some(_), Some(_)) => Err(Problem::new("value_error", "Value error, give either end_time or until")),
        (end, None) => Ok(end),
        (None, Some(until)) => Ok(Some(RequestTime::from_micros(until.micros() - 1))),
    }
}

fn to_json(moment: RequestTime) -> Json {
    Json::String(moment.nearest_timestamp().to_string())
}

/// Reads a moment of a query. A `+` of an offset that is not encoded becomes a space; the fault then names
/// this cause.
fn query_moment(value: &Json) -> Result<RequestTime, Problem> {
    values::moment(value).map_err(|problem| match value {
        Json::String(text) if values::moment_text(&text.replacen(' ', "+", 1)).is_ok() => {
            Problem { msg: format!("{}; encode + as %2B", problem.msg).into(), ..problem }
        }
        _ => problem,
    })
}
