//! Files that contain an access token.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use device_stats_domain::Token;
use secrecy::{ExposeSecret, SecretString};

/// Maximum size of a file with a token, in bytes. A token with spaces around it is much shorter.
const FILE_BYTES_MAX: u64 = 4 * 1024;

/// Error of a file without a token. It contains no part of the contents.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidTokenFile {
    /// It cannot be read.
    #[error("cannot read the token in {path}")]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Its contents are not a token.
    #[error("the content of {path} {source}")]
    Invalid {
        /// Path of the file.
        path: String,
        /// The reason.
        source: device_stats_domain::InvalidToken,
    },
}

/// Reads a token from a file that contains nothing else, except for white space around it.
///
/// # Errors
/// [`InvalidTokenFile`].
pub(super) fn read_token(path: &Path) -> Result<Token, InvalidTokenFile> {
    let shown = || path.display().to_string();
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(SecretString::from(text))
    };
    let text = read().map_err(|source| InvalidTokenFile::Unreadable { path: shown(), source })?;
    let token = Token::parse(text.expose_secret().trim());
    token.map_err(|source| InvalidTokenFile::Invalid { path: shown(), source })
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{TokenKind, error_chain};

    use super::*;

    #[test]
    fn a_file_with_a_token_is_read_and_others_are_refused_without_showing_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = Token::from_random(TokenKind::Administrator, &[5; 32]);
        std::fs::write(&path, format!("\n{}\r\n", token.expose())).unwrap();
        assert_eq!(read_token(&path).unwrap().hash(), token.hash());
        for contents in ["", "secret", &format!("{0}\n{0}", token.expose()), &"x".repeat(100_000)] {
            std::fs::write(&path, contents).unwrap();
            let error = error_chain(&read_token(&path).unwrap_err());
            assert!(error.contains("token") && !error.contains("secret"), "{error}");
            assert!(!error.contains(&token.expose()[6..20]), "{error}");
        }
        let error = error_chain(&read_token(&folder.path().join("none")).unwrap_err());
        assert!(error.contains("cannot read the token") && error.contains("it does not exist"), "{error}");
    }
}
