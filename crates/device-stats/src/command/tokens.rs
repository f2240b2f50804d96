//! `device-stats token`: creates, lists and revokes access tokens, directly in the database. So the first
//! token of an administrator needs no other one.

use anyhow::Context;
use device_stats_domain::limits::CURSOR_LIMIT_MAX;
use device_stats_domain::{
    DeviceId, InvalidTokenName, Scope, Scopes, StoredToken, Timestamp, TokenHolder, TokenId, TokenKind,
    TokenName,
};
use device_stats_service::{
    CreatedToken, Service, ServiceError, TokenRecipient, TokenRequest, generate_token,
};
use device_stats_store::{SchemaError, StoreError};
use serde_json::{Value, json};

use super::alternatives::one_of;
use super::not_found::NotFound;
use super::operator::{find_user, open, operator};
use super::relative_time::RelativeTime;
use super::results::{self, table, visible};
use super::usage::UsageError;
use crate::database::{self, DatabaseError};
use crate::settings::Settings;

/// The operations on tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Create a token and print it; it cannot be shown again
    #[command(group = one_of("holder", ["admin", "user", "device"]))]
    Create {
        /// Create a token of an administrator
        #[arg(long, conflicts_with_all = ["user", "device"])]
        admin: bool,
        /// Create a token of this user
        #[arg(long, value_name = "NAME_OR_ID", conflicts_with = "device")]
        user: Option<String>,
        /// Create a token of this device
        #[arg(long, value_name = "DEVICE_ID")]
        device: Option<String>,
        /// Allow only these actions: ingest, read, manage, admin (separated by commas) [default: ingest for a
        /// device, ingest,read,manage for a user, all for an administrator]
        #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
        scope: Vec<Scope>,
        /// Give the token a name
        #[arg(long, value_parser = parse_name)]
        name: Option<TokenName>,
        /// Expire after a duration (90d, 12h) or at a time (2027-01-31T00:00:00Z) [default: never]
        #[arg(long, value_name = "TIME", value_parser = RelativeTime::parse)]
        expires: Option<RelativeTime>,
    },
    /// Print a new token of an administrator for --admin-token-file, without storing it
    Generate,
    /// List the tokens by ascending id, without their secrets
    List,
    /// Revoke a token; it is refused within 5 seconds
    Revoke {
        /// Id of the token, as `list` prints it
        #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
    },
}

fn parse_name(text: &str) -> Result<TokenName, InvalidTokenName> {
    TokenName::new(text)
}

/// Carries out an operation, and prints the result.
///
/// # Errors
/// If the database cannot be used, or the user, the device or the token does not exist.
pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Create { admin: _, user, device, scope, name, expires } => {
            let service = open_or_create(settings).await?;
            let recipient = find_recipient(&service, user, device.clone()).await?;
            let scopes = Some(scope).filter(|scopes| !scopes.is_empty());
            let scopes = scopes.map(|scopes| scopes.into_iter().collect::<Scopes>());
            let expires_at = expires.map(RelativeTime::after_now).transpose().context("--expires")?;
            let request = TokenRequest { recipient, scopes, name, expires_at };
            let created = service.create_token(operator()?, request).await;
            let created = created.map_err(|error| explain(error, device.as_deref()))?;
            print_created(&created, settings)
        }
        Command::Generate => {
            let token = generate_token(TokenKind::Administrator)?;
            results::print(settings.output, &json!({ "token": token.expose() }), || {
                Ok(format!("{}\n", token.expose()))
            })
        }
        Command::List => {
            let tokens = list_all(&open(settings).await?).await?;
            let shown: Vec<Value> = tokens.iter().map(to_json).collect();
            results::print(settings.output, &shown, || Ok(to_table(&tokens)))
        }
        Command::Revoke { id } => {
            let service = open(settings).await?;
            match service.revoke_token(operator()?, TokenId(id)).await {
                Err(ServiceError::Store(StoreError::TokenMissing)) => return Err(NotFound::Token(id).into()),
                revoked => revoked.context("the token was not revoked")?,
            }
            results::print(settings.output, &json!({ "revoked": id }), || Ok(format!("revoked token {id}\n")))
        }
    }
}

