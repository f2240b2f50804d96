//! The statement that lists the audit log, shared by the stores with an SQL database.

use device_stats_domain::{AuditAction, AuditFilter, AuditId, AuditOrder, DeviceId};

use crate::SqlConditions;

/// The columns of a row: `id`, `time`, then the fields of [`AuditRow`](super::AuditRow) in their order.
const COLUMNS: &str =
    "id, time, actor, actor_id, actor_token, request_id, address, action, user_id, username, device,
    device_id, token, details";

/// The rows of a list of the audit log.
#[derive(Clone, Debug)]
pub struct AuditSelection {
    order: AuditOrder,
    texts: Vec<(&'static str, String)>,
    integers: Vec<(&'static str, i64)>,
    limit: i64,
}

impl AuditSelection {
    /// Returns the selection of [`AuditStore::list_audit`](crate::AuditStore::list_audit).
    pub fn new(order: AuditOrder, after: Option<AuditId>, filter: &AuditFilter, limit: u32) -> Self {
        let AuditFilter { action, user, device_id, token, window } = filter;
        let rest = match order {
            AuditOrder::NewestFirst => "id < @",
            AuditOrder::OldestFirst => "id > @",
        };
        let integers = [
            (rest, after.map(|after| after.0)),
            // The unary plus keeps the database from using the index of the time: it would sort all rows.
            ("+time >= @", Some(window.from_us).filter(|from_us| *from_us > i64::MIN)),
            ("+time < @", Some(window.until_us).filter(|until_us| *until_us < i64::MAX)),
            ("((actor = 'user' AND actor_id = @) OR user_id = @)", user.map(|user| user.0)),
            ("(actor_token = @ OR token = @)", token.map(|token| token.0)),
        ];
        let texts = [
            ("action = @", action.map(AuditAction::name)),
            ("device_id = @", device_id.as_ref().map(DeviceId::as_str)),
        ];
        let given = |(condition, value): (&'static str, Option<&str>)| Some((condition, value?.to_owned()));
        Self {
            order,
            texts: texts.into_iter().filter_map(given).collect(),
            integers: integers
                .into_iter()
                .filter_map(|(condition, value)| Some((condition, value?)))
                .collect(),
            limit: limit.into(),
        }
    }

    /// Adds the values to `conditions`, and returns the statement. `integer` and `text` convert a value for
    /// the library of the database.
    pub fn statement<'v, V: ?Sized>(
        &'v self,
        conditions: &mut SqlConditions<'v, V>,
        integer: impl Fn(&'v i64) -> &'v V,
        text: impl Fn(&'v String) -> &'v V,
    ) -> String {
        for (condition, value) in &self.integers {
            conditions.add(condition, integer(value));
        }
        for (condition, value) in &self.texts {
            conditions.add(condition, text(value));
        }
        let direction = match self.order {
            AuditOrder::NewestFirst => "DESC",
            AuditOrder::OldestFirst => "ASC",
        };
        let limit = conditions.value(integer(&self.limit));
        format!("SELECT {COLUMNS} FROM audit {} ORDER BY id {direction} LIMIT {limit}", conditions.clause())
    }
}
