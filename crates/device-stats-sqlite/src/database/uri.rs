//! Paths as URI filenames of SQLite.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Returns the path as a URI. `mode` controls whether a connection can create the file or write to it. A path
/// that looks like a URI is still treated as a path.
pub(crate) fn uri(path: &Path, mode: &str) -> String {
    // An absolute path follows an empty authority. Without that, a path with two leading slashes would be
    // read as an authority.
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:./" });
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?mode=" + mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_can_be_written_as_a_uri() {
        assert_eq!(uri(Path::new("/data/a.db"), "ro"), "file:///data/a.db?mode=ro");
        assert_eq!(uri(Path::new("//data/a.db"), "ro"), "file:////data/a.db?mode=ro");
        assert_eq!(uri(Path::new("a.db"), "rw"), "file:./a.db?mode=rw");
        assert_eq!(
            uri(Path::new("file:a.db?mode=memory"), "rw"),
            "file:./file%3Aa.db%3Fmode%3Dmemory?mode=rw"
        );
        assert_eq!(uri(Path::new("/a?b#c%d \u{fc}"), "ro"), "file:///a%3Fb%23c%25d%20%C3%BC?mode=ro");
    }
}