/// Opens the database as [`open`] does. Creates a missing or empty database, so that the first token can be
/// created before the first start of the server.
async fn open_or_create(settings: &Settings) -> anyhow::Result<Service> {
    match open(settings).await {
        Err(error) if is_empty(&error) => {
            database::migrate(settings).await?;
            open(settings).await
        }
        opened => opened,
    }
}

fn is_empty(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(DatabaseError::Schema { source: SchemaError::Older { found: 0, .. }, .. })
    )
}

async fn find_recipient(
    service: &Service,
    user: Option<String>,
    device: Option<String>,
) -> anyhow::Result<TokenRecipient> {
    if let Some(text) = user {
        return Ok(TokenRecipient::User(find_user(service, &text).await?));
    }
    match device {
        Some(text) => {
            let id = DeviceId::new(text.as_str()).map_err(|_| NotFound::Device(text))?;
            Ok(TokenRecipient::Device(id))
        }
        None => Ok(TokenRecipient::Administrator),
    }
}

/// Names the flag or the missing device of a refused request.
fn explain(error: ServiceError, device: Option<&str>) -> anyhow::Error {
    match (&error, device) {
        (ServiceError::Store(StoreError::DeviceMissing), Some(device)) => {
            NotFound::Device(device.to_owned()).into()
        }
        (ServiceError::ScopeUnusable { .. }, _) => UsageError(format!("--scope: {error}")).into(),
        (ServiceError::AlreadyExpired, _) => UsageError(format!("--expires: {error}")).into(),
        (ServiceError::ReservedTokenName, _) => UsageError(format!("--name: {error}")).into(),
        _ => anyhow::Error::new(error).context("the token was not created"),
    }
}

async fn list_all(service: &Service) -> anyhow::Result<Vec<StoredToken>> {
    let (mut tokens, mut after) = (Vec::new(), TokenId(0));
    loop {
        let page = service.list_tokens(operator()?, after, CURSOR_LIMIT_MAX).await?;
        after = page.entries.last().map_or(after, |last| last.id);
        tokens.extend(page.entries);
        if !page.has_more {
            return Ok(tokens);
        }
    }
}

fn print_created(created: &CreatedToken, settings: &Settings) -> anyhow::Result<()> {
    let CreatedToken { token, stored } = created;
    let mut result = to_json(stored);
    if let Value::Object(members) = &mut result {
        members.insert("token".to_owned(), token.expose().into());
    }
    // Only the token is on stdout, so that a script can write it to a file.
    results::print(settings.output, &result, || Ok(format!("{}\n", token.expose())))
}

fn to_json(token: &StoredToken) -> Value {
    let holder = match &token.holder {
        TokenHolder::Administrator => json!("admin"),
        TokenHolder::User(id) => json!({ "user_id": id.0 }),
        TokenHolder::Device { device_id, .. } => json!({ "device_id": device_id.as_str() }),
    };
    json!({
        "id": token.id.0,
        "for": holder,
        "scopes": token.scopes.iter().map(Scope::name).collect::<Vec<_>>(),
        "name": token.name.as_ref().map(TokenName::as_str),
        "prefix": token.prefix.as_str(),
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.map(|time| time.to_string()),
        "last_used_at": token.last_used_at.map(|time| time.to_string()),
    })
}

fn to_table(tokens: &[StoredToken]) -> String {
    let names = ["id", "for", "scopes", "name", "prefix", "created_at", "expires_at", "last_used_at"];
    let mut table = table(&names, &["id"]);
    for token in tokens {
        let holder = match &token.holder {
            TokenHolder::Administrator => "admin".to_owned(),
            TokenHolder::User(id) => format!("user {id}"),
            TokenHolder::Device { device_id, .. } => format!("device {}", visible(device_id.as_str())),
        };
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        table.add_row([
            token.id.to_string(),
            holder,
            token.scopes.to_string(),
            token.name.as_ref().map(|name| visible(name.as_str())).unwrap_or_default(),
            token.prefix.as_str().to_owned(),
            token.created_at.to_string(),
            time(token.expires_at),
            time(token.last_used_at),
        ]);
    }
    format!("{table}\n")
}
