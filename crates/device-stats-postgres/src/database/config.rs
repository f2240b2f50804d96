//! Address of the database, with user and encryption.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::database::encryption::Encryption;
use crate::database::invalid_url::InvalidPostgresUrl;

/// Default port of PostgreSQL.
const PORT: u16 = 5432;

/// Address of a database, with user and encryption. Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct PostgresConfig {
    server: Config,
    encryption: Encryption,
    /// Whether the last connection was encrypted, if there was one. Clones share it.
    last_choice: Arc<Mutex<Option<bool>>>,
}

impl PostgresConfig {
    /// Parses `postgres://user:password@host:port/database`, or the same with `postgresql://`.
    ///
    /// The parameters `sslmode`, `sslrootcert`, `sslcert` and `sslkey` have the meaning that libpq gives
    /// them, with two exceptions. `require` means `verify-full`: the server needs a trusted certificate that
    /// names the host. A file of authorities (`sslrootcert`) turns encryption and these checks on. Without
    /// `sslmode`, `prefer` applies: connections are encrypted if the server offers it.
    ///
    /// # Errors
    /// The violated rule.
    pub fn from_url(url: &str) -> Result<Self, InvalidPostgresUrl> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidPostgresUrl::Scheme);
        }
        let (encryption, url) = Encryption::from_url(url)?;
        let mut server: Config = url.parse().map_err(|_| InvalidPostgresUrl::Form)?;
        if server.get_hosts().is_empty() {
            return Err(InvalidPostgresUrl::Host);
        }
        let user = server.get_user().ok_or(InvalidPostgresUrl::User)?.to_owned();
        if server.get_dbname().is_none() {
            // The server has the same default. It is set here, so that `Display` shows it.
            server.dbname(user);
        }
        Ok(Self { server, encryption, last_choice: Arc::default() })
    }

    /// Creates the address of the database `dbname` at `host`; connections are encrypted if the server offers
    /// it.
    pub fn from_parts(host: &str, port: u16, user: &str, password: Option<&str>, dbname: &str) -> Self {
        let mut server = Config::new();
        server.host(host).port(port).user(user).dbname(dbname);
        if let Some(password) = password {
            server.password(password);
        }
        Self { server, encryption: Encryption::default(), last_choice: Arc::default() }
    }

    /// Encrypts connections, and trusts only the certificates of this PEM file. The certificate of the server
    /// must name the host, except with `sslmode=verify-ca`.
    #[must_use]
    pub fn with_ca_file(mut self, path: PathBuf) -> Self {
        self.encryption.mode = self.encryption.mode.verified();
        self.encryption.ca_file = Some(path);
        self
    }

    /// Returns the settings of the driver. The settings of encryption are separate.
    pub(crate) fn server(&self) -> &Config {
        &self.server
    }

    /// Returns the settings of encryption.
    pub(crate) fn encryption(&self) -> &Encryption {
        &self.encryption
    }

    /// Notes whether a new connection is encrypted. Returns whether this differs from the previous
    /// connection.
    pub(crate) fn is_other_choice(&self, is_encrypted: bool) -> bool {
        let mut last = self.last_choice.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(is_encrypted) != Some(is_encrypted)
    }

    /// Returns whether all hosts are this machine, so that no network is between the service and the
    /// database.
    pub(crate) fn is_local(&self) -> bool {
        self.server.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
            Host::Unix(_) => true,
        })
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
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::encryption::EncryptionMode;

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
        assert_eq!(refused("postgres://ann@db/stats?sslkey=word"), InvalidPostgresUrl::ClientCertificate);
        assert_eq!(refused("postgres:///stats"), InvalidPostgresUrl::Host);
        assert_eq!(refused("postgres://db/stats"), InvalidPostgresUrl::User);
    }

    #[test]
    fn a_file_of_authorities_turns_encryption_on() {
        for (query, mode) in [
            ("", EncryptionMode::VerifyFull),
            ("?sslmode=prefer", EncryptionMode::VerifyFull),
            ("?sslmode=disable", EncryptionMode::VerifyFull),
            ("?sslmode=verify-ca", EncryptionMode::VerifyCa),
        ] {
            let config = PostgresConfig::from_url(&format!("postgres://ann@db/stats{query}")).unwrap();
            assert_eq!(config.with_ca_file("ca.pem".into()).encryption().mode, mode, "{query}");
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        for (host, is_local) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("%2Frun%2Fpg", true),
            ("localhost,db.example", false),
            ("db.example", false),
            ("10.0.0.1", false),
        ] {
            let config = PostgresConfig::from_url(&format!("postgres://ann@{host}/stats")).unwrap();
            assert_eq!(config.is_local(), is_local, "{host}");
        }
    }
}
