//! The report of an error on stderr, as text or as JSON.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use device_stats_client::ClientError;
use device_stats_domain::error_chain;
use serde_json::{Value, json};

use super::exit_code::Failure;
use crate::settings::OutputForm;

/// Prints an error with its causes, and returns the exit code.
pub(super) fn report(error: &anyhow::Error, form: OutputForm) -> ExitCode {
    let exit_code = Failure::of(error).exit_code();
    let message = error_chain(error.as_ref());
    match form {
        OutputForm::Text => print(&format!("error: {message}")),
        OutputForm::Json => {
            let mut report = json!({ "error": message, "exit_code": exit_code });
            if let Some(response) = error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
                add_response(&mut report, response);
            }
            print(&report.to_string());
        }
    }
    ExitCode::from(exit_code)
}

/// Prints an invalid command line or setting, and returns the exit code. A help or a version, which clap
/// treats as an error, is printed to stdout.
pub(super) fn report_usage(error: &clap::Error, line: &[OsString]) -> ExitCode {
    if error.use_stderr() && wants_json(line) {
        let text = error.to_string();
        let message = text.split("\n\nUsage").next().unwrap_or_default();
        let message = message.split("\n\nFor more information").next().unwrap_or_default();
        let message = message.trim().trim_start_matches("error: ");
        print(&json!({ "error": message, "exit_code": Failure::Usage.exit_code() }).to_string());
    } else {
        // If the stream is closed, the exit code alone reports the error.
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(Failure::Usage.exit_code()) } else { ExitCode::SUCCESS }
}

/// Returns whether a command line, which may be invalid, asks for JSON.
fn wants_json(line: &[OsString]) -> bool {
    let output = line.windows(2).any(|pair| *pair == ["--output", "json"]);
    output || line.iter().any(|argument| argument == "--json" || argument == "--output=json")
}

/// Adds the members of a response: the status, the code of the error, and its faults.
fn add_response(report: &mut Value, error: &ClientError) {
    match error {
        ClientError::Refused { status, code, .. } => {
            report["status"] = status.as_u16().into();
            report["code"] = code.clone().into();
        }
        ClientError::Faulty(faults) => {
            report["status"] = 422.into();
            report["faults"] =
                faults.iter().map(|fault| json!({ "loc": fault.loc, "msg": fault.msg })).collect();
        }
        _ => {}
    }
}

fn print(line: &str) {
    // If stderr is closed, the exit code alone reports the error.
    let _ = writeln!(std::io::stderr(), "{line}");
}
