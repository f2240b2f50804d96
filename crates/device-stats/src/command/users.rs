//! `device-stats users`: lists, shows, registers, changes and deletes users.

use device_stats_client::{Client, RetryPolicy, User, UserChange, UserWithDevices};

use super::confirmation::YesFlag;
use super::devices;
use super::find_user::find_user;
use super::number_flags::whole;
use super::results::{self, table, visible};
use crate::settings::Settings;

/// The operations on users.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the users by ascending id
    List {
        /// List only users whose name or email address contains this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// List up to this number of users [default: all]
        #[arg(long, value_name = "COUNT", default_value_t = u64::MAX, hide_default_value = true,
              value_parser = whole::<u64>("users", 0..=u64::MAX))]
        limit: u64,
    },
    /// Show a user and its devices
    Show(Choice),
    /// Register a user
    Create {
        /// Name of the user
        username: String,
        /// Email address of the user
        email: String,
    },
    /// Change the name of a user
    Rename {
        #[command(flatten)]
        user: Choice,
        /// The new name
        username: String,
    },
    /// Change the email address of a user
    ChangeEmail {
        #[command(flatten)]
        user: Choice,
        /// The new email address
        email: String,
    },
    /// Delete a user with its devices and their readings
    Delete {
        #[command(flatten)]
        user: Choice,
        #[command(flatten)]
        yes: YesFlag,
    },
}

/// The argument that names a user.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Choice {
    /// Name or id of the user; an integer is an id, and name:123 is the name 123
    #[arg(value_name = "USER")]
    user: String,
}

/// Carries out an operation, and prints the users.
///
/// # Errors
/// If the server is unreachable, refuses the request, or has no such user.
pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let user = match command {
        Command::List { search, limit } => {
            let users = client.list_users(search.as_deref(), limit).await?;
            return results::print(settings.output, &users, || Ok(to_table(&users)));
        }
        Command::Show(Choice { user }) => {
            let found = find_user(&client, &user).await?;
            let found = client.find_user_with_devices(found.id).await?;
            return results::print(settings.output, &found, || Ok(describe(&found)));
        }
        Command::Create { username, email } => client.create_new_user(&username, &email).await?,
        Command::Rename { user: Choice { user }, username } => {
            let change = UserChange { username: Some(username), ..UserChange::default() };
            client.update_user(find_user(&client, &user).await?.id, &change).await?
        }
        Command::ChangeEmail { user: Choice { user }, email } => {
            let change = UserChange { email: Some(email), ..UserChange::default() };
            client.update_user(find_user(&client, &user).await?.id, &change).await?
        }
        Command::Delete { user: Choice { user }, yes } => {
            let id = find_user(&client, &user).await?.id;
            let UserWithDevices { user, devices } = client.find_user_with_devices(id).await?;
            let (name, count) = (&user.username, devices.len());
            yes.confirm(&format!("delete user {name:?} (id {id}) with {count} devices and their readings"))?;
            client.delete_user(id).await?;
            return results::print(settings.output, &user, || {
                Ok(format!("deleted user {:?} (id {id}) with {count} devices\n", user.username))
            });
        }
    };
    results::print(settings.output, &user, || Ok(to_table(std::slice::from_ref(&user))))
}

fn to_table(users: &[User]) -> String {
    let mut table = table(&["id", "username", "email"], &["id"]);
    for User { id, username, email } in users {
        table.add_row([&id.to_string(), &visible(username), &visible(email)]);
    }
    format!("{table}\n")
}

fn describe(found: &UserWithDevices) -> String {
    let user = to_table(std::slice::from_ref(&found.user));
    if found.devices.is_empty() {
        return format!("{user}\nno devices\n");
    }
    format!("{user}\n{}", devices::to_table(&found.devices))
}
