//! `ARCHITECTURE.md` agrees with the project: the crates that each crate uses, and the tests that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

type Uses = BTreeMap<String, BTreeSet<String>>;

/// Returns, for each crate of the workspace, the crates that it uses outside of its tests.
fn from_manifests(root: &Path) -> Uses {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let arguments = ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let uses = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
        normal.map(name).filter(|name| members.contains(name)).collect()
    };
    packages.iter().map(|package| (name(package), uses(package))).collect()
}

/// Returns the backticked names in each cell of the rows of a table.
fn table(root: &Path, header: &str) -> Vec<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(names).collect()).collect()
}

fn from_architecture(root: &Path) -> Uses {
    let rows = table(root, "| crate | uses |").into_iter();
    rows.map(|cells| (cells[0][0].clone(), cells[1].iter().cloned().collect())).collect()
}

/// Appends the text of all Rust files under a folder.
fn read_sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            read_sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// A dependency on a layer above, for instance of the service on HTTP, would prevent a second transport from
/// using the service.
#[test]
fn crates_use_the_crates_that_the_architecture_names_and_no_others() {
    assert_eq!(from_architecture(root()), from_manifests(root()));
}

#[test]
fn the_tests_that_the_architecture_names_exist() {
    let mut sources = String::new();
    read_sources(&root().join("crates"), &mut sources);
    let named: Vec<String> =
        table(root(), "| invariant | tests |").into_iter().flat_map(|mut cells| cells.remove(1)).collect();
    assert!(named.len() > 50, "the table is missing in ARCHITECTURE.md");
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "no test has the name {name}");
    }
}
