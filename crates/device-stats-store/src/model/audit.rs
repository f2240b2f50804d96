//! The audit log of the model.

use async_trait::async_trait;
use device_stats_domain::{
    Actor, AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, Timestamp,
};

use super::accounts::now;
use super::state::{Model, State};
use crate::{AuditStore, StoreError};

#[async_trait]
impl AuditStore for Model {
    async fn append_audit(&self, events: &[(Author, AuditEvent)]) -> Result<(), StoreError> {
        let mut state = self.state();
        for (author, event) in events {
            state.note(author, event.clone());
        }
        Ok(())
    }

    async fn list_audit(
        &self,
        order: AuditOrder,
        after: Option<AuditId>,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state();
        let chosen = state.audit.values().filter(|entry| meets(entry, filter));
        Ok(match order {
            AuditOrder::NewestFirst => {
                let rest = chosen.rev().filter(|entry| after.is_none_or(|after| entry.id < after));
                rest.take(limit as usize).cloned().collect()
            }
            AuditOrder::OldestFirst => {
                let rest = chosen.filter(|entry| after.is_none_or(|after| entry.id > after));
                rest.take(limit as usize).cloned().collect()
            }
        })
    }

    async fn delete_audit(&self, until: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state();
        let expired = state.audit.values().filter(|entry| entry.time < until);
        let expired: Vec<AuditId> = expired.map(|entry| entry.id).take(limit as usize).collect();
        for id in &expired {
            state.audit.remove(id);
        }
        Ok(u32::try_from(expired.len()).unwrap_or(u32::MAX))
    }
}

fn meets(entry: &AuditEntry, filter: &AuditFilter) -> bool {
    let AuditFilter { action, user, device_id, token, window } = filter;
    let AuditEntry { author, event, .. } = entry;
    action.is_none_or(|action| event.action == action)
        && user.is_none_or(|user| author.actor == Actor::User(user) || event.object.user == Some(user))
        && device_id.as_ref().is_none_or(|id| event.object.device_id.as_ref() == Some(id))
        && token.is_none_or(|token| author.token == Some(token) || event.object.token == Some(token))
        && (window.from_us..window.until_us).contains(&entry.time.micros())
}

impl State {
    /// Writes an entry, if there is one to write. Completes the id and the owner of a device.
    pub(super) fn note(&mut self, author: &Author, event: impl Into<Option<AuditEvent>>) {
        let Some(mut event) = event.into() else { return };
        if event.object.device_id.is_none() {
            let device = event.object.device.and_then(|key| self.devices.get(&key));
            event.object.device_id = device.map(|device| device.device_id.clone());
            event.object.user = event.object.user.or(device.and_then(|device| device.user_id));
        }
        self.last_audit += 1;
        let id = AuditId(self.last_audit);
        self.audit.insert(id, AuditEntry { id, time: now(), author: *author, event });
    }
}
