//! Encrypted connections: the certificate and its reload, the choice of HTTP/2, and unusable files.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::{Certificate, Version};
use tempfile::TempDir;

use crate::killed_servers::wait_until;
use crate::server::{Server, run, serve};

/// A server with a certificate, in a folder.
struct Encrypted {
    folder: TempDir,
    server: Server,
}

fn generated() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

/// Writes a certificate and its key in one step each, so that a check never sees half of a file.
fn write(folder: &TempDir, pair: &CertifiedKey<KeyPair>) {
    for (name, text) in [("certificate.pem", pair.cert.pem()), ("key.pem", pair.signing_key.serialize_pem())]
    {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
    }
}

/// Returns the flags for the files in a folder.
fn flags(folder: &TempDir) -> [String; 4] {
    let path = |name| folder.path().join(name).display().to_string();
    ["--tls-certificate".to_owned(), path("certificate.pem"), "--tls-key".to_owned(), path("key.pem")]
}

fn database(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("test.db").display())
}

impl Encrypted {
    fn start(pair: &CertifiedKey<KeyPair>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, pair);
        let server = Server::start_with(&database(&folder), &flags(&folder).each_ref().map(String::as_str));
        Self { folder, server }
    }

    fn address(&self) -> &str {
        self.server.url.strip_prefix("http://").unwrap()
    }

    fn get(&self, client: &Client) -> reqwest::Result<Response> {
        client.get(format!("https://{}/health/ready", self.address())).send()
    }
}

pub(crate) fn client() -> ClientBuilder {
    // The provider can be installed once per process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy()
}

/// Returns a client that trusts only this certificate.
fn trusting(pair: &CertifiedKey<KeyPair>) -> ClientBuilder {
    client().tls_certs_only([Certificate::from_pem(pair.cert.pem().as_bytes()).unwrap()])
}

#[test]
fn a_client_chooses_the_version_of_http_over_tls() {
    let pair = generated();
    let encrypted = Encrypted::start(&pair);
    for (client, version) in
        [(trusting(&pair), Version::HTTP_2), (trusting(&pair).http1_only(), Version::HTTP_11)]
    {
        let response = encrypted.get(&client.build().unwrap()).unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
    }
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let client = trusting(&pair).tls_version_min(version).tls_version_max(version).build().unwrap();
        assert_eq!(encrypted.get(&client).unwrap().status(), 200);
    }
}

#[test]
fn browsers_use_only_https_for_a_name_unless_it_is_turned_off() {
    let pair = generate_simple_self_signed(["stats.example.com".to_owned(), "localhost".to_owned()]).unwrap();
    for (flags, max_age) in [(&[][..], "max-age=31536000"), (&["--hsts-max-age", "0"], "max-age=0")] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, &pair);
        let files = self::flags(&folder);
        let files = files.each_ref().map(String::as_str);
        let server = Server::start_with(&database(&folder), &[&files[..], flags].concat());
        let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
        let client = trusting(&pair).resolve("stats.example.com", address).build().unwrap();
        let header = |host: &str| {
            let response =
                client.get(format!("https://{host}:{}/health/live", address.port())).send().unwrap();
            response
                .headers()
                .get("strict-transport-security")
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("stats.example.com").as_deref(), Some(max_age));
        assert_eq!(header("localhost"), None);
    }
}

#[test]
fn without_tls_there_is_no_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&database(&folder));
    let url = format!("{}/health/ready", server.url);
    let any_version = client().build().unwrap();
    let response = any_version.get(&url).send().unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    assert_eq!(response.headers().get("strict-transport-security"), None);
    let only_http_2 = client().http2_prior_knowledge().build().unwrap();
    assert!(only_http_2.get(&url).send().is_err());
    // A client may ask for HTTP/2 in a request, too (RFC 7540, section 3.2).
    let upgrade = any_version.get(&url).header("connection", "upgrade, http2-settings");
    let response = upgrade.header("upgrade", "h2c").header("http2-settings", "AAMAAABk").send().unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
}

