//! The head of a reply: the few things of it that the clients use.

use std::time::Duration;

use memchr::memmem;

use super::framing::Framing;

/// More than any head of the service; a longer one is no reply to us.
const MAX_BYTES: usize = 16 * 1024;

/// What the head of a reply says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// The server will read another request on this connection.
    pub(super) keep_alive: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Head {
    /// Reads the head at the start of `bytes` and says how many of them it took; `None` while its blank line has not come.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            return if bytes.len() > MAX_BYTES { Err("its head does not end") } else { Ok(None) };
        };
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| "its head is not text")?;
        let mut lines = text.split("\r\n");
        let mut head = Self::status_line(lines.next().unwrap_or_default())?;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
            head.header(name, value.trim())?;
        }
        Ok(Some((head, end + 4)))
    }

    fn status_line(line: &str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix("HTTP/1.").ok_or("no HTTP/1.1 status line")?;
        let (minor, rest) = rest.split_once(' ').ok_or("no status")?;
        let status: u16 = rest.get(..3).and_then(|digits| digits.parse().ok()).ok_or("no status")?;
        let framing = if status == 204 || status == 304 { Framing::Length(0) } else { Framing::UntilClose };
        Ok(Self { status, framing, keep_alive: minor == "1", retry_after: None })
    }

    fn header(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        if name.eq_ignore_ascii_case("content-length") {
            if matches!(self.framing, Framing::UntilClose) {
                self.framing = Framing::Length(value.parse().map_err(|_| "a Content-Length that is no number")?);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err("a transfer encoding other than chunked");
            }
            self.framing = Framing::chunked();
        } else if name.eq_ignore_ascii_case("connection") {
            self.keep_alive = !value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("retry-after") {
            // A date is legal here too; the service sends seconds, and a reader of neither just backs off by itself.
            self.retry_after = value.parse().ok().map(Duration::from_secs);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Framing, Head};

    #[test]
    fn a_head_is_read_once_it_is_whole() -> Result<(), &'static str> {
        let text = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\ncontent-length: 3\r\nConnection: close\r\n\r\nabc";
        for cut in 0..text.len() - 3 {
            assert!(Head::parse(&text[..cut])?.is_none(), "{cut}");
        }
        let (head, used) = Head::parse(text)?.ok_or("no head")?;
        assert_eq!((head.status, used, head.keep_alive), (503, text.len() - 3, false));
        assert_eq!(head.retry_after, Some(Duration::from_secs(1)));
        assert!(matches!(head.framing, Framing::Length(3)));
        Ok(())
    }

    #[test]
    fn a_reply_without_content_has_no_body() -> Result<(), &'static str> {
        let (head, _) = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n")?.ok_or("no head")?;
        assert!(matches!(head.framing, Framing::Length(0)));
        Ok(())
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(Head::parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n").is_err());
        assert!(Head::parse("a".repeat(20_000).as_bytes()).is_err());
    }
}
