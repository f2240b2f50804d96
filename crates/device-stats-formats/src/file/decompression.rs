//! Decompression of files. The errors of the decoders are replaced by our own, because their texts describe
//! internals of the libraries.

use std::fmt;
use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use tracing::debug;

use super::beginning::first_bytes;

/// First bytes of a file that gzip has written.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// First bytes of a file that zstd has written.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Number of bytes that determine the compression.
const MAGIC_BYTES: usize = ZSTD_MAGIC.len();

/// Compression of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Recognizes a compression by the first bytes of a file.
    fn of(begin: &[u8]) -> Self {
        // A file of `pzstd` begins with a frame that decoders skip.
        let is_skippable = matches!(begin, [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
        if begin.starts_with(&GZIP_MAGIC) {
            Self::Gzip
        } else if begin == ZSTD_MAGIC || is_skippable {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no compression",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Decompresses an input. Without a stated compression, it is recognized by the first bytes.
///
/// # Errors
/// If the input cannot be read, is empty, or does not have the stated compression.
pub(super) fn decompress(mut input: Box<dyn Read>, stated: Compression) -> io::Result<Box<dyn Read>> {
    let begin = first_bytes(&mut input, MAGIC_BYTES)?;
    let found = Compression::of(&begin);
    if stated != Compression::None {
        if begin.is_empty() {
            return Err(invalid("the file is empty".to_owned()));
        }
        if found != stated {
            let found =
                if found == Compression::None { String::new() } else { format!(", but with {found}") };
            return Err(invalid(format!("the file is not compressed with {stated}{found}")));
        }
    }
    let input: Box<dyn Read> = Box::new(Cursor::new(begin).chain(input));
    let decoder: Box<dyn Read> = match found {
        Compression::None => return Ok(input),
        Compression::Gzip => Box::new(MultiGzDecoder::new(input)),
        Compression::Zstd => Box::new(zstd::Decoder::new(input)?),
    };
    Ok(Box::new(Decompressed { decoder, compression: found }))
}

/// Decompressed bytes.
struct Decompressed {
    decoder: Box<dyn Read>,
    compression: Compression,
}

impl Read for Decompressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| {
            let is_of_system = error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted;
            if is_of_system { error } else { self.describe(&error) }
        })
    }
}

impl Decompressed {
    /// Describes an error of the decoder. The text of the library is only logged.
    fn describe(&self, error: &io::Error) -> io::Error {
        let compression = self.compression;
        debug!(%compression, cause = %error, "a file cannot be decompressed");
        invalid(match (error.kind(), compression) {
            (io::ErrorKind::UnexpectedEof, _) => {
                format!("the file is cut off: the end of its {compression} data is missing")
            }
            (_, Compression::Zstd) => {
                "the file is damaged, or was compressed with a window of more than 128 MiB \
                                       (zstd --long=28 or more)"
                    .to_owned()
            }
            _ => format!("the file is damaged: its {compression} data cannot be decompressed"),
        })
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
