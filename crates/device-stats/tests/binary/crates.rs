//! The table of crates in `ARCHITECTURE.md` is what the manifests say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The crates that each crate of the workspace uses, without those that only its tests use.
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

/// The rows of the table whose header is `| crate | uses |`: backticked names in two columns.
fn from_architecture(root: &Path) -> Uses {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| crate | uses |")).skip(2);
    let mut uses = Uses::new();
    for line in lines.by_ref().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let [name] = names(cells[1]).try_into().unwrap();
        uses.insert(name, names(cells[2]).into_iter().collect());
    }
    uses
}

/// An upward dependency, for instance of the service on HTTP, would keep a second transport from using the
/// service.
#[test]
fn crates_use_the_crates_that_the_architecture_names_and_no_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let (stated, found) = (from_architecture(root), from_manifests(root));
    assert!(stated.len() > 5, "the table is missing in ARCHITECTURE.md");
    assert_eq!(stated, found);
}
