//! The SSE frame, rendered once for all readers: `id`, `event`, `data`, blank line.

use std::sync::OnceLock;

use crate::domain::cursor::Epoch;
use crate::domain::filter::{EventFilter, Facts};
use crate::store::Kind;
use crate::store::feed::Parts;

/// Where one frame stands in the bytes it was rendered into, and what filters look at.
#[derive(Debug)]
pub struct Frame {
    /// The entry's number in its stream.
    pub seq: u64,
    /// Offset of its first byte.
    pub start: u64,
    /// Its length, blank line included.
    pub len: u32,
    /// Offset of the JSON within the frame.
    json: u32,
    /// Offset and length of the type within the frame.
    kind: (u32, u32),
    facts: OnceLock<Facts>,
}

impl Frame {
    /// Offset behind its last byte.
    pub fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }

    /// The JSON of its `data` line, within the frame's bytes.
    pub fn json<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(self.json as usize..(self.len as usize).saturating_sub(2)).unwrap_or_default()
    }

    /// Whether a filter wants it; `frame` are its bytes. The payload is read once, by the first filter that asks.
    pub fn wanted(&self, filter: &EventFilter, stream: Kind, frame: &[u8]) -> bool {
        let (at, len) = self.kind;
        let kind = frame.get(at as usize..(at + len) as usize).and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or_default();
        let facts = self.facts.get_or_init(|| {
            let json = std::str::from_utf8(self.json(frame)).unwrap_or_default();
            match stream {
                Kind::Events => Facts::read(payload(json)),
                Kind::Log => Facts::read(json),
            }
        });
        filter.matches(kind, facts)
    }
}

/// The payload within an event's JSON, which this module wrote: behind the first `"payload":`, before the last `,"timestamp"`.
fn payload(json: &str) -> &str {
    const BEFORE: &str = "\"payload\":";
    const AFTER: &str = ",\"timestamp\":";
    let Some(start) = json.find(BEFORE).map(|at| at + BEFORE.len()) else { return "" };
    let Some(end) = json.rfind(AFTER) else { return "" };
    json.get(start..end).unwrap_or_default()
}

/// Renders one entry behind what is in `bytes`.
pub fn render(bytes: &mut Vec<u8>, stream: Kind, epoch: &str, seq: u64, parts: Parts<'_>) -> Frame {
    let start = bytes.len();
    let mut digits = Digits::default();
    let number = digits.of(seq);
    bytes.reserve(parts.kind.len() * 2 + parts.payload.len() + 128);
    bytes.extend_from_slice(b"id: ");
    bytes.extend_from_slice(number);
    bytes.push(b'.');
    bytes.extend_from_slice(epoch.as_bytes());
    bytes.extend_from_slice(b"\nevent: ");
    let kind_at = bytes.len() - start;
    bytes.extend_from_slice(parts.kind.as_bytes());
    bytes.extend_from_slice(b"\ndata: ");
    let json = bytes.len() - start;
    match stream {
        Kind::Events => {
            bytes.extend_from_slice(b"{\"seq\":");
            bytes.extend_from_slice(number);
            bytes.extend_from_slice(b",\"type\":\"");
            bytes.extend_from_slice(parts.kind.as_bytes());
            bytes.extend_from_slice(b"\",\"payload\":");
            bytes.extend_from_slice(parts.payload.as_bytes());
            bytes.extend_from_slice(b",\"timestamp\":");
            bytes.extend_from_slice(parts.at.as_bytes());
            bytes.push(b'}');
        }
        Kind::Log => bytes.extend_from_slice(parts.payload.as_bytes()),
    }
    bytes.extend_from_slice(b"\n\n");
    Frame {
        seq,
        start: start as u64,
        len: (bytes.len() - start) as u32,
        json: json as u32,
        kind: (kind_at as u32, parts.kind.len() as u32),
        facts: OnceLock::new(),
    }
}

/// The epoch as it stands behind every id.
pub fn epoch_text(epoch: Epoch) -> String {
    epoch.to_string()
}

/// Decimal digits without an allocation.
#[derive(Default)]
struct Digits([u8; 20]);

impl Digits {
    fn of(&mut self, mut number: u64) -> &[u8] {
        let mut at = self.0.len();
        for slot in self.0.iter_mut().rev() {
            *slot = b'0' + (number % 10) as u8;
            number /= 10;
            at -= 1;
            if number == 0 {
                break;
            }
        }
        self.0.get(at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(payload: &str) -> Parts<'_> {
        Parts { at: "1717691432000", kind: "todo.dispatched", traceparent: None, payload }
    }

    #[test]
    fn an_event_looks_as_the_contract_says() {
        let mut bytes = Vec::new();
        render(&mut bytes, Kind::Events, "9f3ac1d2", 2, parts("{}"));
        let want = "id: 2.9f3ac1d2\nevent: todo.dispatched\ndata: {\"seq\":2,\"type\":\"todo.dispatched\",\"payload\":{},\"timestamp\":1717691432000}\n\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), want);
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 1, 9, 10, 65_536, u64::MAX] {
            assert_eq!(Digits::default().of(number), number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_payload_that_imitates_the_envelope_is_still_read_right() {
        let tricky = r#"{"x":"\"payload\":1,\"timestamp\":2","sessionID":"s1","timestamp":3,"payload":{}}"#;
        let mut bytes = Vec::new();
        let frame = render(&mut bytes, Kind::Events, "00000000", 7, parts(tricky));
        assert_eq!(payload(std::str::from_utf8(frame.json(&bytes)).unwrap()), tricky);
    }

    proptest! {
        #[test]
        fn any_payload_is_one_frame_and_comes_back_whole(text in ".*", number in any::<i64>(), seq in 1u64..u64::MAX) {
            let value = serde_json::json!({"text": text, "number": number, "list": [text, null, true]});
            let mut bytes = b"earlier frame\n\n".to_vec();
            let before = bytes.len();
            let frame = render(&mut bytes, Kind::Events, "0badcafe", seq, parts(&value.to_string()));
            prop_assert_eq!(frame.end() as usize, bytes.len());
            let own = &bytes[before..];
            prop_assert_eq!(memchr::memchr_iter(b'\n', own).count(), 4);
            let ends_well = own.ends_with(b"}\n\n");
            prop_assert!(ends_well);
            let data: serde_json::Value = serde_json::from_slice(frame.json(own)).unwrap();
            prop_assert_eq!(&data["payload"], &value);
            prop_assert_eq!(data["seq"].as_u64(), Some(seq));
        }
    }
}
