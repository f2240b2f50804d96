//! An error in one line, for people.

use std::error::Error;

/// The error and its causes in one line. A cause that the error above it has told already is left out.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        let cause = cause.to_string();
        if !last.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        last = cause;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes_but_none_twice() {
        let error = anyhow::anyhow!("refused").context("no answer: refused").context("stopped");
        assert_eq!(error_chain(error.as_ref()), "stopped: no answer: refused");
    }
}
