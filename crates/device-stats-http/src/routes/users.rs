//! `/users`: registering, listing, finding, changing and deleting users.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{NewUser, User, UserChange};
use serde::Serialize;
use utoipa::ToSchema;

use super::devices::DeviceAnswer;
use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{JsonBody, PageQuery, Parsed, PathUser, RequestBody};
use crate::openapi::ErrorAnswer;
use device_stats_formats::members::Members;
use device_stats_formats::values;
use device_stats_service::{Action, Service};

/// A user to be registered.
#[derive(ToSchema)]
#[schema(as = UserCreate)]
#[expect(dead_code, reason = "describes the body; `NewUser` is its value")]
pub(crate) struct UserCreateBody {
    /// Unique among users; 1 to 255 bytes, no NUL, compared byte by byte.
    #[schema(example = "ada", min_length = 1)]
    username: String,
    /// Unique among users. Checked for syntax only, at most 254 bytes; the domain is lower-cased.
    #[schema(example = "ada@example.com", format = "email")]
    email: String,
}

impl RequestBody for UserCreateBody {
    type Value = NewUser;

    fn read(members: &mut Members<'_>) -> Option<NewUser> {
        let username = members.required("username", values::username);
        let email = members.required("email", values::email);
        Some(NewUser { username: username?, email: email? })
    }
}

/// What is to change about a user; an absent member stays as it is.
#[derive(ToSchema)]
#[schema(as = UserUpdate)]
#[expect(dead_code, reason = "describes the body; `UserChange` is its value")]
pub(crate) struct UserUpdateBody {
    /// The new username; rules as on registration.
    #[schema(example = "ada", min_length = 1, required = false)]
    username: String,
    /// The new email address; rules as on registration.
    #[schema(example = "ada@example.org", format = "email", required = false)]
    email: String,
}

impl RequestBody for UserUpdateBody {
    type Value = UserChange;

    fn read(members: &mut Members<'_>) -> Option<UserChange> {
        let username = members.optional("username", values::username);
        let email = members.optional("email", values::email);
        Some(UserChange { username: username?, email: email? })
    }
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserAnswer {
    /// The username.
    #[schema(example = "ada")]
    username: String,
    /// The email address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The user's id; 1 and up, never given twice.
    #[schema(example = 1, minimum = 1)]
    id: i64,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        Self {
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            id: user.id.0,
        }
    }
}

/// A user with all devices.
#[derive(Serialize, ToSchema)]
#[schema(as = UserWithDevices)]
pub(crate) struct UserWithDevicesAnswer {
    #[serde(flatten)]
    user: UserAnswer,
    /// The user's devices, by ascending id.
    devices: Vec<DeviceAnswer>,
}

/// List users
///
/// A page of all users, by ascending id.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users",
    params(crate::openapi::PageParams),
    responses((status = 200, description = "The page.", body = [UserAnswer])),
)]
pub(crate) async fn list_users(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<PageQuery>,
) -> Result<Json<Vec<UserAnswer>>, ApiError> {
    let PageQuery(page) = input;
    let users = service.list_users(who, page).await?;
    Ok(Json(users.into_iter().map(UserAnswer::from).collect()))
}

/// Register a user
#[utoipa::path(
    post, path = "/api/v1/users", tag = "users",
    request_body = UserCreateBody,
    responses(
        (status = 201, description = "The user.", body = UserAnswer),
        (status = 400, description = "`Email already registered` (looked at first), `Username already taken`, or a \
            body that is no UTF-8.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn create_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<JsonBody<UserCreateBody>>,
) -> Result<(StatusCode, Json<UserAnswer>), ApiError> {
    let JsonBody(user) = input;
    Ok((StatusCode::CREATED, Json(service.create_user(who, user).await?.into())))
}

/// Find a user
///
/// The user of that id, with all devices.
#[utoipa::path(
    get, path = "/api/v1/users/{user_id}", tag = "users",
    params(crate::openapi::UserIdParam),
    responses(
        (status = 200, description = "The user.", body = UserWithDevicesAnswer),
        (status = 404, description = "`User not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn find_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<PathUser>,
) -> Result<Json<UserWithDevicesAnswer>, ApiError> {
    let PathUser(id) = input;
    let user = service.user(who, id, Action::Read).await?;
    let devices = service.devices_of(&user).await?.into_iter().map(DeviceAnswer::from).collect();
    Ok(Json(UserWithDevicesAnswer { user: user.into_inner().into(), devices }))
}

/// Change a user
///
/// Changes the members that are present.
#[utoipa::path(
    put, path = "/api/v1/users/{user_id}", tag = "users",
    params(crate::openapi::UserIdParam),
    request_body = UserUpdateBody,
    responses(
        (status = 200, description = "The user as it is now.", body = UserAnswer),
        (status = 400, description = "`Email already registered` (looked at first), `Username already taken`, or a \
            body that is no UTF-8.", body = ErrorAnswer),
        (status = 404, description = "`User not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn update_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathUser, JsonBody<UserUpdateBody>)>,
) -> Result<Json<UserAnswer>, ApiError> {
    let (PathUser(id), JsonBody(change)) = input;
    let user = service.user(who, id, Action::Manage).await?;
    Ok(Json(service.update_user(&user, change).await?.into()))
}

/// Delete a user
///
/// Deletes the user with all devices and all their readings.
#[utoipa::path(
    delete, path = "/api/v1/users/{user_id}", tag = "users",
    params(crate::openapi::UserIdParam),
    responses(
        (status = 204, description = "The user is gone."),
        (status = 404, description = "`User not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn delete_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<PathUser>,
) -> Result<StatusCode, ApiError> {
    let PathUser(id) = input;
    let user = service.user(who, id, Action::Manage).await?;
    service.delete_user(&user).await?;
    Ok(StatusCode::NO_CONTENT)
}
