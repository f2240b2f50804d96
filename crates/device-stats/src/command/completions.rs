//! `device-stats completions`: prints a completion script for a shell.

use clap::{Command, ValueEnum};
use clap_complete::aot::{Shell, generate};

use super::stdout;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the script for this shell
    shell: ScriptShell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScriptShell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script for all commands and flags.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn print(arguments: &Arguments, root: Command) -> anyhow::Result<()> {
    let shell = match arguments.shell {
        ScriptShell::Bash => Shell::Bash,
        ScriptShell::Zsh => Shell::Zsh,
        ScriptShell::Fish => Shell::Fish,
    };
    stdout::print(&script(shell, root)?)
}

/// Returns the script for a shell.
fn script(shell: Shell, mut root: Command) -> anyhow::Result<String> {
    let name = root.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut root, name, &mut script);
    Ok(String::from_utf8(script)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::command_line::CommandLine;
    use super::*;

    /// Checks that a script contains a command, its visible flags and its subcommands.
    fn assert_contains(script: &str, command: &Command) {
        assert!(script.contains(command.get_name()), "{}", command.get_name());
        for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
            let name = flag.get_long().unwrap_or_default();
            assert!(script.contains(name), "{name} of {}", command.get_name());
        }
        command.get_subcommands().for_each(|subcommand| assert_contains(script, subcommand));
    }

    #[test]
    fn each_script_contains_every_command_and_flag() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell, CommandLine::command()).unwrap();
            assert!(script.len() > 10_000, "{shell}");
            assert_contains(&script, &CommandLine::command());
        }
    }
}
