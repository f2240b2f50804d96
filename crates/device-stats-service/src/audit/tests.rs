//! Tests of the entries about refusals, and of the deletion of old entries.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{
    AuditAction, AuditEntry, AuditFilter, AuditOrder, Identity, Scopes, TokenHash, TokenId, UserId,
};
use device_stats_store::{AuditStore, Model, Store};
use tokio::time::sleep;

use super::*;
use crate::access::sign_in::{Credential, CredentialKey};
use crate::access::{Origin, Principal};
use crate::limits::{
    AUDIT_DELETION_INTERVAL, REFUSALS_INTERVAL, REFUSALS_NOTED_MAX, REFUSALS_OF_ADDRESS_MAX,
};
use crate::testing::service_over;

fn refusal(token: i64, operation: &str) -> Refusal {
    let credential = Credential { token: TokenId(token), key: CredentialKey::Token(TokenHash([0; 32])) };
    let principal = Principal::signed_in(Identity::User(UserId(1)), Scopes::ALL, credential);
    Refusal { principal: Some(principal), ..anonymous(1, operation) }
}

/// A refusal of a client without a valid credential.
fn anonymous(address: u8, operation: &str) -> Refusal {
    let address = Some(IpAddr::from([192, 0, 2, address]));
    Refusal {
        principal: None,
        origin: Origin::Request { id: "r".parse().unwrap(), address },
        prefix: None,
        operation: operation.to_owned(),
        reason: "forbidden",
    }
}

async fn refused(store: &Model) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(AuditAction::RefuseRequest), ..AuditFilter::default() };
    store.list_audit(AuditOrder::OldestFirst, None, &filter, 1_000).await.unwrap()
}

fn count(entry: &AuditEntry) -> u64 {
    entry.event.details.count.unwrap()
}

#[tokio::test(start_paused = true)]
async fn equal_refusals_of_a_minute_become_one_entry() {
    let store = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store) as Arc<dyn Store>);
    let background = service.keep_audit_in_background(None);
    sleep(Duration::from_secs(1)).await;
    for (user, operation) in [(1, "GET /a"), (1, "GET /a"), (2, "GET /a"), (1, "GET /b"), (1, "GET /a")] {
        service.note_refusal(refusal(user, operation));
    }
    assert!(refused(&store).await.is_empty());
    sleep(REFUSALS_INTERVAL).await;
    let mut counts: Vec<u64> = refused(&store).await.iter().map(count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 3]);
    service.note_refusal(refusal(1, "GET /a"));
    // A stop writes the rest.
    background.stop().await;
    assert_eq!(refused(&store).await.len(), 4);
}

fn total(events: &[(Author, AuditEvent)]) -> u64 {
    events.iter().map(|(_, event)| event.details.count.unwrap()).sum()
}

#[test]
fn the_entries_about_refusals_of_a_minute_are_limited() {
    let refusals = Refusals::default();
    for n in 0..1_000 {
        refusals.note(refusal(n, "GET /a"));
        refusals.note(refusal(0, "GET /a"));
        refusals.note(anonymous(u8::try_from(n % 256).unwrap(), "GET /a"));
    }
    let taken = refusals.take();
    let events = taken.events();
    assert_eq!(events.len(), REFUSALS_NOTED_MAX + 1);
    assert_eq!(total(&events), 3_000);
    assert!(refusals.take().events().is_empty());
    // After a failed attempt to write them, they are counted with the later ones.
    refusals.note(refusal(0, "GET /a"));
    refusals.put_back(taken);
    let events = refusals.take().events();
    assert_eq!(events.len(), REFUSALS_NOTED_MAX + 1);
    assert_eq!(total(&events), 3_001);
}

/// An attacker sends many different requests first.
#[test]
fn a_client_cannot_hide_the_refusals_of_others() {
    let refusals = Refusals::default();
    for n in 0..1_000 {
        refusals.note(anonymous(1, &format!("GET /{n}")));
    }
    refusals.note(anonymous(2, "GET /a"));
    refusals.note(refusal(7, "GET /a"));
    let events = refusals.take().events();
    assert_eq!(events.len(), REFUSALS_OF_ADDRESS_MAX + 1 + 2);
    let tokens: Vec<_> = events.iter().filter_map(|(author, _)| author.token).collect();
    assert_eq!(tokens, [TokenId(7)]);
    let second = IpAddr::from([192, 0, 2, 2]);
    assert!(events.iter().any(|(author, _)| author.token.is_none() && author.address == Some(second)));
}

#[tokio::test(start_paused = true)]
async fn old_entries_are_deleted_every_hour() {
    let store = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store) as Arc<dyn Store>);
    let write = async || {
        let events =
            vec![
                (Author::SERVICE, AuditEvent::general(AuditAction::StartService, AuditDetails::default()));
                2_500
            ];
        store.append_audit(&events).await.unwrap();
    };
    let number = async || {
        let all = AuditFilter::default();
        store.list_audit(AuditOrder::OldestFirst, None, &all, 10_000).await.unwrap().len()
    };
    write().await;
    for kept_for in [None, Some(Duration::from_hours(1))] {
        let background = service.keep_audit_in_background(kept_for);
        sleep(AUDIT_DELETION_INTERVAL * 2).await;
        assert_eq!(number().await, 2_500, "{kept_for:?}");
        drop(background);
    }
    let _background = service.keep_audit_in_background(Some(Duration::ZERO));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(number().await, 0);
    write().await;
    sleep(AUDIT_DELETION_INTERVAL * 2).await;
    assert_eq!(number().await, 0);
}
