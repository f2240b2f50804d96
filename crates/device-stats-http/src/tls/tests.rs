//! Forms of keys, unusable files, and changed files.

use std::fs;
use std::process::Command;

use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::duplex;
use tokio_rustls::TlsConnector;

use super::*;
use crate::testing::Log;

/// A certificate and its key in a folder.
struct Pair {
    folder: TempDir,
    files: TlsFiles,
}

fn generated() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

impl Pair {
    fn new(certificate: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        let pair = Self { folder, files };
        pair.write(certificate, key);
        pair
    }

    fn of(pair: &CertifiedKey<KeyPair>) -> Self {
        Self::new(&pair.cert.pem(), &pair.signing_key.serialize_pem())
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(&self.files.certificate, certificate).unwrap();
        fs::write(&self.files.key, key).unwrap();
    }

    fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.files.clone())
    }

    /// Returns the error of these contents, without the path of the folder.
    fn problem(certificate: &str, key: &str) -> String {
        let pair = Self::new(certificate, key);
        let error = error_chain(&pair.load().unwrap_err());
        error.replace(&format!("{}/", pair.folder.path().display()), "")
    }
}

/// Returns whether a client that trusts only this certificate accepts a new connection.
async fn is_shown(certificate: &CertifiedKey<KeyPair>, current: &CurrentTls) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (near, far) = duplex(64 * 1024);
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let (client, server) = tokio::join!(connector.connect(name, near), current.acceptor().accept(far));
    client.is_ok() && server.is_ok()
}

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_form_of_a_key_is_accepted() {
    for (header, arguments) in [
        ("RSA PRIVATE KEY", &["genrsa", "-traditional", "2048"][..]),
        ("PRIVATE KEY", &["genpkey", "-algorithm", "RSA"]),
        ("EC PRIVATE KEY", &["ecparam", "-genkey", "-name", "prime256v1", "-noout"]),
        ("PRIVATE KEY", &["genpkey", "-algorithm", "ED25519"]),
    ] {
        let key = openssl(arguments);
        assert!(key.starts_with(&format!("-----BEGIN {header}-----")), "{key}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(&path, &key).unwrap();
        let request = ["req", "-x509", "-subj", "/CN=localhost", "-key", path.to_str().unwrap()];
        let certificate = openssl(&request);
        Pair::new(&certificate, &key).load().unwrap();
        let other = generated();
        assert_eq!(
            Pair::problem(&other.cert.pem(), &key),
            "the key in key.pem does not belong to the certificate in certificate.pem"
        );
    }
}

#[test]
fn an_unusable_file_is_named() {
    let pair = generated();
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let none = "certificate.pem contains no certificate (a PEM section CERTIFICATE)";
    let no_key = "key.pem contains no private key (a PEM section PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted)";
    for (certificate, key, problem) in [
        ("", key.as_str(), none),
        ("certificate", &key, none),
        (&key, &certificate, none),
        (&certificate, "", no_key),
        (&certificate, &certificate, no_key),
        (&certificate, &key.replace("PRIVATE", "ENCRYPTED PRIVATE"), no_key),
        (&certificate[..300], &key, "certificate.pem is not a valid PEM file: a section has no END line"),
        (
            &certificate.replace('M', "?"),
            &key,
            "certificate.pem is not a valid PEM file: a section is not Base64",
        ),
        (&certificate, &key[..100], "key.pem is not a valid PEM file: a section has no END line"),
    ] {
        assert_eq!(Pair::problem(certificate, key), problem);
    }
    let large = "#".repeat(usize::try_from(TLS_FILE_BYTES_MAX).unwrap() + 1);
    assert!(Pair::problem(&large, &key).starts_with("certificate.pem is larger than 1048576 bytes"));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let problem = Pair::problem(garbage, &key);
    assert!(problem.starts_with("the certificate in certificate.pem or the key in key.pem cannot be used: "));
    let missing = Pair::of(&pair);
    fs::remove_file(&missing.files.key).unwrap();
    let problem = error_chain(&missing.load().unwrap_err());
    assert_eq!(problem, format!("cannot read {}: it does not exist", missing.files.key.display()));
}

/// A pair is usually written one file after the other, and a check can see the first file alone.
#[tokio::test]
async fn an_unusable_change_is_logged_once_and_changes_nothing() {
    let (log, _guard) = Log::start();
    let (old, new) = (generated(), generated());
    let (old_key, new_key) = (old.signing_key.serialize_pem(), new.signing_key.serialize_pem());
    let pair = Pair::of(&old);
    let mut tls = pair.load().unwrap();
    let current = tls.current();
    let mut check = || tls.check(pair.files.read());
    check();
    assert_eq!(log.text(), "");
    pair.write(&new.cert.pem(), &old_key);
    for _ in 0..3 {
        check();
    }
    assert_eq!(log.text().matches("WARN").count(), 1, "{}", log.text());
    assert!(log.text().contains("does not belong to the certificate"), "{}", log.text());
    assert!(is_shown(&old, &current).await);
    pair.write(&new.cert.pem(), &new_key);
    for _ in 0..3 {
        check();
    }
    assert!(is_shown(&new, &current).await && !is_shown(&old, &current).await);
    assert_eq!(log.text().matches("INFO").count(), 1, "{}", log.text());
    fs::remove_file(&pair.files.key).unwrap();
    for _ in 0..3 {
        check();
    }
    assert_eq!(log.text().matches("WARN").count(), 2, "{}", log.text());
    assert!(log.text().contains("key.pem: it does not exist"), "{}", log.text());
    assert!(is_shown(&new, &current).await);
}

/// A check could see the first certificates of a list while the list was written. They are valid PEM.
#[tokio::test]
async fn files_are_used_when_they_have_stopped_to_change() {
    let (log, _guard) = Log::start();
    let (old, new) = (generated(), generated());
    let pair = Pair::of(&old);
    let mut tls = pair.load().unwrap();
    let current = tls.current();
    let (key, authority) = (new.signing_key.serialize_pem(), generated().cert.pem());
    let mut check_with = |certificate: String| {
        pair.write(&certificate, &key);
        tls.check(pair.files.read());
    };
    // Each part of the list is longer than the one before.
    for authorities in 0..4 {
        check_with(new.cert.pem() + &authority.repeat(authorities));
        assert!(is_shown(&old, &current).await && !is_shown(&new, &current).await, "{authorities}");
    }
    check_with(new.cert.pem() + &authority.repeat(3));
    assert!(is_shown(&new, &current).await);
    // A change that is undone is none.
    check_with(String::new());
    check_with(new.cert.pem() + &authority.repeat(3));
    check_with(String::new());
    assert_eq!(log.text().lines().count(), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_logged_at_the_start() {
    let (log, _guard) = Log::start();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    let pair = Pair::new(&parameters.self_signed(&key).unwrap().pem(), &key.serialize_pem());
    let following = pair.load().unwrap().follow_files();
    let ended = tokio::time::timeout(3 * TLS_CHECK_INTERVAL, following).await;
    assert!(ended.is_err());
    assert_eq!(log.text().matches("the TLS certificate has expired").count(), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn changed_files_are_found() {
    let (old, new) = (generated(), generated());
    let pair = Pair::of(&old);
    let tls = pair.load().unwrap();
    let current = tls.current();
    let following = tokio::spawn(tls.follow_files());
    assert!(is_shown(&old, &current).await);
    pair.write(&new.cert.pem(), &new.signing_key.serialize_pem());
    while !is_shown(&new, &current).await {
        tokio::time::sleep(TLS_CHECK_INTERVAL).await;
    }
    following.abort();
}
