//! `/users`: create, find, update, delete and list users.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{Device, NewUser, User, UserChange, UserFilter, UserId};
use device_stats_formats::Members;
use device_stats_formats::values;
use device_stats_service::{Action, Administer, Authorized, Manage, Read, Service};
use device_stats_store::UserState;
use serde::Serialize;
use utoipa::ToSchema;

use super::created::Created;
use super::devices::DeviceResponse;
use super::listed::Listed;
use super::tagged::Tagged;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, ConditionParams, Conditions, Cursor, Include, IncludeParam, JsonBody, ListParams, ListQuery,
    Parsed, PathUser, RequestBody, UserFilterParams, UserIdParam,
};
use crate::headers::entity_tag::EntityTag;

/// A new user.
#[derive(ToSchema)]
#[schema(as = UserCreate)]
#[expect(dead_code, reason = "describes `NewUser`")]
pub(crate) struct UserCreateBody {
    /// Name of the user, unique among users: 1 to 255 bytes without NUL, compared byte by byte.
    #[schema(example = "ada", min_length = 1, pattern = r"^[^\u0000]*$")]
    username: String,
    /// Email address, unique among users: up to 254 bytes. Only its syntax is checked. The domain is
    /// lower-cased.
    #[schema(example = "ada@example.com", format = "email")]
    email: String,
}

impl RequestBody for UserCreateBody {
    type Value = NewUser;
    const NAMES: &'static [&'static str] = &["username", "email"];

    fn read(members: &mut Members<'_>) -> Option<NewUser> {
        let username = members.required("username", values::username);
        let email = members.required("email", values::email);
        Some(NewUser { username: username?, email: email? })
    }
}

/// Changes of a user. An absent member leaves the value unchanged.
#[derive(ToSchema)]
#[schema(as = UserUpdate)]
#[expect(dead_code, reason = "describes `UserChange`")]
pub(crate) struct UserUpdateBody {
    /// The new username, by the rules for a new user.
    #[schema(example = "ada", min_length = 1, pattern = r"^[^\u0000]*$", required = false)]
    username: String,
    /// The new email address, by the rules for a new user.
    #[schema(example = "ada@example.org", format = "email", required = false)]
    email: String,
}

impl RequestBody for UserUpdateBody {
    type Value = UserChange;
    const NAMES: &'static [&'static str] = &["username", "email"];

    fn read(members: &mut Members<'_>) -> Option<UserChange> {
        let username = members.optional("username", values::username);
        let email = members.optional("email", values::email);
        Some(UserChange { username: username?, email: email? })
    }
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserResponse {
    /// Name of the user.
    #[schema(example = "ada")]
    username: String,
    /// Email address of the user.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Id of the user; 1 or more, never reused.
    #[schema(example = 1, minimum = 1)]
    id: i64,
    /// Time of creation, RFC 3339 in UTC; `null` if it is unknown. Absent unless requested with `include`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T10:00:00.250000Z", value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a time are three outcomes")]
    created_at: Option<Option<String>>,
}

impl UserResponse {
    fn new(user: &User, include: Include) -> Self {
        Self {
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            id: user.id.0,
            created_at: include.created_at.then(|| user.created_at.map(|time| time.to_string())),
        }
    }
}

impl From<User> for UserResponse {
    fn from(user: User) -> Self {
        Self::new(&user, Include::default())
    }
}

/// A user with all its devices.
#[derive(Serialize, ToSchema)]
#[schema(as = UserWithDevices)]
pub(crate) struct UserWithDevicesResponse {
    #[serde(flatten)]
    user: UserResponse,
    /// Devices of the user, by ascending `id`.
    devices: Vec<DeviceResponse>,
}

impl UserWithDevicesResponse {
    fn new(user: &User, devices: &[Device], include: Include) -> Self {
        let devices = devices.iter().map(|device| DeviceResponse::new(device, include));
        Self { user: UserResponse::new(user, include), devices: devices.collect() }
    }

    /// Returns the tag of a user with its devices. It does not depend on `include`.
    fn tag(user: &User, devices: &[Device]) -> EntityTag {
        EntityTag::of(&Self::new(user, devices, Include::STATE))
    }
}

/// List users
///
/// Returns a page of the users, by ascending `id`. The page is chosen by position (`skip`), or by cursor
/// (`after`), optionally with filters.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users",
    params(ListParams, UserFilterParams, IncludeParam),
    responses(
        (status = 200, description = "A page of users.", body = [UserResponse],
            headers(("link" = String, description = "Address of the next page by cursor (`rel=\"next\"`), relative to this one, if there is one."))),
    ),
)]
pub(super) async fn list_users(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Parsed((query, include)): Parsed<(ListQuery<UserFilter>, Include)>,
) -> Result<Listed<UserResponse>, ApiError> {
    let (entries, next, others) = match query {
        ListQuery::Page(page) => (service.list_users(granted, page).await?, None, Vec::new()),
        ListQuery::After { cursor: Cursor { after, limit }, filter, others } => {
            let page = service.list_users_after(granted, UserId(after), &filter, limit).await?;
            let next = page.entries.last().filter(|_| page.has_more).map(|last| last.id.0);
            (page.entries, next, others)
        }
    };
    let entries = entries.iter().map(|user| UserResponse::new(user, include)).collect();
    Ok(Listed::new(entries, next, &others))
}

