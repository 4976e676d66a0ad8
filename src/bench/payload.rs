//! The event that a benchmark publishes: of a given size, with the time of sending where a reader finds it without parsing JSON.

/// `{"at":"…16 digits…","pad":""}`: the least a payload can be.
pub(super) const LEAST_BYTES: usize = FRONT.len() + DIGITS + BACK.len() + 2;

const FRONT: &[u8] = b"{\"at\":\"";
const BACK: &[u8] = b"\",\"pad\":\"";
const DIGITS: usize = 16;

/// The body of a publish of one or more equal events, and where in it their times stand.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    stamps: Vec<usize>,
}

impl Body {
    /// A body of `batch` events whose payloads are `bytes` long each.
    pub(super) fn new(batch: usize, bytes: usize) -> Self {
        let mut body = Self { bytes: Vec::new(), stamps: Vec::new() };
        if batch == 1 {
            body.push(bytes);
            return body;
        }
        body.bytes.extend_from_slice(b"{\"events\":[");
        for index in 0..batch {
            if index > 0 {
                body.bytes.push(b',');
            }
            body.push(bytes);
        }
        body.bytes.extend_from_slice(b"]}");
        body
    }

    fn push(&mut self, bytes: usize) {
        self.bytes.extend_from_slice(b"{\"type\":\"bench.tick\",\"payload\":");
        self.bytes.extend_from_slice(FRONT);
        self.stamps.push(self.bytes.len());
        self.bytes.extend_from_slice(&[b'0'; DIGITS]);
        self.bytes.extend_from_slice(BACK);
        self.bytes.resize(self.bytes.len() + bytes.saturating_sub(LEAST_BYTES), b'x');
        self.bytes.extend_from_slice(b"\"}}");
    }

    /// Writes the time, in nanoseconds, into every event of a copy of this body.
    pub(super) fn stamp(&self, copy: &mut [u8], time: u64) {
        let mut digits = [0; DIGITS];
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(time >> (60 - 4 * index) & 15) as usize];
        }
        for &at in &self.stamps {
            copy[at..at + DIGITS].copy_from_slice(&digits);
        }
    }
}

/// Finds the time in the data of a frame. It remembers where the last one stood, since that moves only when the seq gains a digit.
#[derive(Debug, Default)]
pub(super) struct StampFinder {
    at: usize,
}

impl StampFinder {
    /// The time that the event was stamped with; `None` if it has none.
    pub(super) fn find(&mut self, data: &[u8]) -> Option<u64> {
        if !data.get(self.at..).is_some_and(|rest| rest.starts_with(FRONT)) {
            self.at = memchr::memmem::find(data, FRONT)?;
        }
        let from = self.at + FRONT.len();
        let digits = data.get(from..from + DIGITS)?;
        // Only our own digits stand behind that front, so none needs a check: a letter's low bits count from 1, and bit 6 tells it.
        Some(digits.iter().fold(0, |time, digit| time << 4 | u64::from((digit & 15) + 9 * (digit >> 6))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Body, LEAST_BYTES, StampFinder};

    #[test]
    fn a_payload_has_the_size_asked_for() -> Result<(), serde_json::Error> {
        for bytes in [LEAST_BYTES, 256] {
            let single: Value = serde_json::from_slice(&Body::new(1, bytes).bytes)?;
            assert_eq!(single["payload"].to_string().len(), bytes);
            let batch: Value = serde_json::from_slice(&Body::new(3, bytes).bytes)?;
            assert_eq!(batch["events"].as_array().map(Vec::len), Some(3));
        }
        Ok(())
    }

    #[test]
    fn the_time_comes_back_wherever_it_stands() {
        let body = Body::new(2, 64);
        let mut copy = body.bytes.clone();
        body.stamp(&mut copy, 0x0123_4567_89ab_cdef);
        let mut finder = StampFinder::default();
        assert_eq!(finder.find(&copy), Some(0x0123_4567_89ab_cdef));
        let moved = [b"  ", copy.as_slice()].concat();
        assert_eq!(finder.find(&moved), Some(0x0123_4567_89ab_cdef));
        assert_eq!(finder.find(b"{\"seq\":1}"), None);
    }
}
