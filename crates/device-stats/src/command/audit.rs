//! `device-stats audit`: prints the audit log, directly from the database.

use anyhow::Context;
use device_stats_domain::limits::CURSOR_LIMIT_MAX;
use device_stats_domain::{
    AuditAction, AuditEntry, AuditFilter, AuditObject, AuditOrder, Author, DeviceId, InvalidDeviceId,
    Timestamp, TokenId, Window,
};
use device_stats_http::AuditEntryResponse;

use super::number_flags::whole;
use super::operator::{find_user, open, operator};
use super::relative_time::RelativeTime;
use super::results::{self, table, visible};
use crate::settings::Settings;

/// The flags of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the newest COUNT entries
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<u32>("entries", 1..=u64::from(u32::MAX)))]
    limit: u32,
    /// Print only entries of the last 7d or 12h, or since a time such as 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = RelativeTime::parse)]
    since: Option<RelativeTime>,
    /// Print only entries of this action, for example `delete_device`
    #[arg(long, value_name = "ACTION")]
    action: Option<AuditAction>,
    /// Print only entries by this user, or about it and its devices; a deleted user has only its id
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Print only entries about this device
    #[arg(long, value_name = "DEVICE_ID", value_parser = parse_device_id)]
    device: Option<DeviceId>,
    /// Print only entries by the holder of this token with it, or about it
    #[arg(long, value_name = "ID", value_parser = parse_token_id)]
    token: Option<TokenId>,
}

fn parse_device_id(text: &str) -> Result<DeviceId, InvalidDeviceId> {
    DeviceId::new(text)
}

fn parse_token_id(text: &str) -> Result<TokenId, String> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.map(TokenId)
        .ok_or_else(|| "expected the id of a token, as `device-stats token list` prints it".to_owned())
}

/// Prints entries of the audit log, the newest one last.
///
/// # Errors
/// If the database cannot be used, or no user has the given name.
pub(super) async fn audit(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let service = open(settings).await?;
    let user = match &arguments.user {
        Some(user) => Some(find_user(&service, user).await?),
        None => None,
    };
    let since = arguments.since.map(RelativeTime::before_now).transpose().context("--since")?;
    let from_us = since.map_or(i64::MIN, Timestamp::micros);
    let filter = AuditFilter {
        action: arguments.action,
        user,
        device_id: arguments.device.clone(),
        token: arguments.token,
        window: Window { from_us, ..Window::ALL },
    };
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let left = arguments.limit.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let limit = left.min(CURSOR_LIMIT_MAX);
        let page = service.list_audit(operator()?, AuditOrder::NewestFirst, after, &filter, limit).await?;
        after = page.entries.last().map(|last| last.id);
        entries.extend(page.entries);
        if !page.has_more || limit == left {
            break;
        }
    }
    entries.reverse();
    let shown: Vec<_> = entries.iter().cloned().map(AuditEntryResponse::from).collect();
    results::print(settings.output, &shown, || Ok(to_table(&entries)?))
}

fn to_table(entries: &[AuditEntry]) -> serde_json::Result<String> {
    let mut table =
        table(&["id", "time", "action", "object", "by", "address", "request", "details"], &["id"]);
    for entry in entries {
        let AuditEntry { id, time, author, event } = entry;
        let details = serde_json::to_string(&event.details)?;
        table.add_row([
            id.to_string(),
            time.to_string(),
            event.action.name().to_owned(),
            object(&event.object),
            by(author),
            author.address.map(|address| address.to_string()).unwrap_or_default(),
            author.request.map(|request| request.to_string()).unwrap_or_default(),
            if details == "{}" { String::new() } else { visible(&details) },
        ]);
    }
    Ok(format!("{table}\n"))
}

/// Returns the object, such as `token 3, device "pump-7"`.
fn object(object: &AuditObject) -> String {
    let AuditObject { user, username, device, device_id, token } = object;
    let token = token.map(|token| format!("token {token}"));
    let user = user.map(|user| match username {
        Some(name) => format!("user {user} \"{}\"", visible(name.as_str())),
        None => format!("user {user}"),
    });
    let device = device.map(|device| match device_id {
        Some(id) => format!("device \"{}\"", visible(id.as_str())),
        None => format!("device with the id {}", device.0),
    });
    [token, user, device].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the author, such as `user 1, token 3`.
fn by(author: &Author) -> String {
    let actor = match author.actor.id() {
        Some(id) => format!("{} {id}", author.actor.name()),
        None => author.actor.name().to_owned(),
    };
    match author.token {
        Some(token) => format!("{actor}, token {token}"),
        None => actor,
    }
}
