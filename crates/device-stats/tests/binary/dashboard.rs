//! The page that is embedded in the binary: the dashboard, or the page that says how to get it.

use std::io::Read as _;
use std::process::Command;

use flate2::read::GzDecoder;

use crate::server::Server;

/// Returns the bytes of a file in a coding, as they are sent.
fn bytes_of(server: &Server, path: &str, coding: &str) -> Vec<u8> {
    let accept = format!("accept-encoding: {coding}");
    let address = format!("{}{path}", server.url);
    let output = Command::new("curl").args(["-sf", "-H", &accept, &address]).output().unwrap();
    assert!(output.status.success(), "{path} {coding}: {output:?}");
    output.stdout
}

/// Returns the paths of the files that a page names.
fn named_files(page: &str) -> Vec<String> {
    let addresses = page.split([' ', '\n', '>']).filter_map(|attribute| {
        let value = attribute.strip_prefix("src=").or_else(|| attribute.strip_prefix("href="))?;
        value.trim_matches('"').trim_start_matches('.').strip_prefix('/')
    });
    // An address without a dot is not that of a file.
    addresses.filter(|address| address.contains('.')).map(|address| format!("/{address}")).collect()
}

#[test]
fn the_binary_has_a_page_and_all_files_that_the_page_names() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let page = String::from_utf8(bytes_of(&server, "/", "identity")).unwrap();
    assert!(page.contains("<!doctype html>"), "{page}");
    let files = named_files(&page);
    assert!(!files.is_empty(), "{page}");
    for path in files {
        let [plain, gzip, brotli] = ["identity", "gzip", "br"].map(|coding| bytes_of(&server, &path, coding));
        assert!(!plain.is_empty(), "{path}");
        // The page that says how to get the dashboard is not compressed.
        if path.starts_with("/assets/") {
            let mut content = Vec::new();
            GzDecoder::new(gzip.as_slice()).read_to_end(&mut content).unwrap();
            assert!(content == plain, "{path}");
            // The check of the dashboard's size reads the form in Brotli.
            assert!(brotli.len() < gzip.len(), "{path}: {} {}", brotli.len(), gzip.len());
        }
    }
    assert!(server.terminate());
}
