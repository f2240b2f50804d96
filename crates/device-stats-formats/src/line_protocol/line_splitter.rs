//! Cuts line protocol into lines as its characters arrive. A line break does not end a line if it is inside a
//! string value or after a backslash. Blank lines and comments are ignored.

/// Cuts text into the lines that hold points.
#[derive(Debug)]
pub(super) struct LineSplitter {
    state: State,
    /// Whether the next byte is escaped by a backslash.
    is_escaped: bool,
    /// Whether the last byte was an equals sign of the field set, which a string may follow.
    is_after_equals: bool,
    /// Line number of the next byte, from 1.
    line: u64,
    /// Number of the line on which the current point begins.
    first_line: u64,
    /// Beginning of a point whose end has not arrived.
    begun: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first character of a point or comment.
    Blank,
    Comment,
    /// In the measurement and the tags.
    Series,
    /// In the fields and the timestamp.
    Fields,
    /// In a string value.
    String,
}

impl Default for LineSplitter {
    fn default() -> Self {
        Self {
            state: State::Blank,
            is_escaped: false,
            is_after_equals: false,
            line: 1,
            first_line: 1,
            begun: String::new(),
        }
    }
}

impl LineSplitter {
    /// Takes the next characters, and calls `pass` with each complete point and the number of the line on
    /// which it begins.
    pub(super) fn receive(&mut self, text: &str, mut pass: impl FnMut(u64, &str)) {
        // Offset in `text` at which the current point begins; 0 if it began in an earlier text.
        let mut begin = 0;
        for (offset, byte) in text.bytes().enumerate() {
            let was_blank = matches!(self.state, State::Blank | State::Comment);
            let is_end = self.step(byte);
            if was_blank {
                begin = offset;
            }
            if is_end {
                let (_, end) = text.split_at(offset).0.split_at(begin);
                if self.begun.is_empty() {
                    pass(self.first_line, without_carriage_return(end));
                } else {
                    self.begun.push_str(end);
                    pass(self.first_line, without_carriage_return(&std::mem::take(&mut self.begun)));
                }
            }
        }
        if !matches!(self.state, State::Blank | State::Comment) {
            self.begun.push_str(text.split_at(begin).1);
        }
    }

    /// Returns the last line, if it has no line break at its end.
    pub(super) fn finish(self) -> Option<(u64, String)> {
        let mut line = self.begun;
        line.truncate(without_carriage_return(&line).len());
        (!line.is_empty()).then_some((self.first_line, line))
    }

    /// Memory held, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.begun.capacity()
    }

    /// Takes a byte; returns whether it is the line break after a point.
    fn step(&mut self, byte: u8) -> bool {
        let is_escaped = std::mem::take(&mut self.is_escaped);
        let is_after_equals = std::mem::take(&mut self.is_after_equals);
        let line = self.line;
        self.line += u64::from(byte == b'\n');
        match (self.state, byte) {
            (State::Blank, b' ' | b'\t' | b'\r' | b'\n') => {}
            (State::Blank, b'#') => self.state = State::Comment,
            (State::Blank, _) => {
                (self.state, self.first_line) = (State::Series, line);
                self.is_escaped = byte == b'\\';
            }
            (State::Comment, b'\n') => self.state = State::Blank,
            (State::Comment, _) => {}
            _ if is_escaped => {}
            (_, b'\\') => self.is_escaped = true,
            (State::String, b'"') | (State::Series, b' ') => self.state = State::Fields,
            (State::String, _) => {}
            (_, b'\n') => {
                self.state = State::Blank;
                return true;
            }
            (State::Fields, b'=') => self.is_after_equals = true,
            (State::Fields, b'"') if is_after_equals => self.state = State::String,
            (State::Series | State::Fields, _) => {}
        }
        false
    }
}

fn without_carriage_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u64, String)> {
        let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
        splitter.receive(text, |line, point| lines.push((line, point.to_owned())));
        lines.extend(splitter.finish());
        lines
    }

    #[test]
    fn line_numbers_are_those_of_an_editor() {
        let lines = |text, expected: &[(u64, &str)]| {
            let expected: Vec<_> =
                expected.iter().map(|(line, point)| (*line, (*point).to_owned())).collect();
            assert_eq!(split(text), expected, "{text:?}");
        };
        lines("", &[]);
        lines(" \r\n# a x=\"\r\n\n\t", &[]);
        lines("a b=1", &[(1, "a b=1")]);
        lines("é b=1\r", &[(1, "é b=1")]);
        lines("\n\r\na b=1\r\n# x=\"\n  c d=2 \n", &[(3, "a b=1"), (5, "c d=2 ")]);
        let quoted = "a b=\"1\n\n2\",c=\"\\\"\n\" 1\nd e=1";
        lines(quoted, &[(1, quoted.rsplit_once('\n').unwrap().0), (5, "d e=1")]);
        lines("a b=1\\\nc d=2\ne f=3", &[(1, "a b=1\\\nc d=2"), (3, "e f=3")]);
    }

    #[test]
    fn only_a_quote_after_an_equals_sign_begins_a_string() {
        let stray = "m x=1 \"\nm,t=\"a x=2\nm x=a\"\nm x=\"a\nb\",y=\"c\nm x=3\n";
        let lines: Vec<u64> = split(stray).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }
}
