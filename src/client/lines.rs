//! The line syntax of an event stream, read at the price of a few `memchr` a frame: no JSON, no allocation, no copy but of a line that
//! was cut in two by the network.

use memchr::memchr;

/// At least so many bytes of a line are seen, whatever its length; the rest of a longer line that was cut in two is not kept.
const KEPT: usize = 512;

/// One line that means something to a reader; comments, `retry:` and unknown fields are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The value of an `id:` line.
    Id(&'a [u8]),
    /// The value of an `event:` line.
    Event(&'a [u8]),
    /// The value of a `data:` line: all of it, or at least its first 500 bytes.
    Data(&'a [u8]),
    /// The blank line that ends a frame.
    Blank,
}

/// Cuts a body that comes in any pieces into lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// The start of the line that the last piece broke off in; empty at a line's start.
    carry: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and hands out the fields of every line that ends in it, in order.
    pub fn feed(&mut self, mut piece: &[u8], mut on: impl FnMut(Field<'_>)) {
        if !self.carry.is_empty() {
            let end = memchr(b'\n', piece);
            self.keep(&piece[..end.unwrap_or(piece.len())]);
            let Some(end) = end else { return };
            classify(&self.carry, &mut on);
            self.carry.clear();
            piece = &piece[end + 1..];
        }
        while let Some(end) = memchr(b'\n', piece) {
            classify(&piece[..end], &mut on);
            piece = &piece[end + 1..];
        }
        self.keep(piece);
    }

    fn keep(&mut self, part: &[u8]) {
        let room = KEPT.saturating_sub(self.carry.len());
        self.carry.extend_from_slice(&part[..part.len().min(room)]);
    }
}

fn classify(line: &[u8], on: &mut impl FnMut(Field<'_>)) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // The first byte decides for every line the service sends; the name is compared only then.
    match line.first() {
        None => on(Field::Blank),
        Some(b'i') => value(line, b"id:").map(Field::Id).into_iter().for_each(on),
        Some(b'e') => value(line, b"event:").map(Field::Event).into_iter().for_each(on),
        Some(b'd') => value(line, b"data:").map(Field::Data).into_iter().for_each(on),
        Some(_) => {}
    }
}

fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Field, Lines};

    const BODY: &str = "retry: 2500\nevent: stream.ready\nid: 41.9f3ac1d2\ndata: {\"a\":1}\n\n:\n\
        id: 42.9f3ac1d2\nevent: task.created\ndata:{\"seq\":42}\r\n\r\nidle: no\ndata\n\n";

    /// What comes out when `body` arrives in pieces that end at `cuts`.
    fn read(body: &[u8], cuts: &[usize]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&body.len()]) {
            let cut = cut.clamp(from, body.len());
            lines.feed(&body[from..cut], |field| {
                seen.push(match field {
                    Field::Id(value) => format!("id {}", String::from_utf8_lossy(value)),
                    Field::Event(value) => format!("event {}", String::from_utf8_lossy(value)),
                    Field::Data(value) => format!("data {}", String::from_utf8_lossy(value)),
                    Field::Blank => "blank".to_owned(),
                });
            });
            from = cut;
        }
        seen
    }

    #[test]
    fn fields_come_in_order_without_comments() {
        let expected = [
            "event stream.ready",
            "id 41.9f3ac1d2",
            "data {\"a\":1}",
            "blank",
            "id 42.9f3ac1d2",
            "event task.created",
            "data {\"seq\":42}",
            "blank",
            "blank",
        ];
        assert_eq!(read(BODY.as_bytes(), &[]), expected);
    }

    #[test]
    fn a_long_line_cut_in_two_keeps_its_start_and_nothing_more() {
        let mut lines = Lines::default();
        lines.feed(b"data: {\"at\":1", |_| {});
        for _ in 0..100 {
            lines.feed(&[b'x'; 1_000], |_| {});
        }
        assert!(lines.carry.len() <= 512);
        let mut starts = false;
        lines.feed(b"}\n", |field| starts = matches!(field, Field::Data(data) if data.starts_with(b"{\"at\":1x")));
        assert!(starts);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(mut cuts in prop::collection::vec(0..BODY.len(), 0..12)) {
            cuts.sort_unstable();
            prop_assert_eq!(read(BODY.as_bytes(), &cuts), read(BODY.as_bytes(), &[]));
        }
    }
}
