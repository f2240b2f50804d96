//! The choice of the database: `DATABASE_URL` if it is set, otherwise PostgreSQL by the variables of the
//! FastAPI application if `POSTGRES_SERVER` is set, otherwise a SQLite file in the working directory.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::invalid::InvalidSetting;
use super::values::Values;

/// Name of the setting that contains a URL.
const URL: &str = "database-url";
const ACCEPTED: &str = "accepted are sqlite:PATH and postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// The database of users, devices and readings. `Display` and `Debug` hide passwords.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// SQLite in this file.
    Sqlite(PathBuf),
    /// PostgreSQL at this URL.
    PostgresUrl(SecretString),
    /// PostgreSQL by the variables `POSTGRES_*`.
    PostgresServer {
        /// Name or address of the host.
        host: String,
        /// TCP port.
        port: u16,
        /// Name of the user.
        user: String,
        /// Password of the user.
        password: Option<SecretString>,
        /// Name of the database.
        dbname: String,
    },
}

impl Database {
    /// Returns the database that the settings choose.
    ///
    /// # Errors
    /// [`InvalidSetting`] for an unsupported URL or an invalid port.
    pub(super) fn from_values(values: &Values) -> Result<Self, InvalidSetting> {
        let is_server = values.given(URL).is_none() && values.given("postgres-server").is_some();
        if !is_server {
            return Self::from_url(values.text(URL))
                .map_err(|problem| InvalidSetting::new(values, URL, problem));
        }
        let port = values.text("postgres-port");
        let invalid_port = |_| {
            let problem = format!("{port:?} is not a port from 1 to 65535");
            InvalidSetting::new(values, "postgres-port", problem)
        };
        Ok(Self::PostgresServer {
            host: values.text("postgres-server").to_owned(),
            port: port.parse().map(NonZeroU16::get).map_err(invalid_port)?,
            user: values.text("postgres-user").to_owned(),
            password: values.given("postgres-password").map(SecretString::from),
            dbname: values.text("postgres-db").to_owned(),
        })
    }

    /// Returns the database at a URL, or the problem. The URL of PostgreSQL is validated when the database is
    /// opened.
    fn from_url(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::PostgresUrl(url.into()))
            }
            Some(("sqlite", path)) => Ok(Self::Sqlite(parse_sqlite_path(path)?)),
            // The text before the colon may be a secret. It is shown only if it looks like a scheme.
            Some((scheme, rest)) if rest.starts_with("//") && is_scheme(scheme) => {
                Err(format!("the scheme {scheme:?} is not supported; {ACCEPTED}"))
            }
            _ => Err(format!("not the URL of a database; {ACCEPTED}")),
        }
    }
}

/// Parses the text after `sqlite:`, with or without the empty authority `//`.
fn parse_sqlite_path(path: &str) -> Result<PathBuf, String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err("sqlite: needs the path of a file".to_owned());
    }
    if path == ":memory:" {
        return Err("sqlite: needs the path of a file; a database in memory is lost".to_owned());
    }
    if path.contains('?') {
        return Err("sqlite: needs a path without parameters".to_owned());
    }
    Ok(PathBuf::from(path))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|other| other.is_ascii_alphanumeric() || matches!(other, '+' | '-' | '.'))
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::PostgresUrl(url) => f.write_str(&without_password(url.expose_secret())),
            Self::PostgresServer { host, port, user, dbname, .. } => {
                write!(f, "postgres://{user}@{host}:{port}/{dbname}")
            }
        }
    }
}

/// Returns the URL with its passwords replaced by `***`. If a part may be a secret, it is hidden, too.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // The last `@` ends the credentials, because the password may contain an unescaped `@`.
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
    let parameters: Vec<String> = query.split('&').map(without_secret_value).collect();
    format!("{shown}{path}?{}", parameters.join("&"))
}

/// Returns a URL parameter with its value replaced by `***`, unless its name is known to be harmless.
fn without_secret_value(parameter: &str) -> String {
    const HARMLESS: [&str; 11] = [
        "application_name",
        "connect_timeout",
        "dbname",
        "host",
        "port",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "user",
    ];
    match parameter.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=***"),
        _ => parameter.to_owned(),
    }
}
