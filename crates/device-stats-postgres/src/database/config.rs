//! Address of the database, with user and encryption.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Default port of PostgreSQL.
const PORT: u16 = 5432;

/// Address of a database, with user and encryption. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    server: Config,
    ca_file: Option<PathBuf>,
}

/// Reason why a text is not an address of a database. No part of the text is shown, because it can contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPostgresUrl {
    /// The text begins with another scheme.
    #[error("does not begin with 'postgres://' or 'postgresql://'")]
    Scheme,
    /// The text is malformed, or has an unknown parameter or value.
    #[error(
        "is not of the form 'postgres://user:password@host:5432/database?sslmode=require' (sslmode: disable, prefer, require; special characters as %XX)"
    )]
    Form,
    /// The text names no host.
    #[error("names no host")]
    Host,
    /// The text names no user.
    #[error("names no user")]
    User,
}

impl PostgresConfig {
    /// Parses `postgres://user:password@host:port/database`, or the same with `postgresql://`. With
    /// `?sslmode=require`, connections are encrypted, and the server needs a trusted certificate that names
    /// the host. With `prefer`, `disable` or without the parameter, connections are not encrypted.
    ///
    /// # Errors
    /// The violated rule.
    pub fn from_url(url: &str) -> Result<Self, InvalidPostgresUrl> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidPostgresUrl::Scheme);
        }
        let mut server: Config = url.parse().map_err(|_| InvalidPostgresUrl::Form)?;
        if server.get_hosts().is_empty() {
            return Err(InvalidPostgresUrl::Host);
        }
        let user = server.get_user().ok_or(InvalidPostgresUrl::User)?.to_owned();
        if server.get_dbname().is_none() {
            // The server has the same default. It is set here, so that `Display` shows it.
            server.dbname(user);
        }
        Ok(Self { server, ca_file: None })
    }

    /// Creates the address of the database `dbname` at `host`; connections are not encrypted.
    pub fn from_parts(host: &str, port: u16, user: &str, password: Option<&str>, dbname: &str) -> Self {
        let mut server = Config::new();
        server.host(host).port(port).user(user).dbname(dbname);
        if let Some(password) = password {
            server.password(password);
        }
        Self { server, ca_file: None }
    }

    /// Encrypts connections, and trusts only the certificates of this PEM file. Overrides `sslmode`.
    #[must_use]
    pub fn with_ca_file(mut self, path: PathBuf) -> Self {
        self.server.ssl_mode(SslMode::Require);
        self.ca_file = Some(path);
        self
    }

    /// Returns the settings for the driver.
    pub(crate) fn server(&self) -> &Config {
        &self.server
    }

    /// Returns whether connections are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.server.get_ssl_mode() == SslMode::Require
    }

    /// Returns the file of trusted certificates; `None` if the certificates of the system are trusted.
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }
}

impl fmt::Display for PostgresConfig {
    /// Writes `user@host:port/database`, with all hosts if there are several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@", self.server.get_user().unwrap_or_default())?;
        let ports = self.server.get_ports();
        for (n, host) in self.server.get_hosts().iter().enumerate() {
            // One port can apply to all hosts.
            let port = ports.get(n).or(ports.first()).unwrap_or(&PORT);
            let comma = if n == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.server.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("database", &format_args!("{self}"))
            .field("is_encrypted", &self.is_encrypted())
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://ann:secret@db.example:5433/stats?sslmode=require", "ann@db.example:5433/stats"),
            ("postgresql://ann:secret@db.example", "ann@db.example:5432/ann"),
            ("postgres://ann:secret@a:1,b:2/stats", "ann@a:1,b:2/stats"),
            ("postgres://ann:secret@%2Frun%2Fpg/stats", "ann@/run/pg:5432/stats"),
        ] {
            let config = PostgresConfig::from_url(url).unwrap();
            assert_eq!(config.to_string(), shown);
            assert!(!format!("{config:?}").contains("secret"));
            assert_eq!(config.server().get_password(), Some(b"secret".as_slice()));
        }
        let config = PostgresConfig::from_parts("db", 5432, "ann", Some("secret"), "stats");
        assert_eq!(config.to_string(), "ann@db:5432/stats");
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn invalid_addresses_are_refused() {
        let refused = |url: &str| PostgresConfig::from_url(url).unwrap_err();
        assert_eq!(refused("host=db user=ann"), InvalidPostgresUrl::Scheme);
        assert_eq!(refused("mysql://ann@db/stats"), InvalidPostgresUrl::Scheme);
        assert_eq!(refused("postgres://ann@db:port/stats"), InvalidPostgresUrl::Form);
        assert_eq!(refused("postgres://ann@db/stats?sslmode=perhaps"), InvalidPostgresUrl::Form);
        assert_eq!(refused("postgres://ann@db/stats?secret=word"), InvalidPostgresUrl::Form);
        assert_eq!(refused("postgres:///stats"), InvalidPostgresUrl::Host);
        assert_eq!(refused("postgres://db/stats"), InvalidPostgresUrl::User);
    }

    #[test]
    fn encryption_needs_a_setting_or_a_certificate() {
        let config = |query| PostgresConfig::from_url(&format!("postgres://ann@db/stats{query}")).unwrap();
        assert!(config("?sslmode=require").is_encrypted());
        for plain in ["", "?sslmode=prefer", "?sslmode=disable"] {
            assert!(!config(plain).is_encrypted());
            assert!(config(plain).with_ca_file("ca.pem".into()).is_encrypted());
        }
    }
}
