//! `/audit`: list the audit log.

use std::collections::BTreeMap;

use axum::extract::State;
use device_stats_domain::{
    AuditAction, AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, TokenId,
};
use device_stats_formats::{Faults, Json, Problem, values};
use device_stats_service::{Administer, AuthMode, Service};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::listed::Listed;
use crate::errors::ApiError;
use crate::extract::{
    Caller, Cursor, FromInput, Input, PERIOD_NAMES, Parsed, PeriodParams, PeriodQuery, one_of, read_cursor,
};

/// The orders of the list; the first one is the default.
pub(crate) const AUDIT_ORDER_WORDS: [(&str, AuditOrder); 2] =
    [("newest", AuditOrder::NewestFirst), ("oldest", AuditOrder::OldestFirst)];

/// The party that caused an event.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditAuthor)]
struct AuthorBody {
    /// `anyone` (a client without a valid token, or of a service that is open for everybody), `admin`,
    /// `user`, `device`, `operator` (a command that works directly on the database), or `service`.
    #[schema(example = "user")]
    kind: &'static str,
    /// Id of the user, or the `id` of the device.
    #[schema(example = 1)]
    id: Option<i64>,
    /// Id of the token with which it had signed in.
    #[schema(example = 3)]
    token_id: Option<i64>,
    /// Id of the request, as in the header `x-request-id` and in the server's log. The client can choose it.
    #[schema(example = "0198c0de-7d3a-7c1e-9a51-0a3c55f3c1aa")]
    request_id: Option<String>,
    /// Network address of the client.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
}

/// Details of an event. Each action has only some of them.
#[derive(ToSchema)]
#[cfg_attr(test, derive(Default, Serialize))]
#[schema(as = AuditDetails)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "describes the details of the domain, which are sent as they are")
)]
struct DetailsBody {
    /// Names of the changed fields.
    #[schema(example = json!(["name"]))]
    fields: Option<Vec<String>>,
    /// Id of the new owner of the device, if the owner has changed; `null` if it has none now.
    #[schema(example = 1)]
    owner: Option<i64>,
    /// Name of the token.
    #[schema(example = "gateway in hall 3")]
    name: Option<String>,
    /// Beginning of the token.
    #[schema(example = "dss_d_nS4x9Q")]
    prefix: Option<String>,
    /// Scopes of the token.
    #[schema(example = json!(["ingest"]))]
    scopes: Option<Vec<String>>,
    /// Time from which the token is not accepted, RFC 3339 in UTC.
    #[schema(example = "2027-11-23T10:00:00Z")]
    expires_at: Option<String>,
    /// Start of the window of deleted readings, RFC 3339 in UTC; missing if the window has no start.
    #[schema(example = "2026-11-23T00:00:00Z")]
    from: Option<String>,
    /// First moment after the window of deleted readings, RFC 3339 in UTC; missing if it has no end.
    #[schema(example = "2026-11-24T00:00:00Z")]
    until: Option<String>,
    /// Number of deleted readings.
    #[schema(example = 86400, minimum = 0)]
    readings: Option<u64>,
    /// Number of dropped entries of the journal.
    #[schema(example = 1, minimum = 0)]
    entries: Option<u64>,
    /// Method and path of the refused requests; missing in an entry about the further requests of a minute.
    #[schema(example = "DELETE /users/{user_id}")]
    operation: Option<String>,
    /// `code` of the error of the refused requests.
    #[schema(example = "forbidden")]
    reason: Option<String>,
    /// Number of equal requests that were refused since the previous entry about them, usually in a minute.
    #[schema(example = 12, minimum = 1)]
    count: Option<u64>,
    /// Version of the service that has started.
    #[schema(example = "0.1.0")]
    version: Option<String>,
    /// The settings of the service that has started, as far as they differ from the defaults. Secrets are
    /// hidden. Missing if the service is open for everybody.
    #[schema(example = json!({"auth": "token"}))]
    settings: Option<BTreeMap<String, String>>,
}

// The command `device-stats audit` prints the same.
/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryResponse {
    /// Id of the entry; 1 or more, never reused.
    #[schema(example = 17, minimum = 1)]
    id: i64,
    /// Time at which the entry was written, RFC 3339 in UTC; for refused requests, up to a minute later than
    /// the first one.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    time: String,
    /// The action.
    #[schema(example = "update_device")]
    action: &'static str,
    /// The party that caused the event.
    author: AuthorBody,
    /// Id of the user of the event; for a device, its owner before the event; for a token, the user that
    /// holds it.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// Name of this user at the time of the event.
    #[schema(example = "ada")]
    username: Option<String>,
    /// The `id` of the device of the event, or of the device that holds the token.
    #[schema(example = 5)]
    device: Option<i64>,
    /// The `device_id` of this device at the time of the event.
    #[schema(example = "pump-7")]
    device_id: Option<String>,
    /// Id of the token of the event.
    #[schema(example = 3)]
    token_id: Option<i64>,
    /// Further details.
    #[schema(value_type = DetailsBody)]
    details: device_stats_domain::AuditDetails,
}

impl From<Author> for AuthorBody {
    fn from(author: Author) -> Self {
        let Author { actor, token, request, address } = author;
        Self {
            kind: actor.name(),
            id: actor.id(),
            token_id: token.map(|token| token.0),
            request_id: request.map(|request| request.to_string()),
            address: address.map(|address| address.to_string()),
        }
    }
}

