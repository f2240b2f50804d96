//! The files of the dashboard: their media types, their compressed forms and the tags of these forms. The
//! routes are in `routes/dashboard.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::task::spawn_blocking;

use crate::headers::accept::{accepts_gzip, accepts_zstd};
use crate::headers::entity_tag::EntityTag;

/// Level of the compression with zstd. Higher ones need much more memory.
const ZSTD_LEVEL: i32 = 19;

/// The files of the dashboard, by their paths. A clone is cheap and refers to the same files.
#[derive(Clone, Default)]
pub struct Dashboard(Arc<BTreeMap<String, Arc<DashboardFile>>>);

impl Dashboard {
    /// Creates a dashboard of files, each with its path, such as `index.html` or `assets/index-1a2b3c4d.js`.
    /// Without a file `index.html`, the service has no page at `/`.
    pub fn new(files: impl IntoIterator<Item = (String, Cow<'static, [u8]>)>) -> Self {
        let files = files.into_iter().map(|(path, content)| {
            let file = Arc::new(DashboardFile::new(&path, content));
            (path, file)
        });
        Self(Arc::new(files.collect()))
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Arc<DashboardFile>> {
        self.0.get(path)
    }

    /// Returns the paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}

/// A file of the dashboard.
pub(crate) struct DashboardFile {
    media_type: HeaderValue,
    plain: Form,
    /// The form of each coding, in the order of [`Coding::ALL`]; `None` inside if it is not smaller.
    compressed: [OnceLock<Option<Form>>; Coding::ALL.len()],
}

/// A form of a file. Each form has a tag of its own, because a tag names one sequence of bytes (RFC 9110,
/// section 8.8.3.3).
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) bytes: Bytes,
    pub(crate) tag: EntityTag,
    /// The coding of the bytes; `None` for those of the file itself.
    pub(crate) coding: Option<Coding>,
}

impl DashboardFile {
    fn new(path: &str, content: Cow<'static, [u8]>) -> Self {
        let bytes = match content {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let plain = Form { tag: EntityTag::of_bytes(&bytes), bytes, coding: None };
        Self { media_type: media_type(path), plain, compressed: Default::default() }
    }

    pub(crate) fn media_type(&self) -> &HeaderValue {
        &self.media_type
    }

    /// Returns whether the file is a text, so that its form depends on the client.
    pub(crate) fn is_text(&self) -> bool {
        let media_type = self.media_type.as_bytes();
        media_type.starts_with(b"text/") || [&b"json"[..], b"xml"].iter().any(|end| media_type.ends_with(end))
    }

    /// Returns the smallest form that a client accepts. The first request for a form compresses the file, on
    /// a thread that may block.
    pub(crate) async fn form_for(self: &Arc<Self>, client: &HeaderMap) -> Form {
        if !self.is_text() {
            return self.plain.clone();
        }
        for coding in Coding::ALL.into_iter().filter(|coding| coding.is_accepted_by(client)) {
            if let Some(form) = self.compressed(coding).await {
                return form;
            }
        }
        self.plain.clone()
    }

    async fn compressed(self: &Arc<Self>, coding: Coding) -> Option<Form> {
        let slot = self.compressed.get(coding as usize)?;
        if let Some(form) = slot.get() {
            return form.clone();
        }
        let file = Arc::clone(self);
        let form = spawn_blocking(move || {
            // Requests that arrive meanwhile wait here, so the file is compressed once.
            file.compressed.get(coding as usize)?.get_or_init(|| file.plain.compress(coding)).clone()
        });
        // A panic is a bug of the encoder. The client gets the file as it is.
        form.await.unwrap_or_default()
    }
}

impl Form {
    /// Returns this form in a coding; `None` if that is not smaller.
    fn compress(&self, coding: Coding) -> Option<Self> {
        let bytes = Bytes::from(coding.compress(&self.bytes).ok()?);
        let is_smaller = bytes.len() < self.bytes.len();
        is_smaller.then(|| Self { tag: EntityTag::of_bytes(&bytes), bytes, coding: Some(coding) })
    }
}

/// A coding of a response. All browsers accept gzip; zstd is accepted over HTTPS and from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// All codings, the smallest form first.
    const ALL: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// Returns the name of the coding in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn is_accepted_by(self, client: &HeaderMap) -> bool {
        match self {
            Self::Zstd => accepts_zstd(client),
            Self::Gzip => accepts_gzip(client),
        }
    }

    fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

/// Returns the media type of a file by its path. Texts are UTF-8.
fn media_type(path: &str) -> HeaderValue {
    // `mime_guess` does not know RFC 9239, which gives modules the type of all scripts.
    let is_module = Path::new(path).extension().is_some_and(|extension| extension == "mjs");
    let guess = if is_module { "module.js" } else { path };
    let media_type = mime_guess::from_path(guess).first_raw().unwrap_or("application/octet-stream");
    let charset = if media_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    HeaderValue::from_str(&format!("{media_type}{charset}"))
        .unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT_ENCODING;

    use super::*;

    fn file(path: &str, content: impl Into<Vec<u8>>) -> Arc<DashboardFile> {
        let dashboard = Dashboard::new([(path.to_owned(), Cow::Owned(content.into()))]);
        Arc::clone(dashboard.find(path).unwrap())
    }

    fn client(codings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(codings))])
    }

    #[test]
    fn files_have_the_media_types_that_browsers_require() {
        for (path, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("assets/index-1a2b.js", "text/javascript; charset=utf-8"),
            ("assets/live-1a2b.mjs", "text/javascript; charset=utf-8"),
            ("assets/index-1a2b.css", "text/css; charset=utf-8"),
            ("assets/icon-1a2b.svg", "image/svg+xml"),
            ("assets/text-1a2b.woff2", "font/woff2"),
            ("favicon.ico", "image/x-icon"),
            ("manifest.webmanifest", "application/manifest+json"),
            ("assets/data-1a2b.json", "application/json"),
            ("assets/nothing", "application/octet-stream"),
        ] {
            assert_eq!(media_type(path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn each_form_holds_the_file_and_has_its_own_tag() {
        let content = "const a = 1;\n".repeat(1_000);
        let file = file("a.js", content.clone());
        let mut tags = Vec::new();
        for (codings, expected) in
            [("gzip, zstd", Some(Coding::Zstd)), ("gzip, br", Some(Coding::Gzip)), ("br, gzip;q=0", None)]
        {
            let form = file.form_for(&client(codings)).await;
            assert_eq!(form.coding, expected, "{codings}");
            let mut text = String::new();
            let bytes = &form.bytes[..];
            match form.coding {
                None => io::Read::read_to_string(&mut &*bytes, &mut text).unwrap(),
                Some(Coding::Gzip) => {
                    io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap()
                }
                Some(Coding::Zstd) => {
                    io::Read::read_to_string(&mut zstd::Decoder::new(bytes).unwrap(), &mut text).unwrap()
                }
            };
            assert_eq!(text, content, "{codings}");
            tags.push(form.tag.as_str().to_owned());
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "{tags:?}");
    }

    /// The result of the first compression is kept: its bytes are in the same place for each client.
    #[tokio::test]
    async fn a_file_is_compressed_once() {
        let file = file("a.css", "a { color: red }\n".repeat(1_000));
        let [one, other] = [file.form_for(&client("gzip")).await, file.form_for(&client("gzip")).await];
        assert_eq!(one.bytes.as_ptr(), other.bytes.as_ptr());
    }

    #[tokio::test]
    async fn a_file_that_compression_does_not_shorten_is_sent_as_it_is() {
        for file in [file("a.js", "1"), file("a.js", ""), file("a.woff2", "a".repeat(10_000))] {
            assert_eq!(file.form_for(&client("gzip, zstd")).await.coding, None);
        }
    }
}