/// Register a user
///
/// Username and email address must be unique among users.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "users",
    request_body = UserCreateBody,
    responses(
        (status = 201, description = "The new user.", body = UserResponse,
            headers(("location" = String, description = "Path of the user."))),
        (status = 400, description = "`Email already registered` (checked first), `Username already taken`, or the body \
            is incomplete or not UTF-8.", body = ErrorResponse),
    ),
)]
pub(super) async fn create_user(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Parsed(input): Parsed<JsonBody<UserCreateBody>>,
) -> Result<Created<UserResponse>, ApiError> {
    let JsonBody(user) = input;
    let user = service.create_user(granted, user).await?;
    Ok(Created { location: format!("/api/v1/users/{}", user.id.0), body: user.into() })
}

/// Find a user
///
/// Returns a user with all its devices. The header `ETag` identifies their state: it changes when the user or
/// one of the devices changes.
#[utoipa::path(
    get, path = "/api/v1/users/{user_id}", tag = "users",
    params(UserIdParam, IncludeParam, ConditionParams),
    responses(
        (status = 200, description = "The user with its devices.", body = UserWithDevicesResponse,
            headers(("etag" = String, description = "Identifies the state of the user and its devices."))),
        (status = 304, description = "The state is one of those in `If-None-Match`."),
        (status = 404, description = "`User not found`.", body = ErrorResponse),
        (status = 412, description = "The state is none of those in `If-Match`.", body = ErrorResponse),
    ),
)]
pub(super) async fn find_user(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Parsed(input): Parsed<(PathUser, Include, Conditions)>,
) -> Result<Tagged<UserWithDevicesResponse>, ApiError> {
    let (PathUser(id), include, conditions) = input;
    let user = service.find_user(granted, id).await?;
    let devices = service.list_user_devices(&user).await?;
    let tag = UserWithDevicesResponse::tag(&user, &devices);
    let is_known = conditions.check_read(&tag)?;
    Ok(Tagged { tag, is_known, body: UserWithDevicesResponse::new(&user, &devices, include) })
}

/// Change a user
///
/// Changes the values of the members that are present. With `If-Match` and the `ETag` of the user, the
/// request changes nothing if another client has changed the user since.
#[utoipa::path(
    put, path = "/api/v1/users/{user_id}", tag = "users",
    params(UserIdParam, ConditionParams),
    request_body = UserUpdateBody,
    responses(
        (status = 200, description = "The user after the change.", body = UserResponse),
        (status = 400, description = "`Email already registered` (checked first), `Username already taken`, or the body \
            is incomplete or not UTF-8.", body = ErrorResponse),
        (status = 404, description = "`User not found`.", body = ErrorResponse),
        (status = 412, description = "The state of the user and its devices does not meet the conditions; nothing has \
            changed.", body = ErrorResponse),
    ),
)]
pub(super) async fn update_user(
    State(service): State<Service>,
    Caller(granted): Caller<Manage>,
    Parsed(input): Parsed<(PathUser, JsonBody<UserUpdateBody>, Conditions)>,
) -> Result<Json<UserResponse>, ApiError> {
    let (PathUser(id), JsonBody(change), conditions) = input;
    let user = service.find_user(granted, id).await?;
    let expected = expected_state(&service, &user, &conditions).await?;
    Ok(Json(service.update_user(&user, expected.as_ref(), change).await?.into()))
}

/// Returns the state that the conditions of a change have been checked with; `None` without conditions.
async fn expected_state(
    service: &Service,
    user: &Authorized<User, impl Action>,
    conditions: &Conditions,
) -> Result<Option<UserState>, ApiError> {
    if conditions.are_always_met() {
        return Ok(None);
    }
    let devices = service.list_user_devices(user).await?;
    conditions.check_change(&UserWithDevicesResponse::tag(user, &devices))?;
    Ok(Some(UserState { user: User::clone(user), devices }))
}

/// Delete a user
///
/// Deletes a user, all its devices and all readings of these devices.
#[utoipa::path(
    delete, path = "/api/v1/users/{user_id}", tag = "users",
    params(UserIdParam, ConditionParams),
    responses(
        (status = 204, description = "The user is deleted."),
        (status = 404, description = "`User not found`.", body = ErrorResponse),
        (status = 412, description = "The state of the user and its devices does not meet the conditions; nothing is \
            deleted.", body = ErrorResponse),
    ),
)]
pub(super) async fn delete_user(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Parsed(input): Parsed<(PathUser, Conditions)>,
) -> Result<StatusCode, ApiError> {
    let (PathUser(id), conditions) = input;
    let user = service.find_user(granted, id).await?;
    let expected = expected_state(&service, &user, &conditions).await?;
    service.delete_user(&user, expected.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
