//! The files of the dashboard, embedded in the binary. `dashboard/` in the root of the project has their
//! sources, from which Node builds them (`make dashboard`). A binary that was compiled without them has a
//! page that says how to get them.
//!
//! The routes, the headers and the compression of the files are in `device-stats-http`.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// The page that a browser shows first. Without it, a folder has no dashboard.
const PAGE: &str = "index.html";

/// A file: its path, such as `assets/index-1a2b3c4d.js`, and its content.
pub type EmbeddedFile = (String, Cow<'static, [u8]>);

/// The files that Node has built. There are none if the folder does not exist.
#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
struct Built;

/// The page that says how to get the dashboard.
#[derive(RustEmbed)]
#[folder = "placeholder"]
struct Placeholder;

/// Returns the files of the dashboard; without a dashboard, those of [`placeholder`].
pub fn files() -> Vec<EmbeddedFile> {
    files_or_placeholder::<Built>()
}

/// Returns the files of the page that says how to get the dashboard.
pub fn placeholder() -> Vec<EmbeddedFile> {
    files_of::<Placeholder>()
}

fn files_or_placeholder<Files: RustEmbed>() -> Vec<EmbeddedFile> {
    if Files::get(PAGE).is_some() { files_of::<Files>() } else { placeholder() }
}

fn files_of<Files: RustEmbed>() -> Vec<EmbeddedFile> {
    Files::iter().filter_map(|path| Some((path.to_string(), Files::get(&path)?.data))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dashboard, as Node builds it.
    #[derive(RustEmbed)]
    #[folder = "fixture"]
    struct Fixture;

    /// The folder of a project in which Node has built nothing.
    #[derive(RustEmbed)]
    #[folder = "fixture/missing"]
    #[allow_missing = true]
    struct Missing;

    /// A build that has failed before it wrote the page.
    #[derive(RustEmbed)]
    #[folder = "fixture/assets"]
    struct Incomplete;

    fn paths(files: &[EmbeddedFile]) -> Vec<&str> {
        files.iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn all_files_of_a_built_dashboard_are_embedded() {
        let files = files_or_placeholder::<Fixture>();
        assert_eq!(paths(&files), ["assets/index-1a2b3c4d.js", "index.html"]);
        assert_eq!(*files[0].1, *b"document.title = \"A dashboard\";\n");
    }

    #[test]
    fn without_a_built_page_the_placeholder_says_how_to_get_it() {
        for files in [files_or_placeholder::<Missing>(), files_or_placeholder::<Incomplete>()] {
            assert_eq!(files, placeholder());
            assert_eq!(paths(&files), ["index.html", "placeholder.css"]);
            let page = String::from_utf8_lossy(&files[0].1);
            assert!(page.contains("<code>make dashboard</code>"), "{page}");
        }
    }

    /// The policy of the service for pages refuses inline scripts and styles.
    #[test]
    fn the_placeholder_has_no_inline_script_and_no_inline_style() {
        for (path, content) in placeholder() {
            let text = String::from_utf8_lossy(&content);
            for part in ["<script", "<style", "style=", "onclick", "javascript:"] {
                assert!(!text.contains(part), "{path}: {part}");
            }
        }
    }
}
