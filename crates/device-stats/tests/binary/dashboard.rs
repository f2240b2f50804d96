//! The page that is embedded in the binary: the dashboard, or the page that says how to get it.

use std::process::Command;

use crate::server::Server;

#[test]
fn the_binary_has_a_page_and_all_files_that_the_page_names() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let page = Command::new("curl").args(["-sf", &server.url]).output().unwrap();
    assert!(page.status.success(), "{page:?}");
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("<!doctype html>"), "{page}");
    let addresses = page.split([' ', '\n', '>']).filter_map(|attribute| {
        let value = attribute.strip_prefix("src=").or_else(|| attribute.strip_prefix("href="))?;
        value.trim_matches('"').trim_start_matches('.').strip_prefix('/')
    });
    // An address without a dot is not that of a file.
    let addresses: Vec<&str> = addresses.filter(|address| address.contains('.')).collect();
    assert!(!addresses.is_empty(), "{page}");
    for address in addresses {
        assert_eq!(server.get(&format!("/{address}")).0, 200, "{address}");
    }
    assert!(server.terminate());
}
