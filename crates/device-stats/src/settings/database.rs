//! Which database the settings choose: `DATABASE_URL` where it is set, else PostgreSQL by the variables of the FastAPI
//! application where `POSTGRES_SERVER` is set, else a SQLite file in the working directory.

use std::fmt;
use std::path::PathBuf;

use super::{DATABASE_URL_DEFAULT, Flags, InvalidSetting, Secret, or_default};

/// Where users, devices and readings are kept. `Display` and `Debug` show no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite in a file.
    Sqlite(PathBuf),
    /// PostgreSQL by its URL.
    PostgresUrl(Secret),
    /// PostgreSQL by the variables of the FastAPI application.
    PostgresParts(PostgresParts),
}

/// What the variables `POSTGRES_*` say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresParts {
    /// Name or address of the host.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the user.
    pub user: String,
    /// Password of the user, if any.
    pub password: Option<Secret>,
    /// Name of the database.
    pub dbname: String,
}

impl Database {
    /// The database that the flags and variables choose.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a URL of another kind, and for a port that is none.
    pub(super) fn from_flags(flags: &Flags) -> Result<Self, InvalidSetting> {
        if let Some(url) = present(flags.database_url.as_deref()) {
            return Self::from_url(url);
        }
        let Some(host) = present(flags.postgres_server.as_deref()) else {
            return Self::from_url(DATABASE_URL_DEFAULT);
        };
        let port = or_default(&flags.postgres_port, "5432");
        Ok(Self::PostgresParts(PostgresParts {
            host: host.to_owned(),
            port: port.parse().map_err(|_| InvalidSetting {
                flag: "postgres-port",
                variable: "POSTGRES_PORT",
                problem: format!("{port:?} is not a port, 1 to 65535"),
            })?,
            user: or_default(&flags.postgres_user, "postgres").to_owned(),
            password: present(flags.postgres_password.as_deref()).map(|text| Secret::new(text.to_owned())),
            dbname: or_default(&flags.postgres_db, "postgres").to_owned(),
        }))
    }

    /// The database a URL names. Whether the URL of a PostgreSQL is sound shows when it is opened.
    fn from_url(url: &str) -> Result<Self, InvalidSetting> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::PostgresUrl(Secret::new(url.to_owned())))
            }
            Some(("sqlite", path)) => Ok(Self::Sqlite(sqlite_path(path)?)),
            // What stands where a scheme should may be anything, even a secret: only what looks like one is shown.
            Some((scheme, rest)) if rest.starts_with("//") && is_scheme(scheme) => {
                Err(invalid(format!("the scheme {scheme:?} is not supported; {ACCEPTED}")))
            }
            _ => Err(invalid(format!("this is no URL of a database; {ACCEPTED}"))),
        }
    }
}

const ACCEPTED: &str = "accepted are sqlite:PATH and postgres://USER:PASSWORD@HOST:PORT/DATABASE";

fn invalid(problem: String) -> InvalidSetting {
    InvalidSetting { flag: "database-url", variable: "DATABASE_URL", problem }
}

/// What follows `sqlite:`, with or without the empty authority `//`.
fn sqlite_path(path: &str) -> Result<PathBuf, InvalidSetting> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(invalid("sqlite: needs the path of a file".to_owned()));
    }
    if path == ":memory:" {
        return Err(invalid("sqlite: needs the path of a file; a database in memory is lost".to_owned()));
    }
    if path.contains('?') {
        return Err(invalid("sqlite: takes a path and no parameters".to_owned()));
    }
    Ok(PathBuf::from(path))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|other| other.is_ascii_alphanumeric() || matches!(other, '+' | '-' | '.'))
}

fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|text| !text.is_empty())
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::PostgresUrl(url) => f.write_str(&without_password(url.reveal())),
            Self::PostgresParts(PostgresParts { host, port, user, dbname, .. }) => {
                write!(f, "postgres://{user}@{host}:{port}/{dbname}")
            }
        }
    }
}

/// The URL with its passwords replaced. Where it is not clear what a password is, too much goes rather than too little.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // The last `@`: an unescaped one may be part of the password.
    let (credentials, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => (Some(credentials), rest),
        None => (None, rest),
    };
    let mut shown = format!("{scheme}://");
    if let Some(credentials) = credentials {
        shown.push_str(credentials.split_once(':').map_or(credentials, |(user, _)| user));
        shown.push_str(if credentials.contains(':') { ":***@" } else { "@" });
    }
    let Some((path, query)) = rest.split_once('?') else { return shown + rest };
    let pairs: Vec<String> = query.split('&').map(shown_parameter).collect();
    format!("{shown}{path}?{}", pairs.join("&"))
}

/// One parameter of a URL: those whose names are known to be harmless are shown.
fn shown_parameter(pair: &str) -> String {
    const HARMLESS: [&str; 8] = [
        "application_name",
        "connect_timeout",
        "dbname",
        "host",
        "port",
        "sslmode",
        "target_session_attrs",
        "user",
    ];
    match pair.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=***"),
        _ => pair.to_owned(),
    }
}
