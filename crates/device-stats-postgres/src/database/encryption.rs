//! Settings of encryption, by the names of libpq: `sslmode`, `sslrootcert`, `sslcert` and `sslkey`.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::database::invalid_url::InvalidPostgresUrl;

/// Value of `sslrootcert` for the certificates that the system trusts.
const SYSTEM: &str = "system";

/// Whether connections are encrypted, and the certificates for that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    pub(crate) mode: EncryptionMode,
    /// PEM file of trusted authorities; `None` if the certificates of the system are trusted.
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate that the service shows to the server.
    pub(crate) client: Option<ClientCertificate>,
}

/// Whether connections are encrypted, and the checks of the server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EncryptionMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server offers it. The certificate is not checked.
    #[default]
    Prefer,
    /// Encrypted. A trusted authority has signed the certificate.
    VerifyCa,
    /// Encrypted. A trusted authority has signed the certificate, which names the host.
    VerifyFull,
}

/// PEM files of a certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Encryption {
    /// Returns the settings in the parameters of a URL, and the URL without these parameters.
    pub(crate) fn from_url(url: &str) -> Result<(Self, String), InvalidPostgresUrl> {
        // The password in front of `@` can contain a question mark.
        let (credentials, rest) = url.split_once('@').unwrap_or(("", url));
        let Some((address, query)) = rest.split_once('?') else {
            return Ok((Self::default(), url.to_owned()));
        };
        let mut encryption = Self::default();
        let (mut certificate, mut key) = (None, None);
        let mut others = Vec::new();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = || percent_decode_str(value).decode_utf8().map_err(|_| InvalidPostgresUrl::Form);
            match name {
                "sslmode" => encryption.mode = EncryptionMode::from_name(&value()?)?,
                "sslrootcert" if value()? == SYSTEM => encryption.ca_file = None,
                "sslrootcert" => encryption.ca_file = Some(value()?.into_owned().into()),
                "sslcert" => certificate = Some(value()?.into_owned().into()),
                "sslkey" => key = Some(value()?.into_owned().into()),
                _ => others.push(parameter),
            }
        }
        encryption.client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            _ => return Err(InvalidPostgresUrl::ClientCertificate),
        };
        if encryption.ca_file.is_some() {
            encryption.mode = encryption.mode.verified();
        }
        let at = if url.contains('@') { "@" } else { "" };
        let mark = if others.is_empty() { "" } else { "?" };
        Ok((encryption, format!("{credentials}{at}{address}{mark}{}", others.join("&"))))
    }
}

impl EncryptionMode {
    fn from_name(name: &str) -> Result<Self, InvalidPostgresUrl> {
        match name {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "verify-ca" => Ok(Self::VerifyCa),
            // For libpq, `require` accepts any certificate. An attacker in the network has one, too.
            "require" | "verify-full" => Ok(Self::VerifyFull),
            _ => Err(InvalidPostgresUrl::Form),
        }
    }

    /// Returns the mode that checks a certificate against given authorities. It checks the name, too, unless
    /// this mode is `verify-ca`.
    pub(crate) fn verified(self) -> Self {
        match self {
            Self::VerifyCa => Self::VerifyCa,
            Self::Disable | Self::Prefer | Self::VerifyFull => Self::VerifyFull,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> (Encryption, String) {
        Encryption::from_url(&format!("postgres://ann:w?rd@db/stats{query}")).unwrap()
    }

    #[test]
    fn the_parameters_of_encryption_are_taken_out_of_the_url() {
        let (encryption, rest) =
            parsed("?connect_timeout=1&sslmode=verify-ca&sslrootcert=%2Fa%20b&sslcert=c&sslkey=k&port=1");
        assert_eq!(rest, "postgres://ann:w?rd@db/stats?connect_timeout=1&port=1");
        let client = ClientCertificate { certificate: "c".into(), key: "k".into() };
        let ca_file = Some("/a b".into());
        assert_eq!(encryption, Encryption { mode: EncryptionMode::VerifyCa, ca_file, client: Some(client) });
        let plain = "postgres://ann:w?rd@db/stats".to_owned();
        assert_eq!(parsed(""), (Encryption::default(), plain.clone()));
        assert_eq!(parsed("?sslmode=prefer"), (Encryption::default(), plain));
    }

    #[test]
    fn each_mode_has_its_checks() {
        let mode = |query| parsed(query).0.mode;
        assert_eq!(mode("?sslmode=disable"), EncryptionMode::Disable);
        assert_eq!(mode("?sslmode=prefer"), EncryptionMode::Prefer);
        assert_eq!(mode("?sslmode=require"), EncryptionMode::VerifyFull);
        assert_eq!(mode("?sslmode=verify-full"), EncryptionMode::VerifyFull);
        assert_eq!(mode("?sslmode=verify-ca"), EncryptionMode::VerifyCa);
        // A file of authorities is there to be used.
        assert_eq!(mode("?sslrootcert=ca.pem"), EncryptionMode::VerifyFull);
        assert_eq!(mode("?sslrootcert=system&sslmode=prefer"), EncryptionMode::Prefer);
    }

    #[test]
    fn a_certificate_needs_its_key() {
        for query in ["?sslcert=c", "?sslkey=k"] {
            let refused = Encryption::from_url(&format!("postgres://ann@db/stats{query}"));
            assert_eq!(refused, Err(InvalidPostgresUrl::ClientCertificate));
        }
    }
}