#[test]
fn a_changed_certificate_is_used_for_new_connections_and_ends_no_other() {
    let (old, new) = (generated(), generated());
    let encrypted = Encrypted::start(&old);
    let open = trusting(&old).build().unwrap();
    assert_eq!(encrypted.get(&open).unwrap().status(), 200);
    // As long as the pair does not match, the earlier one is used.
    fs::write(encrypted.folder.path().join("key.pem"), new.signing_key.serialize_pem()).unwrap();
    wait_until(|| {
        assert_eq!(encrypted.get(&open).unwrap().status(), 200);
        encrypted.server.log().contains("does not belong to the certificate")
    });
    assert_eq!(encrypted.get(&trusting(&old).build().unwrap()).unwrap().status(), 200);
    write(&encrypted.folder, &new);
    wait_until(|| {
        // If this connection ended, its client would refuse the new certificate.
        assert_eq!(encrypted.get(&open).unwrap().status(), 200);
        encrypted.get(&trusting(&new).build().unwrap()).is_ok()
    });
    assert_eq!(encrypted.get(&open).unwrap().status(), 200);
    assert!(encrypted.get(&trusting(&old).build().unwrap()).is_err());
    assert!(encrypted.server.terminate());
}

#[test]
fn a_client_without_tls_is_refused_and_does_no_harm() {
    let pair = generated();
    let encrypted = Encrypted::start(&pair);
    let mut received = Vec::new();
    let mut plain = TcpStream::connect(encrypted.address()).unwrap();
    plain.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let _reset = plain.read_to_end(&mut received);
    assert!(!received.starts_with(b"HTTP/"), "{received:?}");
    // A client that never finishes its handshake does not delay the end of the server.
    let _silent = TcpStream::connect(encrypted.address()).unwrap();
    assert_eq!(encrypted.get(&trusting(&pair).build().unwrap()).unwrap().status(), 200);
    encrypted.server.signal("INT");
    wait_until(|| encrypted.server.log().contains("\"stopped\""));
    assert!(!encrypted.server.log().contains("shutdown timed out"), "{}", encrypted.server.log());
    assert_eq!(encrypted.server.wait(), Some(0));
}

#[test]
fn an_unusable_certificate_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, &generated());
    let all = flags(&folder);
    let start = |flags: &[String]| {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        match Server::spawn(serve(&database(&folder), &flags)) {
            Ok(_) => panic!("the server has started"),
            Err((status, log)) => {
                assert!(!status.success());
                log
            }
        }
    };
    assert!(start(&all[..2]).contains("--tls-key: missing, although --tls-certificate is set"));
    assert!(start(&all[2..]).contains("--tls-certificate: missing, although --tls-key is set"));
    let other = generated().signing_key.serialize_pem();
    fs::write(folder.path().join("key.pem"), other).unwrap();
    let log = start(&all);
    assert!(log.contains("key.pem does not belong to the certificate in "), "{log}");
    fs::write(folder.path().join("key.pem"), "").unwrap();
    assert!(start(&all).contains("key.pem contains no private key"));
    fs::remove_file(folder.path().join("certificate.pem")).unwrap();
    let log = start(&all);
    assert!(log.contains("cannot read ") && log.contains("certificate.pem: it does not exist"), "{log}");
}

/// The health check of an image has the settings of the server, and the certificate names another host.
#[test]
fn the_health_check_of_an_encrypted_server_needs_no_further_setting() {
    let encrypted = Encrypted::start(&generate_simple_self_signed(["stats.example.com".to_owned()]).unwrap());
    let flags = flags(&encrypted.folder);
    let flags = flags.each_ref().map(String::as_str);
    let check = |flags: &[&str]| run(&[&["health", "--listen", encrypted.address()], flags].concat());
    assert!(check(&flags).status.success());
    assert!(!check(&[]).status.success());
}
