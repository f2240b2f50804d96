//! The service directly over the database, for commands of an operator. Whoever can open the database has all
//! rights.

use anyhow::Context;
use device_stats_client::UserChoice;
use device_stats_domain::{UserId, Username};
use device_stats_service::{Action, Granted, Principal, Service, ServiceSettings};

use super::not_found::NotFound;
use crate::database;
use crate::settings::{Migrate, Settings};

/// Returns the right to an action.
///
/// # Errors
/// None: an operator may do everything.
pub(super) fn operator<A: Action>() -> anyhow::Result<Granted<A>> {
    Ok(Principal::OPERATOR.grant()?)
}

/// Opens the database, which must have the schema of this binary.
///
/// # Errors
/// If the database cannot be opened.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Service> {
    let store = database::open(&Settings { migrate: Migrate::ByCommand, ..settings.clone() }).await?;
    Service::new(store, ServiceSettings::default()).context("cannot start threads")
}

/// Returns the id of a user with a name or id, in the notation of `device-stats users`.
///
/// # Errors
/// [`NotFound::User`] if no user has the name; errors of the database.
pub(super) async fn find_user(service: &Service, text: &str) -> anyhow::Result<UserId> {
    let Ok(choice) = text.parse::<UserChoice>();
    let found = match &choice {
        UserChoice::Id(id) => Some(UserId(*id)),
        UserChoice::Name(name) => match Username::new(name.as_str()) {
            Ok(username) => service.find_user_by_name(operator()?, username).await?,
            Err(_) => None,
        },
    };
    found.ok_or_else(|| NotFound::User(choice).into())
}