impl From<AuditEntry> for AuditEntryResponse {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, time, author, event: AuditEvent { action, object, details } } = entry;
        Self {
            id: id.0,
            time: time.to_string(),
            action: action.name(),
            author: author.into(),
            user_id: object.user.map(|user| user.0),
            username: object.username.map(|name| name.as_str().to_owned()),
            device: object.device.map(|device| device.0),
            device_id: object.device_id.map(|id| id.as_str().to_owned()),
            token_id: object.token.map(|token| token.0),
            details,
        }
    }
}

/// The order, the page and the filters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `AuditQuery`")]
pub(super) struct AuditParams {
    /// `newest`: the newest entry first. `oldest`: the oldest entry first.
    #[param(example = "newest", default = "newest")]
    order: Option<String>,
    /// The `id` of the last entry of the previous page; 0 for the first page.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
    /// Maximum number of entries of the page; 1 to 1,000.
    #[param(example = 100, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Only entries of this action.
    #[param(example = "delete_device")]
    action: Option<String>,
    /// Only entries by this user, or about it, its devices and its own tokens.
    #[param(example = 1)]
    user_id: Option<i64>,
    /// Only entries about this device and its tokens.
    #[param(example = "pump-7", min_length = 1)]
    device_id: Option<String>,
    /// Only entries by the holder of this token with it, or about it.
    #[param(example = 3, minimum = 1)]
    token_id: Option<i64>,
}

/// The query of a list of the audit log.
pub(super) struct AuditQuery {
    order: AuditOrder,
    cursor: Cursor,
    filter: AuditFilter,
    /// The parameters of the next page, without `after`.
    others: Vec<(String, String)>,
}

impl FromInput for AuditQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let order = input.query("order", faults, order);
        let cursor = read_cursor(input, faults);
        let action = input.query("action", faults, action);
        let user = input.query("user_id", faults, values::user_id);
        let device_id = input.query("device_id", faults, values::device_id);
        let token = input.query("token_id", faults, |value| values::at_least(1, values::integer(value)?));
        let period = PeriodQuery::read(input, faults);
        let own = ["order", "after", "limit", "action", "user_id", "device_id", "token_id"];
        let names: Vec<&str> = own.into_iter().chain(PERIOD_NAMES).collect();
        input.refuse_other_queries(&names, faults);
        let PeriodQuery(period) = period?;
        let (action, user, device_id, token) = (action?, user?, device_id?, token?.map(TokenId));
        let filter = AuditFilter { action, user, device_id, token, window: period.to_window() };
        let others = input.queries_except("after");
        Some(Self { order: order?.unwrap_or_default(), cursor: cursor?, filter, others })
    }
}

fn order(value: &Json) -> Result<AuditOrder, Problem> {
    let found =
        AUDIT_ORDER_WORDS.iter().find(|(word, _)| matches!(value, Json::String(text) if text == word));
    found.map(|(_, order)| *order).ok_or_else(|| one_of(&AUDIT_ORDER_WORDS.map(|(word, _)| word)))
}

fn action(value: &Json) -> Result<AuditAction, Problem> {
    let found = match value {
        Json::String(name) => name.parse().ok(),
        _ => None,
    };
    found.ok_or_else(|| one_of(&audit_actions()))
}

/// Returns the names of all actions.
pub(crate) fn audit_actions() -> Vec<&'static str> {
    AuditAction::ALL.iter().map(|action| action.name()).collect()
}

/// List the audit log
///
/// Returns a page of the changes of users, devices and tokens, of deletions of readings, of sign-ins of
/// browsers, of refused requests and of starts of the service: who did what, when, and with which request.
/// The entry about a change is stored together with the change. The service keeps entries for the time of the
/// setting `--keep-audit-days`. With filters, it reads the entries one by one until the page is full.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit",
    params(AuditParams, PeriodParams),
    responses(
        (status = 200, description = "A page of entries.", body = [AuditEntryResponse],
            headers(("link" = String, description = "Address of the next page (`rel=\"next\"`), relative to this one, if there is one."))),
    ),
)]
pub(super) async fn list_audit(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Parsed(query): Parsed<AuditQuery>,
) -> Result<Listed<AuditEntryResponse>, ApiError> {
    let AuditQuery { order, cursor: Cursor { after, limit }, filter, others } = query;
    let after = Some(AuditId(after)).filter(|after| after.0 > 0);
    let mut page = service.list_audit(granted, order, after, &filter, limit).await?;
    if service.auth() == AuthMode::Open {
        // Everybody can read this, and some settings name hosts and files.
        page.entries.iter_mut().for_each(|entry| entry.event.details.settings.clear());
    }
    let next = page.entries.last().filter(|_| page.has_more).map(|last| last.id.0);
    Ok(Listed::new(page.entries.into_iter().map(AuditEntryResponse::from).collect(), next, &others))
}

#[cfg(test)]
mod tests {
    use device_stats_domain::AuditDetails;
    use serde_json::Value;

    use super::*;

    fn names(details: &impl Serialize) -> Vec<String> {
        let Value::Object(members) = serde_json::to_value(details).unwrap() else { panic!("not an object") };
        members.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_documented_details_are_those_that_are_sent() {
        let text = || Some("text".to_owned());
        let all = AuditDetails {
            fields: vec!["name".to_owned()],
            owner: Some(None),
            name: text(),
            prefix: text(),
            scopes: vec!["read".to_owned()],
            expires_at: text(),
            from: text(),
            until: text(),
            readings: Some(1),
            entries: Some(1),
            operation: text(),
            reason: text(),
            count: Some(1),
            version: text(),
            settings: BTreeMap::from([("auth".to_owned(), "open".to_owned())]),
        };
        assert_eq!(names(&all), names(&DetailsBody::default()));
    }
}
