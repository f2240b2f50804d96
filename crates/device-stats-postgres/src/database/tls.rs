//! Encryption of connections: trusted authorities, the checks of the server's certificate, and the
//! certificate of the service.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use device_stats_store::Cause;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::encryption::{Encryption, EncryptionMode};

/// Returns the connector of encrypted connections. Without encryption, the driver does not use it.
pub(crate) fn connector(encryption: &Encryption) -> Result<MakeRustlsConnect, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier(encryption, provider)?);
    let tls = match &encryption.client {
        None => tls.with_no_client_auth(),
        Some(client) => {
            let certificates = certificates(&client.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&client.key).map_err(|error| named(&client.key, error))?;
            tls.with_client_auth_cert(certificates, key).map_err(|error| named(&client.certificate, error))?
        }
    };
    Ok(MakeRustlsConnect::new(tls))
}

fn verifier(
    encryption: &Encryption,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Cause> {
    match encryption.mode {
        EncryptionMode::Disable | EncryptionMode::Prefer => Ok(Arc::new(AnyCertificate(provider))),
        EncryptionMode::VerifyCa if encryption.ca_file.is_none() => Err(
            "sslmode=verify-ca needs a file of authorities (sslrootcert or --database-ca), because the authorities of the system sign certificates for everybody: use sslmode=verify-full, or name a file".into(),
        ),
        EncryptionMode::VerifyCa => Ok(Arc::new(AnyName(web_pki(encryption, provider)?))),
        EncryptionMode::VerifyFull => Ok(web_pki(encryption, provider)?),
    }
}

fn web_pki(
    encryption: &Encryption,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Cause> {
    let mut roots = RootCertStore::empty();
    match &encryption.ca_file {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| named(path, error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there are no trusted root certificates".into());
    }
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

/// Reads the certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let file = File::open(path).map_err(|error| named(path, error))?;
    let certificates = CertificateDer::pem_reader_iter(BufReader::new(file));
    certificates.collect::<Result<_, _>>().map_err(|error| named(path, error))
}

/// Adds the name of its file to an error.
fn named(path: &Path, error: impl std::fmt::Display) -> Cause {
    format!("{}: {error}", path.display()).into()
}

/// Accepts each certificate of a trusted authority, for any host.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts every certificate, as libpq does for `sslmode=prefer`: such a connection is safe from listeners,
/// but not from a server that pretends to be the database.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
