//! Lists the cases of the conformance suite: every `pub async fn` of `src/conformance/*.rs`. The macro
//! `conformance_tests!` makes a test of each, so a case is registered by writing it.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const CASES: &str = "src/conformance";

#[expect(clippy::disallowed_methods, reason = "cargo passes the directory of the output as a variable")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CASES}");
    let mut subjects = Vec::new();
    for entry in fs::read_dir(CASES)? {
        let path = entry?.path();
        let Some(subject) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if path.is_file() {
            subjects.push((subject.to_owned(), fs::read_to_string(&path)?));
        }
    }
    subjects.sort();
    let mut list = String::from("cases! {\n");
    for (subject, source) in &subjects {
        let functions =
            source.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        let cases: Vec<&str> = functions.collect();
        if !cases.is_empty() {
            writeln!(list, "    {subject} {{ {} }}", cases.join(" "))?;
        }
    }
    list.push_str("}\n");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("conformance_cases.rs"), list)?;
    Ok(())
}
