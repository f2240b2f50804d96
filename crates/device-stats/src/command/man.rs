//! `device-stats man`: prints the manual page, or writes a page for each command.

use std::path::PathBuf;

use anyhow::Context;
use clap::Command;
use clap_mangen::{Man, generate_to};

use super::stdout;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write a page for each command to this folder, for example /usr/local/share/man/man1
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints the page of the program, or writes the pages of all commands.
///
/// # Errors
/// If stdout or the folder cannot be written.
pub(super) fn print(arguments: &Arguments, root: Command) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.folder {
        return generate_to(root, folder).with_context(|| format!("cannot write to {}", folder.display()));
    }
    let mut page = Vec::new();
    Man::new(root).render(&mut page)?;
    stdout::print(&String::from_utf8(page)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::command_line::CommandLine;
    use super::*;

    /// Returns the file name of the page of each command.
    fn pages(prefix: &str, command: &Command) -> Vec<String> {
        let name = format!("{prefix}{}", command.get_name());
        let of_subcommands =
            command.get_subcommands().flat_map(|command| pages(&format!("{name}-"), command));
        std::iter::once(format!("{name}.1")).chain(of_subcommands).collect()
    }

    #[test]
    fn every_command_has_a_page_with_its_flags() {
        let folder = tempfile::tempdir().unwrap();
        print(&Arguments { folder: Some(folder.path().to_owned()) }, CommandLine::command()).unwrap();
        for name in pages("", &CommandLine::command()) {
            assert!(std::fs::exists(folder.path().join(&name)).unwrap(), "{name}");
        }
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let main = page("device-stats.1");
        for command in CommandLine::command().get_subcommands() {
            assert!(main.contains(&command.get_name().replace('-', "\\-")), "{}", command.get_name());
        }
        assert!(main.contains("Exit codes") && main.contains("Unreachable"), "{main}");
        assert!(page("device-stats-readings-delete.1").contains("\\-\\-until"));
    }
}
