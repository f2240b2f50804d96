//! Tells cargo on which files the embedded files depend. The derive macro of `rust-embed` reads them, but
//! cargo does not know of files that a later build of the dashboard adds.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=placeholder");
    // Cargo takes a missing file for a changed one, so it would compile this crate again at each build. The
    // folder around a missing one changes when the missing one is created.
    let folders = ["../../dashboard/dist", "../../dashboard"];
    if let Some(folder) = folders.iter().find(|folder| Path::new(folder).exists()) {
        println!("cargo::rerun-if-changed={folder}");
    }
}
