//! `/tokens` and `/me`: create, list and revoke access tokens, and show the rights of the caller.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Scope, Scopes, StoredToken, TokenHolder, TokenId};
use device_stats_formats::{Faults, Members, values};
use device_stats_service::{
    AuthMode, CreatedToken, Forbidden, Manage, Principal, Service, ServiceError, TokenRecipient, TokenRequest,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::created::Created;
use super::listed::Listed;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, Cursor, FromInput, Input, JsonBody, NoQuery, Parsed, PathToken, RequestBody, SignedIn,
    TokenIdParam, read_cursor,
};

/// The party that holds a token.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenHolder)]
#[serde(untagged)]
enum HolderBody {
    /// An administrator: `admin`.
    #[schema(title = "Administrator", example = "admin")]
    Administrator(Administrator),
    /// A user.
    #[schema(title = "User")]
    User {
        /// Id of the user.
        #[schema(example = 1)]
        user_id: i64,
    },
    /// A device.
    #[schema(title = "Device")]
    Device {
        /// The client's name for the device.
        #[schema(example = "pump-7")]
        device_id: String,
    },
}

/// The word for an administrator.
#[derive(Serialize, ToSchema)]
enum Administrator {
    #[serde(rename = "admin")]
    Admin,
}

impl From<&TokenHolder> for HolderBody {
    fn from(holder: &TokenHolder) -> Self {
        match holder {
            TokenHolder::Administrator => Self::Administrator(Administrator::Admin),
            TokenHolder::User(id) => Self::User { user_id: id.0 },
            TokenHolder::Device { device_id, .. } => {
                Self::Device { device_id: device_id.as_str().to_owned() }
            }
        }
    }
}

/// A new token.
#[derive(ToSchema)]
#[schema(as = TokenCreate)]
#[expect(dead_code, reason = "describes `TokenRequest`")]
pub(crate) struct TokenCreateBody {
    /// The party that will hold the token.
    r#for: HolderBody,
    /// The kinds of actions that the token allows: `ingest`, `read`, `manage`, `admin`. The caller must have
    /// each of them. If `scopes` is missing, a device gets `ingest`; a user gets `ingest`, `read` and
    /// `manage`; an administrator gets all. A device can have neither `manage` nor `admin`. A user cannot
    /// have `admin`.
    #[schema(example = json!(["ingest"]), min_items = 1, max_items = 4, required = false)]
    scopes: Vec<String>,
    /// Name by which people recognize the token: 1 to 255 bytes without control characters.
    #[schema(example = "gateway in hall 3")]
    name: Option<String>,
    /// Time from which the token is not accepted, in the forms of a posted reading; `null` for never.
    #[schema(example = "2027-11-23T10:00:00Z")]
    expires_at: Option<String>,
}

impl RequestBody for TokenCreateBody {
    type Value = TokenRequest;
    const NAMES: &'static [&'static str] = &["for", "scopes", "name", "expires_at"];

    fn read(members: &mut Members<'_>) -> Option<TokenRequest> {
        let recipient = members.required("for", values::token_holder);
        let scopes = members.optional_list("scopes", Scope::ALL.len(), values::scope);
        let name = members.optional("name", values::nullable(values::token_name));
        let expires_at = members.optional("expires_at", values::nullable(values::timestamp));
        // A misspelled restriction must not be ignored.
        let are_known = members.refuse_others(Self::NAMES);
        let recipient = match recipient? {
            values::HolderName::Administrator => TokenRecipient::Administrator,
            values::HolderName::User(id) => TokenRecipient::User(id),
            values::HolderName::Device(id) => TokenRecipient::Device(id),
        };
        are_known.then_some(TokenRequest {
            recipient,
            scopes: scopes?.map(|scopes| scopes.into_iter().collect::<Scopes>()),
            name: name?.flatten(),
            expires_at: expires_at?.flatten(),
        })
    }
}

/// An access token, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenResponse {
    /// Id of the token; 1 or more, never reused.
    #[schema(example = 3, minimum = 1)]
    id: i64,
    /// The party that holds the token.
    r#for: HolderBody,
    /// The kinds of actions that the token allows.
    #[schema(example = json!(["ingest"]))]
    scopes: Vec<&'static str>,
    /// Name of the token.
    #[schema(example = "gateway in hall 3")]
    name: Option<String>,
    /// Beginning of the token, by which people recognize it.
    #[schema(example = "dss_d_nS4x9Q")]
    prefix: String,
    /// Time of creation, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    created_at: String,
    /// Time from which the token is not accepted, RFC 3339 in UTC; `null` for never.
    #[schema(example = "2027-11-23T10:00:00Z")]
    expires_at: Option<String>,
    /// Time of the last request with the token, to the minute, RFC 3339 in UTC; `null` before the first one.
    #[schema(example = "2026-11-23T10:05:00Z")]
    last_used_at: Option<String>,
}

impl From<&StoredToken> for TokenResponse {
    fn from(token: &StoredToken) -> Self {
        Self {
            id: token.id.0,
            r#for: (&token.holder).into(),
            scopes: names(token.scopes),
            name: token.name.as_ref().map(|name| name.as_str().to_owned()),
            prefix: token.prefix.as_str().to_owned(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|time| time.to_string()),
            last_used_at: token.last_used_at.map(|time| time.to_string()),
        }
    }
}

