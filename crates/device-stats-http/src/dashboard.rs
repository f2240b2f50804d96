//! The files of the dashboard: their media types, their forms for the codings of clients, and the tags of
//! these forms. The build of the dashboard compresses them; nothing is compressed here. The routes are in
//! `routes/dashboard.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;

use crate::headers::accept::{accepts_brotli, accepts_gzip};
use crate::headers::entity_tag::EntityTag;

/// The files of the dashboard, by their paths. A clone is cheap and refers to the same files.
#[derive(Clone, Default)]
pub struct Dashboard(Arc<BTreeMap<String, DashboardFile>>);

impl Dashboard {
    /// Creates a dashboard of files, each with its path, such as `index.html` or `assets/index-1a2b3c4d.js`.
    /// Without a file `index.html`, the service has no page at `/`.
    ///
    /// `a.js.br` and `a.js.gz` beside `a.js` are its forms in Brotli and gzip. They have no addresses of
    /// their own.
    pub fn new(files: impl IntoIterator<Item = (String, Cow<'static, [u8]>)>) -> Self {
        let contents = files.into_iter().map(|(path, content)| match content {
            Cow::Borrowed(bytes) => (path, Bytes::from_static(bytes)),
            Cow::Owned(bytes) => (path, Bytes::from(bytes)),
        });
        let contents: BTreeMap<String, Bytes> = contents.collect();
        let is_form = |path: &str| {
            let bases = Coding::ALL.iter().filter_map(|coding| path.strip_suffix(coding.suffix()));
            bases.into_iter().any(|base| contents.contains_key(base))
        };
        let files = contents.iter().filter(|(path, _)| !is_form(path));
        let files = files.map(|(path, content)| {
            let compressed = Coding::ALL.map(|coding| {
                let bytes = contents.get(&format!("{path}{}", coding.suffix()))?;
                Some(Form::new(bytes, Some(coding)))
            });
            (path.clone(), DashboardFile::new(path, content, compressed))
        });
        Self(Arc::new(files.collect()))
    }

    pub(crate) fn find(&self, path: &str) -> Option<&DashboardFile> {
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
    /// The compressed forms, the smallest first.
    compressed: Vec<Form>,
}

/// A form of a file. Each form has a tag of its own, because a tag names one sequence of bytes (RFC 9110,
/// section 8.8.3.3).
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) bytes: Bytes,
    pub(crate) tag: EntityTag,
    /// The coding of the bytes; `None` for those of the file itself.
    pub(crate) coding: Option<Coding>,
}

impl DashboardFile {
    fn new(path: &str, content: &Bytes, compressed: [Option<Form>; Coding::ALL.len()]) -> Self {
        let compressed = compressed.into_iter().flatten().filter(|form| form.bytes.len() < content.len());
        let mut compressed: Vec<Form> = compressed.collect();
        compressed.sort_by_key(|form| form.bytes.len());
        Self { media_type: media_type(path), plain: Form::new(content, None), compressed }
    }

    pub(crate) fn media_type(&self) -> &HeaderValue {
        &self.media_type
    }

    /// Returns whether the form depends on the client.
    pub(crate) fn has_forms(&self) -> bool {
        !self.compressed.is_empty()
    }

    /// Returns the smallest form that a client accepts.
    pub(crate) fn form_for(&self, client: &HeaderMap) -> &Form {
        let is_accepted = |form: &&Form| form.coding.is_some_and(|coding| coding.is_accepted_by(client));
        self.compressed.iter().find(is_accepted).unwrap_or(&self.plain)
    }
}

impl Form {
    fn new(bytes: &Bytes, coding: Option<Coding>) -> Self {
        Self { tag: EntityTag::of_bytes(bytes), bytes: bytes.clone(), coding }
    }
}

/// A coding of a response. All browsers accept gzip; most accept Brotli over HTTPS and from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Returns the name of the coding in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Returns the end of the name of a file in this coding, after the name of the file itself.
    fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    fn is_accepted_by(self, client: &HeaderMap) -> bool {
        match self {
            Self::Brotli => accepts_brotli(client),
            Self::Gzip => accepts_gzip(client),
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

    /// Returns a dashboard of files, each with its path and its content.
    fn dashboard(files: &[(&str, &'static str)]) -> Dashboard {
        Dashboard::new(files.iter().map(|(path, content)| {
            let content = Cow::Borrowed(content.as_bytes());
            ((*path).to_owned(), content)
        }))
    }

    const PLAIN: &str = "const a = 1; const a = 1;";
    const BROTLI: &str = "in Brotli";
    const GZIP: &str = "in gzip....";

    #[test]
    fn a_client_gets_the_smallest_form_that_it_accepts() {
        let dashboard = dashboard(&[("a.js", PLAIN), ("a.js.br", BROTLI), ("a.js.gz", GZIP)]);
        let file = dashboard.find("a.js").unwrap();
        for (codings, expected, content) in [
            ("gzip, deflate, br, zstd", Some(Coding::Brotli), BROTLI),
            ("br;q=0.1, gzip", Some(Coding::Brotli), BROTLI),
            ("BR", Some(Coding::Brotli), BROTLI),
            ("gzip, deflate", Some(Coding::Gzip), GZIP),
            ("br;q=0, gzip;q=0.001", Some(Coding::Gzip), GZIP),
            ("br;q=0.000, x-gzip", Some(Coding::Gzip), GZIP),
            ("br;q=0, gzip;q=0", None, PLAIN),
            ("zstd, deflate", None, PLAIN),
            ("brx, identity", None, PLAIN),
            ("", None, PLAIN),
        ] {
            let form = file.form_for(&client(codings));
            assert_eq!((form.coding, &form.bytes[..]), (expected, content.as_bytes()), "{codings:?}");
            assert_eq!(form.tag.as_str(), EntityTag::of_bytes(content.as_bytes()).as_str());
        }
        assert_eq!(file.form_for(&HeaderMap::new()).coding, None);
    }

    #[test]
    fn a_file_with_one_form_has_this_form_or_its_content() {
        let dashboard =
            dashboard(&[("a.js", PLAIN), ("a.js.gz", GZIP), ("b.js", PLAIN), ("b.js.br", BROTLI)]);
        for (path, codings, expected) in [
            ("a.js", "br, gzip", Some(Coding::Gzip)),
            ("a.js", "br", None),
            ("b.js", "br, gzip", Some(Coding::Brotli)),
            ("b.js", "gzip", None),
        ] {
            let file = dashboard.find(path).unwrap();
            assert_eq!(file.form_for(&client(codings)).coding, expected, "{path} {codings}");
            assert!(file.has_forms());
        }
    }

    #[test]
    fn forms_have_no_path_of_their_own_but_files_without_another_have() {
        let dashboard =
            dashboard(&[("a.js", PLAIN), ("a.js.br", BROTLI), ("a.js.gz", GZIP), ("data.gz", GZIP)]);
        assert_eq!(dashboard.paths().collect::<Vec<_>>(), ["a.js", "data.gz"]);
        assert!(dashboard.find("a.js.br").is_none());
    }

    #[test]
    fn a_form_that_is_not_smaller_is_not_sent() {
        let dashboard = dashboard(&[("a.svg", "<svg/>"), ("a.svg.br", "<svg/> "), ("a.svg.gz", "<svg/>")]);
        let file = dashboard.find("a.svg").unwrap();
        assert_eq!(file.form_for(&client("gzip, br")).coding, None);
        assert!(!file.has_forms());
    }
}
