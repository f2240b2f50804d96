//! One connection of HTTP/1.1 that is kept, and one exchange after the other on it: as little as a client can do, so
//! that what is measured is the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// How long a server may be silent.
const SILENCE_MAX: Duration = Duration::from_mins(2);
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What has arrived of the answer.
    arrived: Vec<u8>,
}

/// An answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// Those of connecting.
    pub(crate) fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream, arrived: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends a whole request and reads its whole answer, which must state its length.
    ///
    /// # Errors
    /// Those of the connection, and where the answer is none.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request)?;
        self.arrived.clear();
        let head_end = loop {
            if let Some(position) = self.arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break position + 4;
            }
            self.read_more()?;
        };
        let head = self.arrived.get(..head_end).and_then(|head| str::from_utf8(head).ok());
        let (status, length) = read_head(head.context("the head of the answer is no text")?)?;
        while self.arrived.len() < head_end + length {
            self.read_more()?;
        }
        ensure!(self.arrived.len() == head_end + length, "the answer is longer than it says");
        Ok(Answer { status, body: self.arrived.split_off(head_end) })
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let end = self.arrived.len();
        self.arrived.resize(end + READ_BYTES, 0);
        let room = self.arrived.get_mut(end..).unwrap_or_default();
        let count = self.stream.read(room).context("the server is silent")?;
        self.arrived.truncate(end + count);
        ensure!(count > 0, "the server has closed the connection");
        Ok(())
    }
}

/// The status, and the bytes of the body.
fn read_head(head: &str) -> anyhow::Result<(u16, usize)> {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|line| line.get(..3));
    let status = status.context("the answer is not HTTP/1.1")?.parse()?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse()?));
        }
    }
    bail!("the answer does not say how long it is")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn answers_arrive_whole_however_they_are_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 4];
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 404 No\r\ncontent-length:0\r\n\r\n",
            ] {
                stream.read_exact(&mut request).unwrap();
                for byte in answer.as_bytes() {
                    stream.write_all(&[*byte]).unwrap();
                }
            }
        });
        let mut connection = Connection::open(&address).unwrap();
        let mut exchange = || connection.exchange(b"ping");

        assert_eq!(exchange().unwrap(), Answer { status: 200, body: b"hello".to_vec() });
        assert_eq!(exchange().unwrap(), Answer { status: 404, body: Vec::new() });
        server.join().unwrap();
        assert!(exchange().is_err());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for head in [
            "",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 x00\r\ncontent-length: 1\r\n\r\n",
        ] {
            assert!(read_head(head).is_err(), "{head}");
        }
    }
}