fn names(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::name).collect()
}

/// A token that was just created.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedToken)]
pub(crate) struct CreatedTokenResponse {
    /// The token. It is shown only in this response.
    #[schema(example = "dss_d_nS4x9Q3C0mTqk1bVYwK2u8rQZ7hJd5LxPfGe6iNoA4s_1b2c3d4e")]
    token: String,
    #[serde(flatten)]
    stored: TokenResponse,
}

/// The rights of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeResponse {
    /// `token` if the service needs tokens; `open` if everybody may do everything.
    #[schema(example = "token")]
    auth: &'static str,
    /// The party that the caller is.
    r#for: HolderBody,
    /// The kinds of actions that the caller may perform.
    #[schema(example = json!(["ingest", "read", "manage"]))]
    scopes: Vec<&'static str>,
    /// The token of the caller; `null` if the service needs no tokens.
    token: Option<TokenResponse>,
}

/// `after` and `limit`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `TokenListQuery`")]
pub(crate) struct TokenListParams {
    /// The `id` of the last token of the previous page; 0 for the first page.
    #[param(example = 0, minimum = 0)]
    after: Option<i64>,
    /// Maximum number of tokens of the page; 1 to 1,000.
    #[param(example = 100, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

/// The query of a list of tokens.
pub(crate) struct TokenListQuery {
    cursor: Cursor,
    /// The parameters of the next page, without `after`.
    others: Vec<(String, String)>,
}

impl FromInput for TokenListQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let cursor = read_cursor(input, faults);
        input.refuse_other_queries(&["after", "limit"], faults);
        Some(Self { cursor: cursor?, others: input.queries_except("after") })
    }
}

/// Create a token
///
/// Creates an access token for an administrator, a user or a device. A user creates tokens for itself and its
/// devices. The response is the only one that contains the token. A service that is open for everybody
/// creates no tokens over HTTP.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens",
    request_body = TokenCreateBody,
    responses(
        (status = 201, description = "The new token.", body = CreatedTokenResponse,
            headers(("location" = String, description = "Path of the token."))),
        (status = 404, description = "`User not found` or `Device not found`: the holder does not exist, or the caller may \
            not see it.", body = ErrorResponse),
    ),
)]
pub(super) async fn create_token(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<JsonBody<TokenCreateBody>>,
) -> Result<Created<CreatedTokenResponse>, ApiError> {
    let JsonBody(request) = input;
    if service.auth() == AuthMode::Open {
        return Err(ServiceError::from(Forbidden::Open).into());
    }
    let CreatedToken { token, stored } = service.create_token(granted, request).await?;
    Ok(Created {
        location: format!("/api/v1/tokens/{}", stored.id),
        body: CreatedTokenResponse { token: token.expose().to_owned(), stored: (&stored).into() },
    })
}

/// List tokens
///
/// Returns a page of the tokens that the caller may revoke, by ascending `id`: the tokens of a user and its
/// devices; for an administrator, all tokens. Expired tokens are listed until their holder gets a new one.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens",
    params(TokenListParams),
    responses(
        (status = 200, description = "A page of tokens.", body = [TokenResponse],
            headers(("link" = String, description = "Address of the next page (`rel=\"next\"`), relative to this one, if there is one."))),
    ),
)]
pub(super) async fn list_tokens(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(query): Parsed<TokenListQuery>,
) -> Result<Listed<TokenResponse>, ApiError> {
    let TokenListQuery { cursor: Cursor { after, limit }, others } = query;
    let page = service.list_tokens(granted, TokenId(after), limit).await?;
    let next = page.entries.last().filter(|_| page.has_more).map(|last| last.id.0);
    Ok(Listed::new(page.entries.iter().map(TokenResponse::from).collect(), next, &others))
}

/// Revoke a token
///
/// Deletes a token. It is refused on every node, and its open live streams end, within 5 seconds.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token_id}", tag = "tokens",
    params(TokenIdParam),
    responses(
        (status = 204, description = "The token is revoked."),
        (status = 404, description = "`Token not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn delete_token(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<(PathToken, NoQuery)>,
) -> Result<StatusCode, ApiError> {
    let (PathToken(id), NoQuery) = input;
    service.revoke_token(granted, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show the rights of the caller
///
/// Returns the identity and the scopes of the caller. Every valid token may call this.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "tokens",
    responses((status = 200, description = "The rights of the caller.", body = MeResponse)),
)]
pub(super) async fn show_me(
    State(service): State<Service>,
    SignedIn(principal): SignedIn,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<Json<MeResponse>, ApiError> {
    let token = service.find_own_token(principal).await?;
    Ok(Json(describe(service.auth(), principal, token.as_ref())))
}

fn describe(auth: AuthMode, principal: Principal, token: Option<&StoredToken>) -> MeResponse {
    MeResponse {
        auth: auth.name(),
        r#for: token.map_or(HolderBody::Administrator(Administrator::Admin), |token| (&token.holder).into()),
        scopes: names(principal.scopes()),
        token: token.map(TokenResponse::from),
    }
}
