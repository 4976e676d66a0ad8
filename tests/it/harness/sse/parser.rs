//! The interpretation of an event stream, after <https://html.spec.whatwg.org/multipage/server-sent-events.html>, incremental. The service
//! ends every line with one line feed, so a carriage return is a failure here and not a line end.

use super::Frame;

/// What has been read of a stream.
#[derive(Default)]
pub struct Parser {
    /// Lines that began with a colon.
    pub comments: usize,
    /// The last `retry` field.
    pub retry: Option<u64>,
    last_event_id: String,
    line: Vec<u8>,
    raw: String,
    event: String,
    data: Option<String>,
    id: Option<String>,
}

impl Parser {
    /// Takes the next bytes, however they were cut, and returns the events they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for &byte in bytes {
            assert_ne!(byte, b'\r', "a carriage return on the wire");
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.line)).expect("a line that is not UTF-8");
            frames.extend(self.end_of_line(&line));
        }
        frames
    }

    fn end_of_line(&mut self, line: &str) -> Option<Frame> {
        if line.starts_with(':') {
            // Not part of the frame around it, if there is one.
            self.comments += 1;
            return None;
        }
        self.raw.push_str(line);
        self.raw.push('\n');
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => self.retry = value.parse().ok(),
            _ => panic!("a line that says nothing to a reader: {line:?}"),
        }
        None
    }

    /// The id counts from the blank line on: a frame cut before it is not resumed after.
    fn dispatch(&mut self) -> Option<Frame> {
        let (event, raw) = (std::mem::take(&mut self.event), std::mem::take(&mut self.raw));
        let id = self.id.take();
        if let Some(id) = &id {
            id.clone_into(&mut self.last_event_id);
        }
        let data = self.data.take()?;
        let event = if event.is_empty() { "message".to_owned() } else { event };
        Some(Frame { event, data, id, last_event_id: self.last_event_id.clone(), raw })
    }
}

#[test]
fn frames_are_read_however_they_are_cut() {
    let bytes = b":\nretry: 2500\n\nevent: a\nid: 3.0f\ndata: {\"x\":\ndata: 1}\n\n:\ndata:y\n\nevent: cut\nid: 9\n";
    for size in 1..bytes.len() {
        let mut parser = Parser::default();
        let frames: Vec<_> = bytes.chunks(size).flat_map(|chunk| parser.feed(chunk)).collect();
        let seen: Vec<_> = frames.iter().map(|frame| (frame.event.as_str(), frame.data.as_str(), frame.id.as_deref())).collect();
        assert_eq!(seen, [("a", "{\"x\":\n1}", Some("3.0f")), ("message", "y", None)]);
        assert_eq!((parser.comments, parser.retry, parser.last_event_id.as_str()), (2, Some(2500), "3.0f"));
    }
}
