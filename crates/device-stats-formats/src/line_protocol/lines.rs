//! The lines of a body that hold a point, with their numbers. (The crate's own iterator over points does not tell them, and
//! lets a quote in a comment swallow the lines that follow.)

use influxdb_line_protocol::split_lines;

/// What is left of a body.
pub struct Lines<'a> {
    text: &'a str,
    rest: &'a str,
    /// Where the last point begins that was handed out, in bytes.
    begin: usize,
    /// The line on which the rest begins, counted from 1.
    number: u64,
}

impl<'a> Lines<'a> {
    /// Those of a part of a body that begins with that line.
    pub fn from_line(text: &'a str, number: u64) -> Self {
        Self { text, rest: text, begin: 0, number }
    }

    /// Whether nothing is left: then a line that was just handed out may have been cut off.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where the last point begins that was handed out, in bytes.
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// The line on which what is left begins.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Passes over white space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            if let Some(rest) = self.rest.strip_prefix('\n') {
                self.rest = rest;
                self.number += 1;
            } else if self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.split_at(end).1;
            } else {
                return;
            }
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a str);

    /// The next point, without the end of its line. A text in quotes may hold ends of lines, so it may be several.
    fn next(&mut self) -> Option<Self::Item> {
        self.skip();
        let line = split_lines(self.rest).next().filter(|line| !line.is_empty())?;
        let number = self.number;
        self.begin = self.text.len() - self.rest.len();
        self.number += line.matches('\n').count() as u64;
        self.rest = self.rest.split_at(line.len()).1;
        Some((number, line.strip_suffix('\r').unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use influxdb_line_protocol::parse_lines;
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> Vec<(u64, &str)> {
        Lines::from_line(text, 1).collect()
    }

    #[test]
    fn numbers_are_those_an_editor_shows() {
        assert_eq!(lines(""), []);
        assert_eq!(lines(" \r\n# a x=\"\r\n\n\t"), []);
        assert_eq!(lines("a b=1"), [(1, "a b=1")]);
        assert_eq!(lines("\n\r\na b=1\r\n# x=\"\n  c d=2 \n"), [(3, "a b=1"), (5, "c d=2 ")]);
        let quoted = "a b=\"1\n\n2\",c=\"\\\"\n\" 1\nd e=1";
        assert_eq!(lines(quoted), [(1, quoted.rsplit_once('\n').unwrap().0), (5, "d e=1")]);
        assert_eq!(lines("a b=1\\\nc d=2\ne f=3"), [(1, "a b=1\\\nc d=2"), (3, "e f=3")]);
    }

    fn holds_no_point(text: &str) -> bool {
        text.split('\n').map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
    }

    proptest! {
        /// Nothing is lost, and each is one line for the crate, too.
        #[test]
        fn each_line_is_one_line(text in "([a-c ,=\"\\\\#\r]{0,6}\n?){0,8}") {
            let mut end = 0;
            for (number, line) in Lines::from_line(&text, 1) {
                prop_assert_eq!(split_lines(line).count(), 1);
                prop_assert!(parse_lines(line).count() == 1, "{:?}", line);
                let begin = line.as_ptr() as usize - text.as_ptr() as usize;
                prop_assert!(holds_no_point(&text[end..begin]), "{:?}", &text[end..begin]);
                prop_assert_eq!(number, 1 + text[..begin].matches('\n').count() as u64);
                end = begin + line.len();
            }
            prop_assert!(holds_no_point(&text[end..]));
        }
    }
}
