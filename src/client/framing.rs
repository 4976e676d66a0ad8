//! Where the body of a reply ends: a length, chunks, or the end of the connection. The decoder takes bytes in any pieces, holds none
//! of them, and hands out the body's as slices of what came.

/// How the rest of a body is delimited.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// RFC 9112 section 7.1.
    Chunked(Chunk),
    /// Everything until the connection ends.
    UntilClose,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug)]
pub(super) enum Chunk {
    /// In the size line; the size so far, and whether its digits are over (an extension follows).
    Size { size: u64, over: bool },
    /// In the data of a chunk; so many bytes still to come.
    Data(u64),
    /// In the line end behind the data.
    Behind,
    /// In the trailer behind the last chunk; how long its present line is.
    Trailer(usize),
}

/// What a piece of input did to a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The body goes on, all input was used.
    More,
    /// The body is over; so many bytes of the input belonged to it.
    Over(usize),
}

impl Framing {
    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunk::Size { size: 0, over: false })
    }

    /// Takes the next bytes from the socket and hands the body's among them to `take`, in order.
    pub(super) fn feed(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<Fed, &'static str> {
        match self {
            Self::UntilClose => {
                take(bytes);
                Ok(Fed::More)
            }
            Self::Length(left) => {
                let now = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                take(&bytes[..now]);
                *left -= now as u64;
                Ok(if *left == 0 { Fed::Over(now) } else { Fed::More })
            }
            Self::Chunked(chunk) => chunk.feed(bytes, take),
        }
    }
}

impl Chunk {
    fn feed(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<Fed, &'static str> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let Self::Data(left) = self {
                let now = (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                take(&bytes[at..at + now]);
                at += now;
                *left -= now as u64;
                if *left == 0 {
                    *self = Self::Behind;
                }
                continue;
            }
            at += 1;
            if self.line_byte(byte)? {
                return Ok(Fed::Over(at));
            }
        }
        Ok(Fed::More)
    }

    /// Takes one byte outside the data; true when it was the body's last.
    fn line_byte(&mut self, byte: u8) -> Result<bool, &'static str> {
        match self {
            Self::Size { size, over } => match byte {
                b'\n' if *size == 0 => *self = Self::Trailer(0),
                b'\n' => *self = Self::Data(*size),
                b';' | b'\r' | b' ' => *over = true,
                _ if *over => {}
                _ => {
                    let digit = char::from(byte).to_digit(16).ok_or("a chunk size that is no number")?;
                    if *size >> 58 != 0 {
                        return Err("a chunk size beyond reason");
                    }
                    *size = *size << 4 | u64::from(digit);
                }
            },
            Self::Behind => match byte {
                b'\r' => {}
                b'\n' => *self = Self::Size { size: 0, over: false },
                _ => return Err("a chunk longer than its size"),
            },
            Self::Trailer(length) => match byte {
                b'\r' => {}
                b'\n' if *length == 0 => return Ok(true),
                b'\n' => *length = 0,
                _ => *length += 1,
            },
            Self::Data(_) => return Err("data where a line should be"),
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fed, Framing};

    /// The body that comes out when `wire` arrives in pieces of `piece` bytes, and how many bytes were left over.
    fn decode(wire: &[u8], piece: usize) -> Result<(Vec<u8>, usize), &'static str> {
        let mut framing = Framing::chunked();
        let mut body = Vec::new();
        let mut seen = 0;
        for part in wire.chunks(piece) {
            match framing.feed(part, &mut |bytes: &[u8]| body.extend_from_slice(bytes))? {
                Fed::More => seen += part.len(),
                Fed::Over(used) => return Ok((body, wire.len() - seen - used)),
            }
        }
        Err("the body did not end")
    }

    #[test]
    fn extensions_and_trailers_are_skipped() {
        let wire = b"5;name=value\r\nhello\r\nA\r\n, world!!!\r\n0\r\nDigest: x\r\n\r\nnext";
        for piece in 1..wire.len() {
            assert_eq!(decode(wire, piece), Ok((b"hello, world!!!".to_vec(), 4)), "{piece}");
        }
    }

    #[test]
    fn bad_chunks_are_refused() {
        assert!(decode(b"x\r\n", 10).is_err());
        assert!(decode(b"1\r\nab\r\n0\r\n\r\n", 10).is_err());
        assert!(decode(b"fffffffffffffffffff\r\n", 10).is_err());
    }

    proptest! {
        #[test]
        fn any_chunks_in_any_pieces_give_the_body(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), piece in 1_usize..50) {
            let mut wire = Vec::new();
            for part in &parts {
                wire.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                wire.extend_from_slice(part);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(decode(&wire, piece), Ok((parts.concat(), 0)));
        }
    }
}
