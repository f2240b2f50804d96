//! The rules of an address of a database.

/// Reason why a text is not an address of a database. No part of the text is shown, because it can contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPostgresUrl {
    /// The text begins with another scheme.
    #[error("does not begin with 'postgres://' or 'postgresql://'")]
    Scheme,
    /// The text is malformed, or has an unknown parameter or value.
    #[error(
        "is not of the form 'postgres://user:password@host:5432/database?sslmode=require' (sslmode: disable, prefer, require, verify-ca, verify-full; special characters as %XX)"
    )]
    Form,
    /// The text names a client certificate without its private key, or the key alone.
    #[error("has only one of the parameters 'sslcert' and 'sslkey', which belong together")]
    ClientCertificate,
    /// The text names no host.
    #[error("names no host")]
    Host,
    /// The text names no user.
    #[error("names no user")]
    User,
}
