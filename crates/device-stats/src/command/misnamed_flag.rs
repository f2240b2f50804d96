//! Flags that other programs have, and the flags of this program for the same purpose. clap alone would
//! propose a flag with a similar name: `--postgres-port` for `--port`.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Names of the port or address of a server.
const PORTS: [&str; 2] = ["--port", "-p"];
const HOSTS: [&str; 9] =
    ["--host", "-h", "--bind", "-b", "--addr", "--address", "--server", "--endpoint", "--base-url"];
/// Names of the database.
const DATABASES: [&str; 5] = ["--database", "--db", "--db-url", "--sqlite", "--dsn"];

/// Replaces the proposal in the error for an unknown flag, if the flag has a usual meaning.
pub(super) fn explain(mut error: clap::Error, root: &Command, line: &[OsString]) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && let Some(proposal) = proposal(flag, root, line)
    {
        error.remove(ContextKind::SuggestedArg);
        // It shows the flag with the similar name.
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![proposal.into()]));
    }
    error
}

fn proposal(flag: &str, root: &Command, line: &[OsString]) -> Option<String> {
    let words: Vec<&str> = line.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let command = words.iter().find_map(|word| root.find_subcommand(word));
    let command = command.or_else(|| root.find_subcommand("serve"))?;
    let has = |name: &str| command.get_arguments().any(|flag| flag.get_long() == Some(name));
    let flag = flag.split('=').next().unwrap_or(flag);
    let value = value(flag, &words);
    let (is_port, is_host) = (PORTS.contains(&flag), HOSTS.contains(&flag));
    if DATABASES.contains(&flag) && has("database-url") {
        return Some(
            "set the database with '--database-url sqlite:PATH' or '--database-url postgres://...'"
                .to_owned(),
        );
    }
    let number = value.filter(|value| value.parse::<u16>().is_ok());
    let host = value.filter(|value| !value.is_empty() && !value.contains([':', '/', ' ']));
    let (host, port) = match (is_port, is_host) {
        (true, _) => (None, number),
        (_, true) => (host, None),
        _ => return None,
    };
    let port = port.unwrap_or("8000");
    if has("listen") {
        let host = host.unwrap_or("127.0.0.1");
        return Some(format!("set the address to listen on with '--listen {host}:{port}'"));
    }
    let host = host.unwrap_or("HOST");
    has("url").then(|| format!("set the server with '--url http://{host}:{port}'"))
}

/// Returns the value after a flag.
fn value<'a>(flag: &str, words: &[&'a str]) -> Option<&'a str> {
    let mut words = words.iter();
    let is_flag = |word: &&str| *word == flag || word.starts_with(&format!("{flag}="));
    let found = words.by_ref().find(|word| is_flag(word))?;
    let joined = found.split_once('=').map(|(_, value)| value);
    joined.or_else(|| words.next().copied().filter(|word| !word.starts_with('-')))
}
