//! The certificate and key of encrypted connections: PEM files, which are read again when they change.
//! `expiry` warns before the certificate expires.

mod expiry;

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use device_stats_domain::error_chain;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use self::expiry::Expiry;
use crate::limits::{TLS_CHECK_INTERVAL, TLS_FILE_BYTES_MAX};

/// Name of HTTP/2 in the negotiation of a protocol (ALPN, RFC 7301).
pub(crate) const HTTP_2: &[u8] = b"h2";
/// Name of HTTP/1.1 in this negotiation.
const HTTP_1_1: &[u8] = b"http/1.1";

/// PEM files of a certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by the certificates of intermediate authorities.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

/// A certificate and its key, for connections, and their files.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// The state of the files that was used last.
    used: Seen,
    /// The state of the files at the last check, if it differs.
    changed: Option<Seen>,
    expiry: Expiry,
    current: CurrentTls,
}

/// The certificate and key for new connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct CurrentTls(Arc<RwLock<Arc<ServerConfig>>>);

/// A state of the files: digests of their contents, or the error.
type Seen = Result<[[u8; 32]; 2], String>;

/// The contents of the two files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// An error that prevents the use of a certificate or key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A file is too large.
    #[error("{} is larger than {TLS_FILE_BYTES_MAX} bytes, so it is not a certificate or key", .0.display())]
    TooLarge(PathBuf),
    /// A file is not PEM.
    #[error("{} is not a valid PEM file: {problem}", path.display())]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// The problem.
        problem: &'static str,
    },
    /// A file contains no certificate.
    #[error("{} contains no certificate (a PEM section CERTIFICATE)", .0.display())]
    NoCertificate(PathBuf),
    /// A file contains no private key.
    #[error(
        "{} contains no private key (a PEM section PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted)",
        .0.display()
    )]
    NoKey(PathBuf),
    /// The key is the key of another certificate.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    OtherKey {
        /// Path of the certificate.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
    },
    /// The certificate or the key has an unsupported form.
    #[error("the certificate in {} or the key in {} cannot be used", certificate.display(), key.display())]
    Unusable {
        /// Path of the certificate.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
        /// The problem.
        #[source]
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate and its key. Blocks the thread.
    ///
    /// # Errors
    /// [`TlsError`] if a file cannot be read or used, or if the key does not belong to the certificate.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = files.read()?;
        let (config, expiry) = files.parse(&contents)?;
        let used = Ok(contents.digests());
        let current = CurrentTls(Arc::new(RwLock::new(Arc::new(config))));
        Ok(Self { files, used, changed: None, expiry, current })
    }

    /// Returns the certificate and key for new connections.
    pub(crate) fn current(&self) -> CurrentTls {
        self.current.clone()
    }

    /// Reads the files again at intervals, and lets new connections use a changed pair. Keeps the earlier
    /// pair as long as the new one cannot be used. Warns if the certificate expires soon. Never ends.
    pub(crate) async fn follow_files(mut self) -> Infallible {
        let mut checks = interval(TLS_CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            checks.tick().await;
            let files = self.files.clone();
            // A file system can block.
            if let Ok(read) = tokio::task::spawn_blocking(move || files.read()).await {
                self.check(read);
            }
            self.expiry.warn_if_due(SystemTime::now(), &self.files.certificate);
        }
    }

    /// Uses the contents of the files if they have changed, and are the same as at the last check. Otherwise
    /// they may be incomplete: the first certificates of a list are valid PEM, too.
    fn check(&mut self, read: Result<Contents, TlsError>) {
        let seen = read.as_ref().map(Contents::digests).map_err(|error| error_chain(error));
        if seen == self.used {
            self.changed = None;
            return;
        }
        if self.changed.as_ref() != Some(&seen) {
            self.changed = Some(seen);
            return;
        }
        self.used = seen;
        match read.and_then(|contents| self.files.parse(&contents)) {
            Ok((config, expiry)) => {
                self.expiry = expiry;
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                info!(certificate = %self.files.certificate.display(), "new connections use the changed TLS certificate");
            }
            Err(error) => {
                let cause = error_chain(&error);
                warn!(cause, "the changed TLS certificate or key cannot be used, keeping the earlier pair");
            }
        }
    }
}

impl CurrentTls {
    /// Returns the acceptor of a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Contents {
    /// Returns a digest of each file, so that the key is kept in memory only once.
    fn digests(&self) -> [[u8; 32]; 2] {
        [&self.certificate, &self.key].map(|bytes| Sha256::digest(bytes).into())
    }
}

impl TlsFiles {
    fn read(&self) -> Result<Contents, TlsError> {
        Ok(Contents { certificate: read_file(&self.certificate)?, key: read_file(&self.key)? })
    }

    /// Parses the contents of the files. A new configuration has no sessions of earlier ones, so clients see
    /// the new certificate although they resume a session.
    fn parse(&self, contents: &Contents) -> Result<(ServerConfig, Expiry), TlsError> {
        let Self { certificate, key } = self;
        let chain = CertificateDer::pem_slice_iter(&contents.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| malformed(certificate, &error))?;
        let expiry = Expiry::of(chain.first().ok_or_else(|| TlsError::NoCertificate(certificate.clone()))?);
        let private_key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey(key.clone()),
            error => malformed(key, &error),
        })?;
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private_key));
        let mut config = config.map_err(|error| {
            let (certificate, key) = (certificate.clone(), key.clone());
            match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    TlsError::OtherKey { certificate, key }
                }
                source => TlsError::Unusable { certificate, key, source },
            }
        })?;
        config.alpn_protocols = vec![HTTP_2.to_owned(), HTTP_1_1.to_owned()];
        Ok((config, expiry))
    }
}

/// Describes a malformed file. The texts of the library show lines as numbers.
fn malformed(path: &Path, error: &pem::Error) -> TlsError {
    let problem = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "a section is not Base64",
        _ => "it cannot be decoded",
    };
    TlsError::Malformed { path: path.to_owned(), problem }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let size = file.map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })?;
    if size as u64 > TLS_FILE_BYTES_MAX {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
