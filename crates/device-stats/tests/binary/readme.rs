//! The example of the README.

use std::process::Command;

use crate::server::Server;

#[test]
fn the_example_of_the_readme_gives_its_answer() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, marked) = readme.split_once("<!-- run by a test -->").expect("the marker is in the README");
    let block = |text: &str, kind: &str| {
        let (_, text) = text.split_once(&format!("```{kind}\n")).unwrap();
        text.split_once("```").unwrap().0.to_owned()
    };
    let (lines, expected) = (block(marked, "sh"), block(marked, "json"));
    assert_eq!(lines.matches("curl").count(), 3);

    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let port = server.url.rsplit_once(':').unwrap().1;
    assert!(lines.contains("127.0.0.1:8000"));
    let lines = lines.replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    let output = Command::new("sh").args(["-euc", &lines]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&printed).into_iter().map(Result::unwrap).collect();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(answers.last(), Some(&expected), "{printed}");
}
